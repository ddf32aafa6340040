//! Remove every credential of a blueprint: secrets, certificates, federated credentials.
//!
//! Does      POST removePassword, PATCH keyCredentials, DELETE federatedIdentityCredentials/{id}
//! Undo      none: what each was is recorded, never a secret; a person gives the blueprint new ones
//! Twice     safe: what is gone is left alone
//! Needs     AgentIdentityBlueprintPrincipal.Read.All, AgentIdentityBlueprint.Read.All,
//!           AgentIdentityBlueprint.AddRemoveCreds.All. Profile eradicate, always an approval
//! Limits    blueprints whose application lies in this tenant; stops all their agents
//! Tactic    Evict (D3FEND Credential Revocation)

use super::{Context, Ended, Error, Seen};
use crate::domain::entity::{Entity, ObjectId};
use crate::domain::found::{Credentials, Found, KeyTrace};
use crate::domain::step::{Before, Outcome};
use crate::graph::{self, Priority, Removable};

pub(super) async fn look(context: &Context<'_>, blueprint: Entity) -> Result<Seen, Error> {
    let app_id = app_id_of(context, blueprint).await?;
    let ask = context.ask(Priority::Contain);
    let credentials = match context.graph.credentials_of(ask, app_id).await {
        Err(graph::Error::NotFound { .. }) => {
            return Err(Error::Refused {
                code: "foreign".to_owned(),
                because: "the blueprint's application does not lie in this tenant".to_owned(),
            });
        }
        other => other?,
    };
    context.permit([credentials.application])?;
    let evidence = format!("{} credential(s) of {blueprint}", credentials.count());
    Ok(Seen::found(Found::Credentials { credentials }, evidence))
}

async fn app_id_of(context: &Context<'_>, blueprint: Entity) -> Result<ObjectId, Error> {
    context.permit([blueprint.id])?;
    let ask = context.ask(Priority::Contain);
    let read = context.graph.blueprint(ask, blueprint.id).await?;
    context.permit([read.app_id])?;
    Ok(read.app_id)
}

pub(super) async fn perform(
    context: &Context<'_>,
    blueprint: Entity,
    before: &Before,
) -> Result<Ended, Error> {
    let Before::Found {
        found: Found::Credentials { credentials: was },
    } = before
    else {
        return Ok((Outcome::AlreadyDone, "nothing was recorded".to_owned()));
    };
    let app_id = app_id_of(context, blueprint).await?;
    let ask = context.ask(Priority::Contain);
    let now = context.graph.credentials_of(ask, app_id).await?;
    context.permit([now.application])?;
    let removed = remove_secrets(context, was, &now).await?
        + remove_certificates(context, was, &now).await?
        + remove_trusts(context, was).await?;
    let evidence = format!("{removed} of {} credential(s) removed", was.count());
    Ok(match removed {
        0 => (Outcome::AlreadyDone, evidence),
        _ => (Outcome::Done, evidence),
    })
}

/// A request to remove a secret that is gone would be refused, so only what is there is asked for.
async fn remove_secrets(
    context: &Context<'_>,
    was: &Credentials,
    now: &Credentials,
) -> Result<usize, Error> {
    let there = |key: &&KeyTrace| now.secrets.iter().any(|it| it.key_id == key.key_id);
    let mut removed = 0;
    for key in was.secrets.iter().filter(there) {
        let ask = context.ask(Priority::Contain);
        let removal = context
            .graph
            .remove_secret(ask, was.application, key.key_id);
        removal.await?;
        removed += 1;
    }
    Ok(removed)
}

/// All certificates go at once, so one that came since stops us: nobody agreed to remove it.
async fn remove_certificates(
    context: &Context<'_>,
    was: &Credentials,
    now: &Credentials,
) -> Result<usize, Error> {
    let recorded = |key: &KeyTrace| was.certificates.iter().any(|it| it.key_id == key.key_id);
    if !now.certificates.iter().all(recorded) {
        return Err(Error::Refused {
            code: "changed".to_owned(),
            because: "a certificate was added since it was looked at; ask again".to_owned(),
        });
    }
    if now.certificates.is_empty() {
        return Ok(0);
    }
    let ask = context.ask(Priority::Contain);
    context
        .graph
        .remove_certificates(ask, was.application)
        .await?;
    Ok(now.certificates.len())
}

async fn remove_trusts(context: &Context<'_>, was: &Credentials) -> Result<usize, Error> {
    let mut removed = 0;
    for trust in &was.federated {
        let ask = context.ask(Priority::Contain);
        let what = Removable::Trust(was.application, &trust.id);
        match context.graph.delete(ask, what).await {
            Ok(_) => removed += 1,
            Err(graph::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(removed)
}
