//! What services on one database tell each other at once: whom a commit has closed or opened, and to
//! the workers, what other parts of a service have stored for them.
//!
//! A hint and no more. Whoever hears it reads what is so, and whoever may have missed one reads
//! everything.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::afar::Afar;
use super::error::Error;
use super::moved::Moved;
use super::sql::{Server, query};
use super::writer::Tx;
use crate::clock::Clock;
use crate::domain::entity::ObjectId;

/// Whom a commit has closed or opened.
const MOVED: &str = "estop_moved";
/// What is to be done, for those who work.
const DUE: &str = "estop_due";
/// Said where there are too many to name: a word has at most 8,000 bytes.
const EVERYTHING: &str = "everything";
/// Most that are named in one word.
const NAMED_MAX: usize = 200;
/// Before it is tried again to listen.
const PAUSE: Duration = Duration::from_secs(1);

/// Says it with the commit of this transaction, or not at all.
pub(super) async fn tell_others(tx: &mut Tx) -> Result<(), Error> {
    let ids = tx.moved.to_tell();
    if ids.is_empty() || !tx.db.is_shared() {
        return Ok(());
    }
    let word = if ids.len() > NAMED_MAX {
        EVERYTHING.to_owned()
    } else {
        ids.iter().fold(String::new(), |mut word, id| {
            // Writing to a text cannot fail.
            let _ = write!(word, "{id} ");
            word
        })
    };
    query("select count(pg_notify('estop_moved', $1))")
        .bind(word)
        .execute(&mut tx.db)
        .await?;
    Ok(())
}

/// Listens for as long as anyone holds it.
pub(super) async fn hear_loop(server: Arc<Server>, (moved, afar): (Moved, Afar), clock: Clock) {
    let channels: &[&str] = if server.role().works() {
        &[MOVED, DUE]
    } else {
        &[MOVED]
    };
    loop {
        match server.listen(channels).await {
            Ok(mut ear) => {
                moved.heard_nothing_certain();
                while let Some((channel, word)) = ear.next().await {
                    match channel.as_str() {
                        DUE => afar.heard(&word),
                        _ => heed(&moved, &word),
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "other services cannot be heard; trying again"),
        }
        clock.sleep(PAUSE).await;
    }
}

fn heed(moved: &Moved, word: &str) {
    let named: Option<Vec<ObjectId>> = word.split_whitespace().map(|id| id.parse().ok()).collect();
    match named {
        Some(ids) => moved.heard(ids),
        None => moved.heard_nothing_certain(),
    }
}
