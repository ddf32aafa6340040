//! `estop lab`: a service on a simulated tenant, kept up in a folder that the person names, so that
//! everything else on this command line can be tried against it.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Child;
use tokio_util::sync::CancellationToken;

use super::demo::NotObserved;
use super::demo::stage::{doors, start, tenant_door};
use super::exit::Exit;
use super::signals::asked_to_stop;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::command::{NewName, at_the_machine, create_token};
use crate::domain::order::Scope;
use crate::listener;
use crate::signature::Secret;
use crate::sim::Entra;
use crate::store::{Entry, Store};

/// How long its token lives.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Where the lab is kept, and with which playbooks.
#[derive(Clone, Debug, clap::Args)]
pub struct LabArgs {
    /// A new folder for its configuration, keys, token, database and log.
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// The folder of playbooks it watches; the shipped ones, in the new folder, when left away.
    #[arg(long, value_name = "FOLDER")]
    pub playbooks: Option<PathBuf>,
}

/// Keeps the lab up until it is interrupted.
pub async fn lab(args: &LabArgs, out: &mut (dyn Write + Send)) -> Exit {
    let clock = Clock::system();
    match keep(args, &clock, out).await {
        Ok(()) => Exit::Done,
        Err(missing) => {
            // Whoever does not read it sees the exit code.
            let _ = writeln!(out, "the lab is not up: {missing}");
            Exit::Failed
        }
    }
}

async fn keep(
    args: &LabArgs,
    clock: &Clock,
    out: &mut (dyn Write + Send),
) -> Result<(), NotObserved> {
    let entra = Entra::contoso(clock.clone());
    let (door, tenant_url) = tenant_door().await?;
    let tenant = listener::serve(
        door,
        entra.router(),
        listener::Limits::default(),
        clock.clone(),
        CancellationToken::new(),
    );
    let up = async {
        let folder = set_up(args, (&entra, &tenant_url), clock)?;
        let mut child = start(&folder, &[], (&entra, &tenant_url))?;
        let addresses = doors(&mut child, clock).await.map_err(|missing| {
            NotObserved(format!(
                "{missing}; see {}",
                folder.join("serve.log").display()
            ))
        })?;
        credential(&folder, clock).await?;
        let env = environment(&folder, &addresses)?;
        let _ = writeln!(
            out,
            "a service on a simulated tenant is up until Ctrl-C; in another terminal: . {}",
            env.display()
        )
        .and_then(|()| out.flush());
        until_ended(&mut child).await
    };
    tokio::select! {
        () = tenant => Err(NotObserved("the simulated tenant ended early".to_owned())),
        ended = up => ended,
    }
}

/// Everything a service needs, in a folder that was not there before.
fn set_up(
    args: &LabArgs,
    (entra, tenant_url): (&Entra, &str),
    clock: &Clock,
) -> Result<PathBuf, NotObserved> {
    let shown = args.folder.display();
    std::fs::create_dir(&args.folder)
        .map_err(|why| NotObserved(format!("{shown}: {why}; name a folder that is not there")))?;
    let folder = args.folder.canonicalize();
    let folder = folder.map_err(|why| NotObserved(format!("{shown}: {why}")))?;
    let playbooks = match &args.playbooks {
        Some(named) => named
            .canonicalize()
            .map_err(|why| NotObserved(format!("{}: {why}", named.display())))?,
        None => shipped(&folder)?,
    };
    let secret = Secret::fresh(clock.random());
    write(&folder.join("lab.key"), &secret.reveal())?;
    let text = configuration(entra, tenant_url, &playbooks);
    write(&folder.join("estop.yaml"), &text)?;
    Ok(folder)
}

fn shipped(folder: &Path) -> Result<PathBuf, NotObserved> {
    let playbooks = folder.join("playbooks");
    std::fs::create_dir(&playbooks)
        .map_err(|why| NotObserved(format!("{}: {why}", playbooks.display())))?;
    for (name, text) in Catalog::shipped_files() {
        write(&folder.join(name), text)?;
    }
    Ok(playbooks)
}

fn configuration(entra: &Entra, tenant_url: &str, playbooks: &Path) -> String {
    let tenant = entra.tenant().id;
    // A path in JSON is a path in YAML, whatever stands in it.
    let playbooks = serde_json::Value::from(playbooks.display().to_string());
    format!(
        "# Written by `estop lab`.\n\
         listen: 127.0.0.1:0\ncontrol: {{ listen: 127.0.0.1:0 }}\nstore: sqlite:estop.db\n\
         mode: enforce\nprotected: []\nplaybooks: {playbooks}\n\
         tenant:\n  id: {tenant}\n  credential: managed_identity\n  \
         graph_url: {tenant_url}\n  login_url: {tenant_url}\n\
         sources:\n  lab:\n    reader: estop\n    \
         verify: {{ standard_webhooks: {{ secret_files: [lab.key] }} }}\n"
    )
}

/// A token that may respond, in a file only its owner can read.
async fn credential(folder: &Path, clock: &Clock) -> Result<(), NotObserved> {
    let missing = |why: String| NotObserved(format!("no token could be made: {why}"));
    let opened = Store::open(&folder.join("estop.db"), Entry::Visit, clock.clone()).await;
    let (store, writing) = opened.map_err(|why| missing(why.to_string()))?;
    let name = NewName::new("lab").ok_or_else(|| missing("no name".to_owned()))?;
    let making = async move {
        let who = at_the_machine("lab");
        create_token((&store, clock), &who, (name, Scope::Respond), TOKEN_LIFE).await
    };
    let (made, ()) = tokio::join!(making, writing);
    let made = made.map_err(|why| missing(why.to_string()))?;
    write(&folder.join("lab.token"), &made.text)
}

/// What a shell is told, so that every command finds the lab.
fn environment(
    folder: &Path,
    (deliveries, control): &(String, String),
) -> Result<PathBuf, NotObserved> {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let file = |name: &str| quoted(&folder.join(name).display().to_string());
    let lines = [
        ("ESTOP_SERVER", quoted(control.trim_end_matches('/'))),
        ("ESTOP_INGEST", quoted(deliveries.trim_end_matches('/'))),
        ("ESTOP_TOKEN_FILE", file("lab.token")),
        ("ESTOP_CONFIG", file("estop.yaml")),
    ];
    let text: String = lines
        .iter()
        .map(|(name, value)| format!("export {name}={value}\n"))
        .collect();
    // Under its name only when it is whole: whoever waits for it reads all of it.
    let (draft, env) = (folder.join("env.draft"), folder.join("env"));
    write(&draft, &text)?;
    std::fs::rename(&draft, &env)
        .map_err(|why| NotObserved(format!("{}: {why}", env.display())))?;
    Ok(env)
}

fn write(path: &Path, text: &str) -> Result<(), NotObserved> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|why| NotObserved(format!("{}: {why}", path.display())))
}

/// Until we are asked to end. A terminal tells the service too, which may be faster than we are.
async fn until_ended(child: &mut Child) -> Result<(), NotObserved> {
    tokio::select! {
        () = asked_to_stop() => Ok(()),
        ended = child.wait() => match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(NotObserved(format!("the service ended: {status}"))),
            Err(why) => Err(NotObserved(format!("the service was lost: {why}"))),
        },
    }
}
