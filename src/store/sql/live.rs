//! A connection to a PostgreSQL server, driven by whoever asks on it.
//!
//! Nothing else reads from its socket, so a question that is dropped half-way leaves it in the
//! middle of an answer. Such a connection is never asked again: see [`Live::is_fit`].

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, Fuse, FusedFuture as _, select};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, pin_mut};
use tokio_postgres::error::{DbError, Severity, SqlState};
use tokio_postgres::{Client, Statement};

use super::ear::Said;
use super::query::{Answer, Query, Session};
use super::row::{Columns, Row};
use super::value::Value;
use crate::store::error::Error;

/// Longest wait for an answer: longer than the server lets a statement run.
const ANSWER_LIMIT: Duration = Duration::from_secs(35);

type Wire = Fuse<BoxFuture<'static, ()>>;

/// An open connection.
pub(in crate::store) struct Live {
    client: Client,
    /// Its socket, which moves only while something is asked. It may end together with an answer.
    wire: Wire,
    prepared: HashMap<&'static str, (Statement, Columns)>,
    /// A question is under way, or was dropped.
    asking: bool,
    /// A statement failed since the transaction or its savepoint began, so that all of it did.
    failed: bool,
}

impl Live {
    pub(super) fn new(client: Client, mut said: Said) -> Self {
        Self {
            client,
            // What is said unasked is for nobody here, and how it ends is told to whoever asks.
            wire: async move { while let Some(Ok(_)) = said.next().await {} }
                .boxed()
                .fuse(),
            prepared: HashMap::new(),
            asking: false,
            failed: false,
        }
    }

    /// May it be asked again? Not in the middle of an answer that nobody waits for, and not once
    /// the far end has closed it.
    pub(super) fn is_fit(&mut self) -> bool {
        if !self.asking {
            // What lies there unasked is read, and the end is noticed.
            let _ = (&mut self.wire).now_or_never();
            self.asking = self.wire.is_terminated();
        }
        !self.asking
    }

    /// Is no answer under way on it?
    pub(super) const fn is_idle(&self) -> bool {
        !self.asking
    }

    /// Did a statement fail that nothing was rolled back for? Then a commit would store nothing,
    /// and say that all was well.
    pub(super) const fn has_failed(&self) -> bool {
        self.failed
    }

    pub(in crate::store) async fn run_script(&mut self, script: &str) -> Result<(), Error> {
        let Self { client, wire, .. } = self;
        let ran = {
            self.asking = true;
            talk(wire, client.batch_execute(script)).await
        };
        let ran = self.over(ran);
        if ran.is_ok() && (script == "rollback" || script.starts_with("rollback to ")) {
            self.failed = false;
        }
        ran
    }

