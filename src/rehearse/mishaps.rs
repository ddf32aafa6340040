//! Which requests of the simulated tenant a fault in a test file strikes.

use std::time::Duration;

use crate::catalog::{Injected, Mishap};
use crate::domain::action::Action;
use crate::domain::moment::Span;
use crate::sim::{Fault, Lag, On, RetryAfter, What};

/// How long a lagging replica shows the old state.
const LAG: Span = Span(Duration::from_secs(20));

/// The fault as the simulated tenant knows it.
pub(super) fn fault(injected: Injected) -> Fault {
    let on = calls_of(injected.at);
    let on = match injected.times {
        None => on.always(),
        Some(times) => on.times(times),
    };
    Fault::new(on, what(injected.goes))
}

/// The calls that do this action (facts of Graph: paths of the cast items).
fn calls_of(action: Action) -> On {
    match action {
        Action::DisableAgent => On::request("PATCH", "microsoft.graph.agentIdentity$"),
        Action::DisableBlueprint => {
            On::request("PATCH", "microsoft.graph.agentIdentityBlueprintPrincipal$")
        }
        Action::DisableAgentUser => On::request("PATCH", "/users/"),
        Action::RevokeSessions => On::request("POST", "/revokeSignInSessions$"),
        Action::ConfirmCompromised => On::request("POST", "/confirmCompromised$"),
        Action::DisableServicePrincipal => {
            On::request("PATCH", "/servicePrincipals/").with_body("accountEnabled")
        }
        Action::StopInFoundry => On::request("POST", ":disable$"),
        // Our own gate: nothing is asked of the tenant.
        Action::BlockTools => On::request("POST", "/no-such-call$"),
        Action::TagEntity => {
            On::request("PATCH", "/servicePrincipals/").with_body("customSecurityAttributes")
        }
        Action::QuarantineInRegistry => On::request("POST", "/members/$ref$"),
        Action::RemoveCredential => On::request("POST", "/removePassword$"),
        Action::RemoveGrant => On::request("DELETE", "/oauth2PermissionGrants/"),
        Action::RemoveAppRole => On::request("DELETE", "/appRoleAssignments/"),
        Action::RemoveRole => On::request("DELETE", "/roleAssignments/"),
        Action::RemoveAccessPackage => On::request("POST", "/assignmentRequests$"),
        Action::RestoreBlueprint => On::request("POST", "/restore$"),
        // The first read is the look before the write; those after it are the proof.
        Action::Verify => On::request("GET", "microsoft.graph.agentIdentity$").after(1),
    }
}

fn what(mishap: Mishap) -> What {
    match mishap {
        Mishap::Throttled => What::Throttle {
            retry_after: Some(RetryAfter::Seconds(1)),
        },
        Mishap::Refused => What::Status {
            status: 403,
            code: "Authorization_RequestDenied".to_owned(),
        },
        Mishap::Unavailable => What::Status {
            status: 503,
            code: "serviceNotAvailable".to_owned(),
        },
        Mishap::AnswerLost => What::LoseReplyAfterEffect,
        Mishap::Unreachable => What::RefuseConnection,
        Mishap::NoEffect => What::NoEffect,
        Mishap::Stale => What::StaleReads(Lag::For(LAG)),
    }
}
