//! Disable a plain service principal, such as a classic agent.
//!
//! Does      accountEnabled = false, after a look that it is a plain one of our own tenant's making
//! Undo      accountEnabled = what `look` saw
//! Twice     safe
//! Needs     Application.ReadWrite.All: Microsoft has no right for this switch alone. Profile classic
//! Limits    tokens already issued live on; managed identities, agents' own identities and
//!           Microsoft's applications are refused
//! Tactic    Evict (D3FEND Account Locking)

use super::switch::{Whose, seen, turn_back, turn_off};
use super::{Context, Ended, Error, Seen};
use crate::domain::entity::Entity;
use crate::domain::step::{Before, Switch, UndoOutcome};
use crate::graph::{PrincipalKind, PrincipalRead, Priority};

/// The tenant Microsoft's own applications lie in (Microsoft: first-party applications).
const MICROSOFT: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

pub(super) async fn look(context: &Context<'_>, entity: Entity) -> Result<Seen, Error> {
    context.permit([entity.id])?;
    let ask = context.ask(Priority::Contain);
    let read = context.graph.principal(ask, entity.id).await?;
    context.permit([read.id, read.app_id])?;
    refuse_other_kinds(&read)?;
    let switch = Switch {
        id: read.id,
        account_enabled: read.enabled.flag(),
    };
    Ok(Seen {
        before: Before::Switches {
            switches: vec![switch],
        },
        closes: vec![entity],
        evidence: seen(read.enabled),
    })
}

/// The path of the switch takes any kind, so the kind is ours to check (threat G13).
fn refuse_other_kinds(read: &PrincipalRead) -> Result<(), Error> {
    let what = match read.kind {
        PrincipalKind::Plain
            if read
                .owner_tenant
                .is_some_and(|it| it.to_string() == MICROSOFT) =>
        {
            "it is Microsoft's own application"
        }
        PrincipalKind::Plain => return Ok(()),
        PrincipalKind::ManagedIdentity => "it is a managed identity, and a resource depends on it",
        PrincipalKind::Other => "it is no plain service principal: contain it as what it is",
    };
    Err(Error::Refused {
        code: "unsupported".to_owned(),
        because: what.to_owned(),
    })
}

pub(super) async fn perform(context: &Context<'_>, before: &Before) -> Result<Ended, Error> {
    turn_off(context, Whose::ServicePrincipal, before).await
}

pub(super) async fn undo(
    context: &Context<'_>,
    before: &Before,
) -> Result<(UndoOutcome, String), Error> {
    turn_back(context, Whose::ServicePrincipal, before).await
}
