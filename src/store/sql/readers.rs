//! Connections that read beside the writer, each statement on a thread that may wait.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::try_join_all;
use tokio::sync::Semaphore;
use tokio::task::yield_now;

use super::file::{Access, FileConnection};
use super::live::Live;
use super::query::{Answer, Query, Session, query};
use super::reading_threads::ReadingThreads;
use super::server::{For, SharedServer};
use crate::store::error::Error;
use crate::store::unanswered::{Unanswered, Waits};

/// Connections that read beside the writer.
const READERS: usize = 4;
/// How often it is looked whether those who have a place have come for their answers.
const ROUNDS: usize = 8;
/// The same where each looks for his answer by himself, and may first have to connect.
const ROUNDS_OF_SERVER: usize = 64;

/// The readers. Cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::store) struct Readers {
    of: Of,
    free: Arc<Semaphore>,
    /// Threads that look for an answer.
    at_work: Unanswered,
    /// Where no other thread may come between: everything is asked at once.
    here: bool,
}

#[derive(Clone, Debug)]
enum Of {
    File(Idle<FileConnection>, ReadingThreads),
    Server(SharedServer, Idle<Live>),
}

/// Connections that nobody asks on.
#[derive(Debug)]
struct Idle<C>(Arc<Mutex<Vec<C>>>);

impl<C> Clone for Idle<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> Idle<C> {
    fn new(connections: Vec<C>) -> Self {
        Self(Arc::new(Mutex::new(connections)))
    }

    fn take(&self) -> Option<C> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, connection: C) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(connection);
    }
}

impl Readers {
    pub(in crate::store) fn open(path: &Path) -> Result<Self, Error> {
        let idle: Result<Vec<_>, _> = (0..READERS)
            .map(|_| FileConnection::open(path, Access::Read))
            .collect();
        let threads = ReadingThreads::begin(READERS)?;
        Ok(Self::new(Of::File(Idle::new(idle?), threads)))
    }

    /// Connections to a server are made when they are first needed.
    pub(in crate::store) fn of_server(server: SharedServer) -> Self {
        Self::new(Of::Server(server, Idle::new(Vec::new())))
    }

    fn new(of: Of) -> Self {
        Self {
            of,
            free: Arc::new(Semaphore::new(READERS)),
            at_work: Unanswered::default(),
            here: false,
        }
    }

    /// Waits until everyone who asked before is answered. Nobody is waited for long who has his
    /// answer and does not come for it.
    pub(in crate::store) async fn quiet(&self) -> Result<(), Error> {
        let nothing = || query("select 1 as one").fetch_optional(self);
        while !self.at_work.is_nobody() {
            nothing().await?;
        }
        let rounds = match self.of {
            Of::File(..) => ROUNDS,
            Of::Server(..) => ROUNDS_OF_SERVER,
        };
        for _ in 0..rounds {
            if self.free.available_permits() == READERS {
                break;
            }
            // As many reads as there are places come behind most others.
            try_join_all((0..READERS).map(|_| nothing())).await?;
        }
        Ok(())
    }

    /// Leaves the asking thread no more, where the store is a file.
    pub(in crate::store) fn stay_here(&mut self) {
        self.here = true;
    }
}

impl Idle<FileConnection> {
    /// Answers on the asking thread.
    fn answer(&self, query: &Query) -> Result<Answer, Error> {
        let gone = || Error::Busy("the readers have ended".to_owned());
        let connection = self.take().ok_or_else(gone)?;
        let answer = connection.answer(query);
        self.give_back(connection);
        answer
    }
}

/// Asks on a connection of its own. A caller that goes away takes the connection with it: nobody
/// else ever hears the rest of its answer.
async fn ask_server(
    server: &SharedServer,
    idle: &Idle<Live>,
    query: &Query,
) -> Result<Answer, Error> {
    while let Some(mut live) = idle.take() {
        if !live.is_fit() {
            continue;
        }
        let answer = live.answer(query).await;
        // One that was cut while it was idle says so only when it is asked: ask on another.
        if live.is_idle() {
            idle.give_back(live);
            return answer;
        }
    }
    let mut live = server.connect(For::Reading).await?;
    let answer = live.answer(query).await;
    if live.is_idle() {
        idle.give_back(live);
    }
    answer
}

/// A reader for a few rows found by their key: asked on the caller's own thread, since the trip to
/// another costs more than the answer.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Glance<'a>(pub(in crate::store) &'a Readers);

impl Session for Glance<'_> {
    async fn run(self, query: Query) -> Result<Answer, Error> {
        let Self(readers) = self;
        let Of::File(idle, _) = &readers.of else {
            return readers.run(query).await;
        };
        // Everyone else may be reading: then it waits its turn like them.
        let Ok(_permit) = readers.free.try_acquire() else {
            return readers.run(query).await;
        };
        idle.answer(&query)
    }
}

impl Session for &Readers {
    /// A caller that goes away cancels nothing of a file: the connection comes back when the
    /// statement ends.
    async fn run(self, query: Query) -> Result<Answer, Error> {
        let gone = || Error::Busy("the readers have ended".to_owned());
        if let (true, Of::File(idle, _)) = (self.here, &self.of) {
            // Whoever else is ready may come first, as he may where a thread must be found.
            yield_now().await;
            return idle.answer(&query);
        }
        let permit = self.free.clone().acquire_owned().await;
        let permit = permit.map_err(|_| gone())?;
        let (idle, threads) = match &self.of {
            Of::File(idle, threads) => (idle.clone(), threads),
            Of::Server(server, idle) => {
                return Box::pin(ask_server(server, idle, &query)).await;
            }
        };
        // The place is free once the answer is heard, so that whoever waits for every place hears
        // after everyone who asked before.
        let at_work = Waits::among(&self.at_work);
        let reading = threads.run(move || {
            let answer = idle.answer(&query);
            drop(at_work);
            (answer, permit)
        });
        let (answer, _heard) = reading.await.ok_or_else(gone)?;
        answer
    }
}
