//! Connections that read beside the writer, each statement on a thread that may wait.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

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
}

impl Readers {
    pub(in crate::store) fn open(path: &Path) -> Result<Self, Error> {
        let idle: Result<Vec<_>, _> = (0..READERS)
            .map(|_| Connection::open(path, Access::Read))
            .collect();
        Ok(Self {
            idle: Arc::new(Mutex::new(idle?)),
            free: Arc::new(Semaphore::new(READERS)),
        })
    }

    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop()
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
        let Some(connection) = readers.take() else {
            return Err(Error::Busy("the readers have ended".to_owned()));
        };
        let answer = connection.answer(&query);
        readers.give_back(connection);
        answer
    }
}

impl Session for &Readers {
    /// A caller that goes away cancels nothing: the connection comes back when the statement ends.
    async fn run(self, query: Query) -> Result<Answer, Error> {
        let gone = || Error::Busy("the readers have ended".to_owned());
        let permit = self.free.clone().acquire_owned().await;
        let permit = permit.map_err(|_| gone())?;
        let readers = self.clone();
        let reading = spawn_blocking(move || {
            let connection = readers.take().ok_or_else(gone)?;
            let answer = connection.answer(&query);
            readers.give_back(connection);
            drop(permit);
            answer
        });
        reading.await.map_err(|_| gone())?
    }
}
