//! Do we hold an access token, for this tenant, for a while?

use std::time::Duration;

use super::report::{Line, State};
use crate::domain::entity::TenantId;
use crate::domain::moment::Moment;
use crate::entra::{self, Identity};

const CHECK: &str = "token";
/// A token that ends sooner than this should have been renewed.
const LEAST: Duration = Duration::from_secs(5 * 60);

/// What asking for a token came to.
pub(super) type Read = Result<(Moment, Option<Identity>), entra::Error>;

pub(super) fn judge(read: &Read, tenant: TenantId, now: Moment) -> Line {
    let (ends, identity) = match read {
        Ok((ends, identity)) => (*ends, identity),
        Err(error @ entra::Error::TryAgain { .. }) => {
            let fix = "Is the authority reachable from here? Nothing can be contained without it";
            return Line::of(CHECK, State::Fail, error.to_string(), fix);
        }
        Err(error @ entra::Error::Refused { .. }) => {
            let fix = "Correct tenant.credential and tenant.client_id, or renew the credential";
            return Line::of(CHECK, State::Fail, error.to_string(), fix);
        }
        Err(error @ entra::Error::Misconfigured { .. }) => {
            let fix = "Correct tenant.credential; see: estop config show";
            return Line::of(CHECK, State::Fail, error.to_string(), fix);
        }
    };
    if let Some(identity) = identity
        && identity.tenant != tenant
    {
        let said = format!("it is for tenant {}, not {tenant}", identity.tenant);
        return Line::of(
            CHECK,
            State::Fail,
            said,
            "Correct tenant.id or the credential",
        );
    }
    let left = ends.since(now);
    let minutes = left.as_secs() / 60;
    if left < LEAST {
        let said = format!("it ends in {minutes} min and was not renewed");
        return Line::of(
            CHECK,
            State::Warn,
            said,
            "Look at the log for why renewing fails",
        );
    }
    Line::ok(CHECK, format!("held for {minutes} min more"))
}
