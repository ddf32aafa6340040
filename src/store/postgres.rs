//! PostgreSQL as we want it: the primary, nothing acknowledged before it is on disk, shared by as
//! many services as there are.

use std::sync::Arc;

use super::error::{Error, OpenError};
use super::place::{Place, ServerPlace};
use super::shared_schema::migrate;
use super::sql::{Connection, For, Readers, Server};
use super::sqlite::Opened;
use super::writer::Files;
use crate::clock::Clock;

impl Place {
    /// Are the files there that let us into a server? Nobody is asked.
    pub fn files_fit(&self) -> Result<(), String> {
        match self {
            Self::File(_) => Ok(()),
            Self::Server(server) => Server::new(server.clone()).map(drop),
        }
    }
}

/// Connects, makes sure that the server keeps what it says, and brings the schema up to date.
pub(super) async fn open(place: &ServerPlace, clock: Clock) -> Result<Opened, OpenError> {
    let unusable = |why: String| OpenError::Unusable {
        path: place.to_string(),
        why,
    };
    let server = Server::new(place.clone()).map_err(unusable)?;
    let ready = async {
        server.is_ours_alone().await?;
        let mut live = server.connect(For::Writing).await?;
        migrate(&mut live).await?;
        Ok(live)
    };
    let live = ready.await.map_err(|error| match error {
        Error::Busy(why) | Error::InDoubt(why) | Error::DiskFailed(why) => unusable(why),
        unfit @ (Error::Damaged(_) | Error::Refused(_) | Error::LeaseLost | Error::Braked) => {
            OpenError::Unfit {
                path: place.to_string(),
                why: unfit.to_string(),
            }
        }
    })?;
    let server = Arc::new(server);
    Ok(Opened {
        files: Files {
            db: Connection::to_server(Arc::clone(&server), live),
            beside: None,
            clock,
        },
        readers: Readers::of_server(Arc::clone(&server)),
        lock: None,
        hears: Some(server),
    })
}
