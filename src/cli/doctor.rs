//! `estop doctor`: at the machine and with the configuration, before there is a service and beside
//! one.

use std::path::PathBuf;

use super::Room;
use super::answers::{Answer, Failure};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::app::{Parts, Playbooks, StartError, doctor};
use crate::config::{BadConfig, Config, Overrides, find};
use crate::doctor::{Report, State};
use crate::store::{Entry, Store};

/// The check that says whether anything answers at all.
const REACH: &str = "reach";

/// Which configuration is examined.
#[derive(Clone, Debug, clap::Args)]
pub struct DoctorArgs {
    /// The configuration [default: ./estop.yaml, else /etc/estop/estop.yaml]
    #[arg(long, env = "ESTOP_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

pub(super) async fn examine(room: &mut Room, args: &DoctorArgs) -> Answer {
    let unusable = |bad: BadConfig| Failure::usage(bad.to_string());
    let unfit = |error: StartError| Failure::usage(error.to_string());
    let overrides = Overrides::default()
        .or_environment(&room.environment)
        .map_err(unusable)?;
    let path = find(args.config.as_deref()).map_err(unusable)?;
    let config = Config::read(&path, &overrides).map_err(unusable)?;
    for warning in &config.warnings {
        room.terminal.say(&format!("warning: {warning}"));
    }
    let place = config.store.clone();
    let parts = Parts::real(config, Playbooks::AsWritten).map_err(unfit)?;
    if place.file().is_some_and(|file| !file.exists()) {
        let doctor = doctor(parts, (None, None)).map_err(unfit)?;
        return Ok(tell(&mut room.terminal, &doctor.examine().await));
    }
    let (store, writing) = match Store::open(&place, Entry::Visit, room.clock.clone()).await {
        Ok(opened) => opened,
        Err(why) if place.file().is_some() => return Err(Failure::usage(why.to_string())),
        // All else is looked at none the less: both may be wrong at once.
        Err(why) => {
            let doctor = doctor(parts, (None, Some(why.to_string()))).map_err(unfit)?;
            return Ok(tell(&mut room.terminal, &doctor.examine().await));
        }
    };
    let doctor = doctor(parts, (Some(store), None)).map_err(unfit)?;
    let looking = async { Some(doctor.examine().await) };
    let writing = async {
        writing.await;
        None
    };
    let report = tokio::select! {
        report = looking => report,
        ended = writing => ended,
    };
    let report = report.ok_or_else(|| Failure::new(Exit::Failed, "the store closed too soon"))?;
    Ok(tell(&mut room.terminal, &report))
}

fn tell(terminal: &mut Terminal, report: &Report) -> Exit {
    if terminal.wants_json() {
        terminal.json(report);
        return exit_of(report);
    }
    for line in &report.lines {
        let state = if line.state == State::Fail {
            "FAIL"
        } else {
            line.state.word()
        };
        terminal.line(&format!(" {state:<8} {:<24} {}", line.check, line.said));
        let help = matches!(line.state, State::Fail | State::Warn | State::Unknown);
        if let Some(fix) = line.fix.as_ref().filter(|_| help) {
            terminal.line(&format!(" {:<8} {:<24} fix: {fix}", "", ""));
        }
    }
    let counts = [
        State::Ok,
        State::Warn,
        State::Fail,
        State::Unknown,
        State::Skipped,
    ]
    .map(|state| format!("{} {state}", report.count(state)));
    terminal.line(&counts.join(", "));
    exit_of(report)
}

/// A warning or something unknown is no failure: nothing is known not to work.
pub(super) fn exit_of(report: &Report) -> Exit {
    let unreachable = report
        .line(REACH)
        .is_some_and(|line| line.state == State::Fail);
    match report.state() {
        State::Fail if unreachable => Exit::Unreachable,
        State::Fail => Exit::Failed,
        State::Ok | State::Skipped | State::Unknown | State::Warn => Exit::Done,
    }
}
