//! Which stores a part of the service can work on.

use super::BadConfig;
use crate::domain::role::ServiceRole;
use crate::store::{Place, ServerPlace};

/// Parts of one service find each other in a database. A file has one process that writes it, which
/// then is all of the service.
pub(super) fn shared_by(role: ServiceRole, place: Place) -> Result<Place, BadConfig> {
    match place {
        Place::Server(server) => Ok(Place::Server(ServerPlace { role, ..server })),
        file @ Place::File(_) if role == ServiceRole::All => Ok(file),
        file @ Place::File(_) => Err(BadConfig(format!(
            "role `{role}`: `store` is {file}, a file that one process writes, so an {role} would work \
             alone. Write store: postgres://ROLE@HOST/DATABASE (deploy/postgres.md; `estop store \
             migrate` moves what is there), or leave the role out: one process is then all of it"
        ))),
    }
}
