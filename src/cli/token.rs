//! `estop token`: made, listed and revoked at the machine that holds the store.

use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{StoreArgs, TokenCommand};
use super::exit::Exit;
use super::table;
use super::terminal::Terminal;
use crate::api::TokenShown;
use crate::clock::Clock;
use crate::command::{Created, NewName, at_the_machine, create_token, revoke_token};
use crate::domain::moment::Moment;
use crate::domain::order::{Operator, Scope};
use crate::store::{Entry, Place, Store};

pub(super) async fn token(room: &mut Room, command: TokenCommand) -> Answer {
    match command {
        TokenCommand::Create {
            name,
            scope,
            expires,
            out,
            store,
        } => {
            let name = NewName::new(&name).ok_or_else(|| {
                Failure::usage("a token's name has 1 to 64 letters, digits, `.`, `-` and `_`")
            })?;
            let scope = Scope::parse(&scope)
                .ok_or_else(|| Failure::usage("a scope is view, respond or ingest:NAME"))?;
            let who = who(room);
            let clock = room.clock.clone();
            let created = visit(room, &store, async |store| {
                Ok(create_token((store, &clock), &who, (name, scope), expires.0).await?)
            })
            .await?;
            hand_over(&mut room.terminal, &Fresh::from(created), out.as_deref())
        }
        TokenCommand::List { store } => {
            let tokens = visit(room, &store, async |store| {
                store.tokens().await.map_err(unreadable)
            })
            .await?;
            let tokens: Vec<TokenShown> = tokens.into_iter().map(TokenShown::from).collect();
            list(&mut room.terminal, &tokens);
            Ok(Exit::Done)
        }
        TokenCommand::Revoke { id, store } => {
            let (who, clock) = (who(room), room.clock.clone());
            visit(room, &store, async |store| {
                Ok(revoke_token((store, &clock), &who, id).await?)
            })
            .await?;
            if room.terminal.wants_json() {
                room.terminal.json(&json!({ "revoked": id }));
            } else {
                room.terminal.line(&format!("{id} is revoked"));
            }
            Ok(Exit::Done)
        }
    }
}

/// Opens the store for a short visit, beside a service that may be running.
pub(super) async fn visit<T>(
    room: &Room,
    store: &StoreArgs,
    work: impl AsyncFnOnce(&Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    visit_at(&room.clock, store, work).await
}

/// The same, for whoever shows meanwhile how far the work has come.
pub(super) async fn visit_at<T>(
    clock: &Clock,
    store: &StoreArgs,
    work: impl AsyncFnOnce(&Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let place = place_of(store)?;
    if let Some(path) = place.file().filter(|path| !path.is_file()) {
        return Err(
            Failure::usage(format!("there is no store at {}", path.display()))
                .fix("name it with --store sqlite:PATH or --config FILE; estop serve makes it"),
        );
    }
    let opened = Store::open(&place, Entry::Visit, clock.clone()).await;
    let (opened, writing) = opened.map_err(|why| Failure::usage(why.to_string()))?;
    // The writer ends when the store is dropped, which is when the work is over.
    let working = async move { work(&opened).await };
    let (done, ()) = tokio::join!(working, writing);
    done
}

fn place_of(store: &StoreArgs) -> Result<Place, Failure> {
    match store.store.as_deref() {
        None => crate::config::store_place(store.config.as_deref())
            .map_err(|why| Failure::usage(why.to_string())),
        Some(named) => Place::read(named, Path::new("")).map_err(Failure::usage),
    }
}

pub(super) fn unreadable(why: crate::store::Error) -> Failure {
    crate::command::Error::from(why).into()
}

/// The person at the machine, as the record names them.
pub(super) fn who(room: &Room) -> Operator {
    at_the_machine(room.environment.get("USER").unwrap_or_default())
}

/// A credential that was just made.
pub(super) struct Fresh {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) expires_at: Moment,
    /// How it is taken back.
    pub(super) revoke: &'static str,
}

impl From<Created> for Fresh {
    fn from(created: Created) -> Self {
        Self {
            id: created.id.to_string(),
            text: created.text,
            expires_at: created.expires_at,
            revoke: "estop token revoke",
        }
    }
}

/// Shows a credential once, or writes it into a new file that only its owner can read.
pub(super) fn hand_over(terminal: &mut Terminal, created: &Fresh, out: Option<&Path>) -> Answer {
    let ends = created.expires_at;
    if let Some(path) = out {
        write_private(path, &created.text).map_err(|why| {
            Failure::new(Exit::Failed, format!("{}: {why}", path.display())).fix(format!(
                "it was made and cannot be shown again: {} {}",
                created.revoke, created.id
            ))
        })?;
        let shown = path.display().to_string();
        if terminal.wants_json() {
            terminal.json(&json!({ "id": created.id, "file": shown, "expires_at": ends }));
        } else {
            terminal.say(&format!("{} is in {shown} until {ends}", created.id));
        }
        return Ok(Exit::Done);
    }
    if terminal.wants_json() {
        terminal.json(&json!({
            "id": created.id, "token": created.text, "expires_at": ends,
        }));
        return Ok(Exit::Done);
    }
    terminal.line(&created.text);
    terminal.say(&format!(
        "{} ends {ends}. It is shown this once: keep it in a file of mode 0600.",
        created.id
    ));
    Ok(Exit::Done)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

fn list(terminal: &mut Terminal, tokens: &[TokenShown]) {
    if terminal.wants_json() {
        terminal.json(&json!({ "tokens": tokens }));
        return;
    }
    let rows: Vec<Vec<String>> = tokens
        .iter()
        .map(|token| {
            let ended = token.revoked_at.map(|at| format!("revoked {at}"));
            vec![
                token.id.to_string(),
                token.name.clone(),
                token.scope.clone(),
                token.created_at.to_string(),
                ended.unwrap_or_else(|| token.expires_at.to_string()),
            ]
        })
        .collect();
    let heading = ["TOKEN", "NAME", "SCOPE", "CREATED", "ENDS"];
    table::write(terminal, &heading, &rows, "no tokens");
}
