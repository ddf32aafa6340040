//! What may leave for the tenant at all.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Method;

use super::Graph;
use super::call::{Call, Kind};
use super::delete::is_deletable;
use super::error::Error;

/// Pause after a write that did not leave because writes are stopped.
const STOPPED: Duration = Duration::from_secs(1);

impl Graph {
    /// No later time helps a write to a tenant that is sealed, so nobody is told to come back, and
    /// nobody waits for a lane first.
    pub(super) fn may_ever_leave(&self, call: &Call) -> Result<(), Error> {
        if !self.0.sealed || call.kind == Kind::Read {
            return Ok(());
        }
        Err(Error::Refused {
            code: "ReadsOnly".to_owned(),
            status: None,
            because: format!(
                "{}: nothing was sent, because the tenant may only be read from here; a worker writes",
                call.spoken()
            ),
        })
    }

    /// Asked once its turn has come: nothing waits between this and the sending but our own token.
    pub(super) fn may_leave_now(&self, call: &Call) -> Result<(), Error> {
        self.may_ever_leave(call)?;
        if call.kind == Kind::Write && self.0.writes_stopped.load(Ordering::Relaxed) {
            let spoken = call.spoken();
            return Err(Error::try_again(STOPPED, &spoken, "writes are stopped"));
        }
        if call.method == Method::DELETE && !is_deletable(call.place.text()) {
            return Err(Error::Refused {
                code: "NotOnTheList".to_owned(),
                status: None,
                because: format!("{}: estop never deletes this", call.spoken()),
            });
        }
        Ok(())
    }
}
