//! Connections that read beside the writer, each statement on a thread that may wait.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio::task::{spawn_blocking, yield_now};

use super::connection::{Access, Connection};
use super::query::{Answer, Query, Session};
use crate::store::error::Error;

/// Connections that read beside the writer.
const READERS: usize = 4;

/// The readers. Cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::store) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    free: Arc<Semaphore>,
    /// Where no other thread may come between: everything is asked at once.
    here: bool,
}

impl Readers {
    pub(in crate::store) fn open(path: &Path) -> Result<Self, Error> {
        let idle: Result<Vec<_>, _> = (0..READERS)
            .map(|_| Connection::open(path, Access::Read))
            .collect();
        Ok(Self {
            idle: Arc::new(Mutex::new(idle?)),
            free: Arc::new(Semaphore::new(READERS)),
            here: false,
        })
    }

    /// Leaves the asking thread no more.
    pub(in crate::store) fn stay_here(&mut self) {
        self.here = true;
    }

    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop()
    }

    /// Answers on the asking thread.
    fn answer(&self, query: &Query) -> Result<Answer, Error> {
        let gone = || Error::Busy("the readers have ended".to_owned());
        let connection = self.take().ok_or_else(gone)?;
        let answer = connection.answer(query);
        self.give_back(connection);
        answer
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(connection);
    }
}

/// A reader for a few rows found by their key: asked on the caller's own thread, since the trip to
/// another costs more than the answer.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Glance<'a>(pub(in crate::store) &'a Readers);

impl Session for Glance<'_> {
    async fn run(self, query: Query) -> Result<Answer, Error> {
        let Self(readers) = self;
        // Everyone else may be reading: then it waits its turn like them.
        let Ok(_permit) = readers.free.try_acquire() else {
            return readers.run(query).await;
        };
        readers.answer(&query)
    }
}

impl Session for &Readers {
    /// A caller that goes away cancels nothing: the connection comes back when the statement ends.
    async fn run(self, query: Query) -> Result<Answer, Error> {
        let gone = || Error::Busy("the readers have ended".to_owned());
        if self.here {
            // Whoever else is ready may come first, as he may where a thread must be found.
            yield_now().await;
            return self.answer(&query);
        }
        let permit = self.free.clone().acquire_owned().await;
        let permit = permit.map_err(|_| gone())?;
        let readers = self.clone();
        let reading = spawn_blocking(move || {
            let answer = readers.answer(&query);
            drop(permit);
            answer
        });
        reading.await.map_err(|_| gone())?
    }
}
