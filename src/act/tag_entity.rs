//! Set the configured custom security attribute, which a standing policy may act on.
//!
//! Does      PATCH servicePrincipals/{id} customSecurityAttributes
//! Undo      what it said before, or nothing
//! Twice     safe
//! Needs     Application.Read.All, CustomSecAttributeAssignment.ReadWrite.All
//! Limits    closes nothing by itself; how soon a policy sees it is not documented; not for agent
//!           users; the attribute must be defined in the tenant
//! Tactic    Harden (D3FEND User Account Permissions)

use super::kin::permit_entity;
use super::switch::nothing;
use super::{Context, Ended, Error, Seen};
use crate::domain::entity::Entity;
use crate::domain::found::Found;
use crate::domain::step::{Before, Outcome, UndoOutcome};
use crate::graph::{Priority, Tag};

pub(super) async fn look(context: &Context<'_>, entity: Entity) -> Result<Seen, Error> {
    permit_entity(context, entity).await?;
    let tag = configured(context)?;
    let ask = context.ask(Priority::Contain);
    let value = context.graph.tag_of(ask, entity.id, tag).await?;
    let said = value.as_deref().unwrap_or("not set");
    let evidence = format!("{}.{} reads {said}", tag.set, tag.attribute);
    Ok(Seen::found(Found::Attribute { value }, evidence))
}

pub(super) async fn perform(
    context: &Context<'_>,
    entity: Entity,
    before: &Before,
) -> Result<Ended, Error> {
    context.permit([entity.id])?;
    let tag = configured(context)?;
    if was(before) == Some(tag.value.as_str()) {
        return Ok((Outcome::AlreadyDone, "it was tagged before".to_owned()));
    }
    let ask = context.ask(Priority::Contain);
    let receipt = context
        .graph
        .set_tag(ask, entity.id, tag, Some(&tag.value))
        .await?;
    Ok((Outcome::Done, receipt.to_string()))
}

pub(super) async fn undo(
    context: &Context<'_>,
    entity: Entity,
    before: &Before,
) -> Result<(UndoOutcome, String), Error> {
    let tag = configured(context)?;
    let prior = was(before);
    if prior == Some(tag.value.as_str()) {
        return Ok(nothing("it was tagged before us"));
    }
    let ask = context.ask(Priority::Undo);
    let now = context.graph.tag_of(ask, entity.id, tag).await?;
    if now.as_deref() == prior {
        return Ok(nothing("it says what it said before"));
    }
    if now.as_deref() != Some(tag.value.as_str()) {
        return Ok((
            UndoOutcome::Left,
            "someone has set it to something else since".to_owned(),
        ));
    }
    let receipt = context.graph.set_tag(ask, entity.id, tag, prior).await?;
    Ok((UndoOutcome::Restored, receipt.to_string()))
}

fn was(before: &Before) -> Option<&str> {
    match before {
        Before::Found {
            found: Found::Attribute { value },
        } => value.as_deref(),
        Before::Found { .. }
        | Before::Switches { .. }
        | Before::Unproven { .. }
        | Before::Nothing => None,
    }
}

fn configured<'a>(context: &Context<'a>) -> Result<&'a Tag, Error> {
    context.means.tag.as_ref().ok_or_else(|| Error::Refused {
        code: "notConfigured".to_owned(),
        because: "no attribute is configured: write `actions.tag` in estop.yaml".to_owned(),
    })
}
