//! The playbooks in force, what holds them back, and people's words about that.

use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Api;
use super::body::{Posted, ReasonGiven};
use super::problem::Problem;
use super::query::Params;
use super::runs::{replayed, taken};
use crate::command::{Signed, ToActivate};
use crate::domain::entity::EntityKind;
use crate::domain::playbook::{Mode, Playbook, PlaybookName};
use crate::domain::restraint::{Activated, ChangeName, Demotion, HeldBack, Restraints};

/// A playbook in force, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaybookShown {
    /// Its name.
    pub name: PlaybookName,
    /// How far it may go.
    pub mode: Mode,
    /// What a quiet week earns it.
    pub recommended: Option<Mode>,
    /// The kind of entity it acts on.
    pub entity: EntityKind,
    /// What it does, for people.
    pub summary: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// SHA-256 of its file, in hex.
    pub digest: String,
    /// What holds it back whatever the detection, if anything does.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub held_back: Option<HeldBack>,
    /// Since when and why it asks, where it cried wolf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demoted: Option<Demotion>,
    /// Who let these bytes act, where anyone did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activated: Option<Activated>,
    /// Who asked to activate them, and waits for another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half_activated: Option<Activated>,
}

pub(super) async fn list(State(api): State<Api>, params: Params) -> Result<Json<Value>, Problem> {
    params.only(&[])?;
    let restraints = api.desk.restraints().await?;
    let catalog = api.catalog.load_full();
    let mut playbooks = Vec::new();
    for loaded in catalog.all() {
        playbooks.push(shown(&api, &loaded.playbook, &restraints).await?);
    }
    let set = api.desk.store().set_in_force().await?;
    Ok(Json(json!({ "playbooks": playbooks, "set": set })))
}

async fn shown(
    api: &Api,
    playbook: &Playbook,
    restraints: &Restraints,
) -> Result<PlaybookShown, Problem> {
    let (activated, half_activated) = activation(api, &playbook.digest).await?;
    Ok(PlaybookShown {
        name: playbook.name.clone(),
        mode: playbook.mode,
        recommended: playbook.recommended,
        entity: playbook.entity,
        summary: playbook.summary.clone(),
        owner: playbook.owner.clone(),
        digest: playbook.digest.clone(),
        held_back: restraints.standing(playbook),
        demoted: restraints.demoted.get(&playbook.name).cloned(),
        activated,
        half_activated,
    })
}

type Words = (Option<Activated>, Option<Activated>);

/// Who activated these bytes, or who asked to.
async fn activation(api: &Api, digest: &str) -> Result<Words, Problem> {
    let (store, now) = (api.desk.store(), api.desk.clock().now());
    let activated = store.activated(digest).await?;
    let half = match activated {
        Some(_) => None,
        None => store.half_activated(digest, now).await?,
    };
    Ok((activated, half))
}

/// The playbook a path names.
pub(super) struct Named(PlaybookName);

impl FromStr for Named {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        PlaybookName::new(name).map(Self).ok_or(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActivationGiven {
    digest: String,
    change: String,
    signature: Option<SignatureGiven>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureGiven {
    signer: String,
    signature: String,
}

/// 202 with what stands now: active, or one word short of it.
pub(super) async fn activate(
    State(api): State<Api>,
    word: Posted<Named, ActivationGiven>,
) -> Result<Response, Problem> {
    let idempotency_key = word.needed_key()?;
    let said = word.said;
    let change = ChangeName::new(&said.change).ok_or_else(change_unfit)?;
    let signed = said.signature.map(|signed| Signed {
        signer: signed.signer,
        signature: signed.signature,
    });
    let digest = said.digest.clone();
    let wanted = ToActivate {
        playbook: word.id.0,
        digest: said.digest,
        change,
        signed,
        reason: said.reason,
        idempotency_key,
    };
    let taking = api.desk.activate(&word.operator, wanted).await?;
    let (activated, half_activated) = activation(&api, &digest).await?;
    let said = json!({
        "order": taking.order, "repeated": taking.repeated, "digest": digest,
        "activated": activated, "half_activated": half_activated,
    });
    let reply = (StatusCode::ACCEPTED, Json(said)).into_response();
    Ok(replayed(reply, taking))
}

fn change_unfit() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        ("change-unfit", "The change has no usable name"),
        "a change is 1 to 64 visible ASCII characters",
        "Name the change, such as CHG0042",
    )
}

pub(super) async fn lift(
    State(api): State<Api>,
    word: Posted<Named, ReasonGiven>,
) -> Result<Response, Problem> {
    let said = (word.said.reason.clone(), word.needed_key()?);
    let taking = api.desk.lift(&word.operator, word.id.0, said).await?;
    Ok(taken(taking))
}
