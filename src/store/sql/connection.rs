//! Where the writer writes: a file, or a server that it comes back to when the line was cut.

use super::file::FileConnection;
use super::live::Live;
use super::query::{Answer, Query, Session};
use super::row::Row;
use super::server::{For, SharedServer};
use crate::store::error::Error;

/// Whoever writes holds this lock to the end of the transaction. So the writers of all services
/// come one after the other, as on SQLite, and every law that one of them keeps holds for all.
/// Whoever changes the schema waits for them, and they for it.
pub(in crate::store) const BEGIN: &str = "begin; select pg_advisory_xact_lock(7309453671)";

/// Where statements run.
#[derive(Debug)]
pub(in crate::store) enum Connection {
    /// A SQLite file.
    File(FileConnection),
    /// A PostgreSQL database.
    Server(Line),
}

/// The writer's line to a server.
#[derive(Debug)]
pub(in crate::store) struct Line {
    server: SharedServer,
    live: Option<Live>,
}

impl Connection {
    pub(in crate::store) fn to_server(server: SharedServer, live: Live) -> Self {
        Self::Server(Line {
            server,
            live: Some(live),
        })
    }

    /// Opens a write transaction and asks a first question in it.
    pub(in crate::store) async fn begin(&mut self, first: Query) -> Result<Option<Row>, Error> {
        let answer = match self {
            Self::File(file) => {
                file.answer(&super::query("begin immediate"))?;
                file.answer(&first)
            }
            Self::Server(line) => Box::pin(line.begin(&first)).await,
        };
        Ok(answer?.rows.into_iter().next())
    }

    /// Runs one of the words that guide a transaction.
    pub(in crate::store) async fn guide(&mut self, word: &'static str) -> Result<(), Error> {
        match self {
            Self::File(file) => file.answer(&super::query(word)).map(drop),
            Self::Server(line) => Box::pin(line.live()?.run_script(word)).await,
        }
    }

    /// Commits. Where nobody can say whether it is stored, the error says that.
    pub(in crate::store) async fn commit(&mut self) -> Result<(), Error> {
        match self {
            Self::File(file) => file.answer(&super::query("commit")).map(drop),
            Self::Server(line) => Box::pin(line.commit()).await,
        }
    }

    /// May other services write there, too?
    pub(in crate::store) const fn is_shared(&self) -> bool {
        matches!(self, Self::Server(_))
    }
}

impl Line {
    fn live(&mut self) -> Result<&mut Live, Error> {
        let cut = || Error::Busy("the connection to the database was cut".to_owned());
        self.live
            .as_mut()
            .filter(|live| live.is_idle())
            .ok_or_else(cut)
    }

    async fn begin(&mut self, first: &Query) -> Result<Answer, Error> {
        if let Some(live) = self.live.as_mut().filter(|live| live.is_idle())
            && live.is_fit()
        {
            let begun = live.begin(BEGIN, first).await;
            // One that was cut while it was idle says so only now, and nothing is lost with it.
            if live.is_idle() {
                return begun;
            }
        }
        self.live = None;
        let live = self.server.connect(For::Writing).await;
        let live = live.inspect_err(|error| tracing::warn!(%error, "the store is out of reach"));
        self.live = Some(live?);
        self.live()?.begin(BEGIN, first).await
    }

    async fn commit(&mut self) -> Result<(), Error> {
        let live = self.live()?;
        if live.has_failed() {
            return Err(Error::Busy("a statement of it had failed".to_owned()));
        }
        let committed = live.run_script("commit").await;
        committed.map_err(|error| {
            // Whatever the reason, the server may have stored it before it gave one.
            self.live = None;
            Error::InDoubt(error.to_string())
        })
    }
}

impl Session for &mut Connection {
    async fn run(self, query: Query) -> Result<Answer, Error> {
        match self {
            Connection::File(file) => file.answer(&query),
            // In a box, so that a statement of a file does not pay for the way to a server.
            Connection::Server(line) => {
                let live = line.live()?;
                Box::pin(async move { live.answer(&query).await }).await
            }
        }
    }
}
