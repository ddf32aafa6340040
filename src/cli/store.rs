//! `estop store migrate`: out of a SQLite file into a PostgreSQL database. `estop store prepare`: the
//! schema of one, for services that may not change it.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{DatabaseArgs, MigrateArgs, StoreCommand};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::audit::Head;
use crate::store::{
    CrossError, Crossed, Crossing, Entry, Obstacle, OpenError, Place, ServerPlace, Store, cross,
};

/// What lies beside a store unless the configuration names another place.
const BESIDE: [&str; 4] = ["ticket-key", "evidence-key", "anchor-key", "offline"];

pub(super) async fn store(room: &mut Room, command: StoreCommand) -> Answer {
    match command {
        StoreCommand::Migrate(args) => migrate(room, &args).await,
        StoreCommand::Prepare(args) => prepare(room, &args).await,
    }
}

async fn migrate(room: &mut Room, args: &MigrateArgs) -> Answer {
    let from = from(args)?;
    let (to, named) = to(&args.into)?;
    let Room {
        terminal, clock, ..
    } = room;
    let moved = cross(&from, &to, clock, |crossed| follow(terminal, crossed)).await;
    let moved = moved.map_err(failure)?;
    terminal.progress_over();
    tell(terminal, &moved, (&from, &to, named));
    Ok(Exit::Done)
}

/// Whoever opens a store brings its schema up to date, where its role may.
async fn prepare(room: &mut Room, args: &DatabaseArgs) -> Answer {
    let (to, _) = to(args)?;
    let shown = to.to_string();
    let opened = Store::open(Place::Server(to), Entry::Visit, room.clock.clone()).await;
    let (store, writing) = opened.map_err(|why| match why {
        unfit @ OpenError::Unfit { .. } => Failure::usage(unfit.to_string()),
        away @ (OpenError::Held { .. } | OpenError::Moved { .. } | OpenError::Unusable { .. }) => {
            Failure::new(Exit::Unreachable, away.to_string())
        }
    })?;
    let asking = async {
        let facts = store.facts().await;
        facts.map_err(|why| Failure::new(Exit::Failed, why.to_string()))
    };
    let facts = tokio::select! {
        facts = asking => facts?,
        () = writing => None,
    };
    let step = facts.map_or(0, |facts| facts.step);
    if room.terminal.wants_json() {
        room.terminal.json(&json!({ "store": shown, "step": step }));
        return Ok(Exit::Done);
    }
    room.terminal
        .line(&format!("the schema of {shown} is at step {step}"));
    room.terminal.say(
        "where each role of the service has a role of its own there, grant them what they need \
         anew: deploy/postgresql/roles.sql",
    );
    Ok(Exit::Done)
}

/// Does the configuration name the database already?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    There,
    Here,
}

fn from(args: &MigrateArgs) -> Result<PathBuf, Failure> {
    let Some(text) = args.from.as_deref() else {
        let unnamed = || {
            Failure::usage("the configuration names no file: the store to be moved")
                .fix("name it: --from sqlite:PATH")
        };
        return configured(&args.into)?
            .file()
            .map(Path::to_path_buf)
            .ok_or_else(unnamed);
    };
    let path = text.strip_prefix("sqlite:").unwrap_or(text);
    if path.is_empty() || path.contains("://") {
        return Err(
            Failure::usage(format!("`{text}` is no file: a store moves out of one"))
                .fix("name it: --from sqlite:PATH"),
        );
    }
    Ok(path.into())
}

fn to(args: &DatabaseArgs) -> Result<(ServerPlace, Named), Failure> {
    let (place, named) = match args.to.as_deref() {
        Some(text) => (
            Place::read(text, Path::new("")).map_err(Failure::usage)?,
            Named::Here,
        ),
        None => (configured(args)?, Named::There),
    };
    match place {
        Place::Server(server) if named == Named::Here => Ok((
            ServerPlace {
                password_file: args.password_file.clone(),
                ca_file: args.ca_file.clone(),
                ..server
            },
            named,
        )),
        Place::Server(server) => Ok((server, named)),
        Place::File(path) => Err(Failure::usage(format!(
            "{} is a file: a store moves into a database",
            path.display()
        ))
        .fix("name it: --to postgres://ROLE@HOST/DATABASE, or as `store` in the configuration")),
    }
}