    /// Asks for something that is more than one statement.
    pub(super) async fn at_length<T>(
        &mut self,
        ask: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Error> {
        let Self { client, wire, .. } = self;
        self.asking = true;
        let answered = talk(wire, ask(client)).await;
        self.over(answered)
    }

    pub(super) async fn answer(&mut self, query: &Query) -> Result<Answer, Error> {
        let (statement, columns) = self.prepare(query.text.postgres).await?;
        let Self { client, wire, .. } = self;
        self.asking = true;
        let answered = talk(wire, ask(client, &statement, &query.parameters)).await;
        let (found, changed) = self.over(answered)?;
        rows(&found, &columns, changed)
    }

    /// Begins a transaction by this script and asks a first question in it, in one trip.
    pub(super) async fn begin(&mut self, script: &str, query: &Query) -> Result<Answer, Error> {
        let (statement, columns) = self.prepare(query.text.postgres).await?;
        let Self { client, wire, .. } = self;
        self.asking = true;
        self.failed = false;
        let both = async {
            let began = client.batch_execute(script);
            let asked = ask(client, &statement, &query.parameters);
            // Polled in this order, so that they are sent in it.
            let (began, asked) = futures_util::join!(began, asked);
            began?;
            asked
        };
        let answered = talk(wire, both).await;
        let (found, changed) = self.over(answered)?;
        rows(&found, &columns, changed)
    }

    async fn prepare(&mut self, text: &'static str) -> Result<(Statement, Columns), Error> {
        if let Some(known) = self.prepared.get(text) {
            return Ok(known.clone());
        }
        let Self { client, wire, .. } = self;
        self.asking = true;
        let prepared = talk(wire, client.prepare(text)).await;
        let statement = self.over(prepared)?;
        let columns = statement.columns().iter();
        let columns: Columns = columns.map(|column| Box::from(column.name())).collect();
        self.prepared
            .insert(text, (statement.clone(), columns.clone()));
        Ok((statement, columns))
    }

    fn over<T>(&mut self, answered: Result<T, Asked>) -> Result<T, Error> {
        match answered {
            Ok(answer) => {
                self.asking = false;
                Ok(answer)
            }
            Err(Asked::Refused(error)) => {
                self.failed = true;
                let code = error.code();
                // Another version has added a column to what was prepared: prepare all anew.
                self.asking = code == Some(&SqlState::FEATURE_NOT_SUPPORTED);
                Err(refusal(error))
            }
            // It stays as it is: nobody knows what will come on it.
            Err(Asked::Lost(why)) => Err(Error::Busy(why)),
        }
    }
}

impl Session for &mut Live {
    async fn run(self, query: Query) -> Result<Answer, Error> {
        self.answer(&query).await
    }
}

type Found = (Vec<tokio_postgres::Row>, u64);

async fn ask(
    client: &Client,
    statement: &Statement,
    parameters: &[Value],
) -> Result<Found, tokio_postgres::Error> {
    // Some statements share their parameters with others that need more of them.
    let needed = parameters
        .get(..statement.params().len())
        .unwrap_or(parameters);
    let found = client.query_raw(statement, needed).await?;
    pin_mut!(found);
    let mut rows = Vec::new();
    while let Some(row) = found.try_next().await? {
        rows.push(row);
    }
    let changed = found.rows_affected().unwrap_or_default();
    Ok((rows, changed))
}

fn rows(found: &[tokio_postgres::Row], columns: &Columns, changed: u64) -> Result<Answer, Error> {
    let value = |row: &tokio_postgres::Row, place| {
        let value = row.try_get(place);
        value.map_err(|error| Error::Damaged(told(&error)))
    };
    let row = |row| {
        Ok(Row {
            columns: columns.clone(),
            values: (0..columns.len())
                .map(|place| value(row, place))
                .collect::<Result<_, Error>>()?,
        })
    };
    Ok(Answer {
        rows: found.iter().map(row).collect::<Result<_, Error>>()?,
        changed,
    })
}

/// Why there is no answer.
enum Asked {
    /// The server, or what speaks to it here, said no.
    Refused(tokio_postgres::Error),
    /// Nobody knows what became of it.
    Lost(String),
}

/// Moves the wire until the answer is there.
async fn talk<T>(
    wire: &mut Wire,
    asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Asked> {
    let talking = async {
        pin_mut!(asked);
        match select(asked, Pin::new(wire)).await {
            Either::Left((Ok(answer), _)) => Ok(answer),
            Either::Left((Err(error), _)) if is_its_end(&error) => Err(Asked::Lost(told(&error))),
            Either::Left((Err(error), _)) => Err(Asked::Refused(error)),
            // What it said last may still lie there.
            Either::Right(((), asked)) => match asked.await {
                Ok(answer) => Ok(answer),
                Err(error) => Err(Asked::Lost(told(&error))),
            },
        }
    };
    let late = || {
        Err(Asked::Lost(
            "the database did not answer in time".to_owned(),
        ))
    };
    on_time(ANSWER_LIMIT, async { Ok(talking.await) })
        .await
        .unwrap_or_else(|_: Error| late())
}

/// Is this the last that the connection says? A server that ends it for a reason of its own, such as
/// its restart, gives that reason as the answer to what was asked.
fn is_its_end(error: &tokio_postgres::Error) -> bool {
    let severity = error.as_db_error().and_then(DbError::parsed_severity);
    error.is_closed() || matches!(severity, Some(Severity::Fatal | Severity::Panic))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a far end lives by the time of the world, whatever hand moves our clock"
)]
pub(super) async fn on_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let late = |_| {
        Err(Error::Busy(
            "the database did not answer in time".to_owned(),
        ))
    };
    tokio::time::timeout(limit, work).await.unwrap_or_else(late)
}

pub(super) fn refusal(error: tokio_postgres::Error) -> Error {
    Error::Busy(told(&error))
}

/// What went wrong, with what lies behind it.
fn told(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return format!(
            "the database says: {} ({})",
            said.message(),
            said.code().code()
        );
    }
    let behind = std::error::Error::source(error).map(ToString::to_string);
    match behind {
        Some(behind) => format!("the database: {error}: {behind}"),
        None => format!("the database: {error}"),
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live")
            .field("asking", &self.asking)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
