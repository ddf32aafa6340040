//! `estop serve`: the service itself.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};
use url::Url;

use crate::app::{Announced, Parts, Playbooks, Service, StartError, serve};
use crate::command::Pause;
use crate::config::{Config, Environment, Overrides, find};
use crate::domain::playbook::ServiceMode;
use crate::domain::role::ServiceRole;
use crate::reload::{Cause, Reloader};

use super::args::service_role;
use super::exit::Exit;
use super::signals::asked_to_stop;

/// How the service is started.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeArgs {
    /// The configuration [default: ./estop.yaml, else /etc/estop/estop.yaml]
    #[arg(long, env = "ESTOP_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where deliveries are taken
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Which part of the service this is: all, or where PostgreSQL is shared ingest, worker or console
    #[arg(long, value_parser = service_role)]
    pub role: Option<ServiceRole>,
    /// How far the service may go: off, observe or enforce
    #[arg(long, value_parser = service_mode)]
    pub mode: Option<ServiceMode>,
    /// The shipped playbooks in the mode they recommend; only with a simulated tenant
    #[arg(long, hide = true)]
    pub as_recommended: bool,
}

fn service_mode(word: &str) -> Result<ServiceMode, String> {
    ServiceMode::from_word(word).ok_or_else(|| "write off, observe or enforce".to_owned())
}

/// Where it is, and where it is only a part, what it does and what it holds.
fn announced(at: &Announced) -> String {
    let control = &at.control;
    let deliveries = at.deliveries.as_ref().map_or("nowhere", Url::as_str);
    match at.role {
        ServiceRole::All => {
            format!("estop takes deliveries on {deliveries} and orders on {control}")
        }
        ServiceRole::Ingest => format!(
            "estop ingest takes deliveries on {deliveries} and probes on {control} ; it decides \
             nothing, and holds no credential for the tenant"
        ),
        ServiceRole::Worker => format!(
            "estop worker decides and carries out, and takes probes on {control} ; it holds the \
             credential that writes to the tenant"
        ),
        ServiceRole::Console => format!(
            "estop console takes orders on {control} ; it reads the tenant, and a worker carries out"
        ),
    }
}

/// Nothing of our memory goes into a core file or to a debugger of the same user: it holds keys.
#[cfg(target_os = "linux")]
fn keep_memory_to_ourselves() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    if let Err(why) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%why, "core files of this process are not ruled out");
    }
}

#[cfg(not(target_os = "linux"))]
fn keep_memory_to_ourselves() {}

/// Serves until the process is asked to stop. A configuration that cannot be used ends with 78.
pub async fn serve_command(
    args: &ServeArgs,
    environment: &Environment,
    out: &mut (dyn Write + Send),
) -> Exit {
    keep_memory_to_ourselves();
    let started = async {
        let parts = parts(args, environment)?;
        parts
            .config
            .warnings
            .iter()
            .for_each(|warning| tracing::warn!("{warning}"));
        Service::start(parts).await
    };
    let service = match started.await {
        Ok(service) => service,
        Err(error) => {
            tracing::error!("estop does not start: {error}");
            return Exit::Config;
        }
    };
    let announce = |at: &Announced| {
        let line = announced(at);
        tracing::info!("{line}");
        // Whoever started us may not read what we say; we serve all the same.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    };
    // Behind the doors: nobody waits for the tests of what was read without a fault.
    if let (false, Some(reloader)) = (args.as_recommended, &service.reloader) {
        reloader.knock(Cause::Start);
    }
    let changing = asked_to_reload(service.reloader.clone());
    let pausing = asked_to_pause(service.pause.clone());
    let serving = serve(service, announce, asked_to_stop());
    let ended = tokio::select! {
        ended = serving => ended,
        () = changing => Ok(()),
        () = pausing => Ok(()),
    };
    match ended {
        Ok(()) => Exit::Done,
        Err(error) => {
            tracing::error!("estop does not start: {error}");
            Exit::Config
        }
    }
}

fn parts(args: &ServeArgs, environment: &Environment) -> Result<Parts, StartError> {
    let overrides = Overrides {
        listen: args.listen,
        mode: args.mode,
        role: args.role,
        ..Overrides::default()
    };
    let configured = overrides
        .or_environment(environment)
        .and_then(|overrides| Config::read(&find(args.config.as_deref())?, &overrides));
    let config = configured.map_err(|bad| StartError {
        what: bad.to_string(),
    })?;
    let playbooks = if args.as_recommended {
        Playbooks::AsRecommended
    } else {
        Playbooks::AsWritten
    };
    let simulated = config.endpoints.graph().scheme() == "http";
    if playbooks == Playbooks::AsRecommended && !simulated {
        let what = "--as-recommended is only for a simulated tenant on loopback".to_owned();
        return Err(StartError { what });
    }
    Parts::real(config, playbooks)
}

/// SIGHUP has the folder of playbooks looked at, and never ends the process. This never ends.
fn asked_to_reload(reloader: Option<Reloader>) -> impl Future<Output = ()> {
    at_each(SignalKind::hangup(), move || match &reloader {
        Some(reloader) => reloader.knock(Cause::Signal),
        None => tracing::warn!("SIGHUP: there is no folder of playbooks to look at"),
    })
}

/// SIGUSR1 stops all writes to the tenant. This never ends.
fn asked_to_pause(pause: Option<Pause>) -> impl Future<Output = ()> {
    at_each(SignalKind::user_defined1(), move || {
        if pause.is_none() {
            tracing::warn!("SIGUSR1: this role writes nothing to the tenant; tell a worker");
        }
        pause.iter().for_each(Pause::now);
    })
}

/// Does something at each signal of a kind. It is listened for from the call on.
fn at_each(kind: SignalKind, act: impl Fn()) -> impl Future<Output = ()> {
    let heard = signal(kind);
    async move {
        let Ok(mut heard) = heard else {
            return std::future::pending().await;
        };
        while heard.recv().await.is_some() {
            act();
        }
        std::future::pending().await
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    #[test]
    fn a_service_leaves_no_core_file() {
        super::keep_memory_to_ourselves();

        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
    }
}