fn configured(args: &DatabaseArgs) -> Result<Place, Failure> {
    let place = crate::config::store_place(args.config.as_deref());
    place.map_err(|why| Failure::usage(why.to_string()))
}

/// One line that is drawn over itself, where a person looks.
pub(super) fn follow(terminal: &mut Terminal, crossed: Crossed<'_>) {
    terminal.progress(&match crossed {
        Crossed::Copied { table, rows, of } => format!("  {rows} of {of} rows  {table}"),
        Crossed::Proved { record, of } => format!("  {record} of {of} records proved"),
    });
}

fn failure(error: CrossError) -> Failure {
    let exit = match error.sort {
        Obstacle::InTheWay => Exit::Guarded,
        Obstacle::Unfit => Exit::Usage,
        Obstacle::Away => Exit::Unreachable,
        Obstacle::NotProved => Exit::Failed,
        Obstacle::InDoubt => Exit::Unknown,
    };
    Failure::new(exit, error.why).fix(error.fix)
}

fn tell(
    terminal: &mut Terminal,
    moved: &Crossing,
    (from, to, named): (&Path, &ServerPlace, Named),
) {
    let (from, mark) = (from.display().to_string(), moved.mark.display().to_string());
    let head = Head {
        number: moved.head.0,
        seal: moved.head.1,
    };
    let rows: u64 = moved.tables.iter().map(|(_, rows)| rows).sum();
    if terminal.wants_json() {
        let tables = moved.tables.iter();
        let tables: serde_json::Map<_, _> = tables
            .map(|(name, rows)| (name.clone(), json!(rows)))
            .collect();
        terminal.json(&json!({
            "from": format!("sqlite:{from}"), "to": to.to_string(), "moved_before": moved.was_there,
            "rows": rows, "tables": tables, "head": head.to_string(), "mark": mark,
            "copy": keys(&from).into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        }));
        return;
    }
    if moved.was_there {
        terminal.line(&format!("sqlite:{from} was moved to {to} before"));
    } else {
        let tables = moved.tables.len();
        terminal.line(&format!(
            "{rows} rows of {tables} tables moved to {to}; {} records, chain intact",
            head.number
        ));
    }
    terminal.line(&format!("head {head}"));
    go_on(terminal, (&from, &mark), (to, named));
}

/// What lies beside the file, and its name beside a configuration that names a database.
fn keys(from: &str) -> Vec<(String, String)> {
    BESIDE
        .iter()
        .map(|what| (format!("{from}.{what}"), format!("estop.{what}")))
        .filter(|(key, _)| Path::new(key).is_file())
        .collect()
}

/// What is left for a person to do.
fn go_on(terminal: &mut Terminal, (from, mark): (&str, &str), (to, named): (&ServerPlace, Named)) {
    if named == Named::Here {
        terminal.say("next, in the configuration:");
        terminal.say(&format!("  store: \"{to}\""));
        let files = [
            ("store_password_file", &to.password_file),
            ("store_ca_file", &to.ca_file),
        ];
        for (key, file) in files {
            if let Some(file) = file {
                terminal.say(&format!("  {key}: {}", file.display()));
            }
        }
    }
    let keys = keys(from);
    if !keys.is_empty() {
        terminal.say("what lies beside the old file is looked for beside the configuration now:");
        for (key, new) in keys {
            terminal.say(&format!("  cp -p {key} {new}"));
        }
    }
    terminal.say("then: estop doctor, estop serve");
    terminal.say(&format!(
        "  {from} is as it was: keep it, and start nothing on it. While {mark} is there, nothing does."
    ));
}
