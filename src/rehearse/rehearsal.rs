//! The cases of one playbook, each played on a stage of its own.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::json;

use super::NotPlayed;
use super::compare::{Mismatch, mismatches};
use super::mishaps;
use super::people;
use super::stage::{Setting, Stage, on_stage};
use crate::catalog::{Case, Cases, Catalog, RehearsedMode};
use crate::domain::action::Action;
use crate::domain::decision::{Considered, Decision};
use crate::domain::delivery::{BodyDigest, DeliveryState, NewDelivery};
use crate::domain::detection::Severity;
use crate::domain::entity::Entity;
use crate::domain::id::{DeliveryId, DetectionId};
use crate::domain::permission::Profile;
use crate::domain::playbook::Call;
use crate::domain::reach::{Called, Caller, Calling};
use crate::domain::record::Actor;
use crate::domain::run::Run;
use crate::domain::step::Step;
use crate::sim::Tenant;
use crate::store::{NewCall, Taken};

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseReport {
    /// What it claims.
    pub name: String,
    /// Where it stands in its file.
    pub line: usize,
    /// Where what came is not what was expected; empty when the claim holds.
    pub wrong: Vec<Mismatch>,
}

/// What a case came to.
pub(super) struct Played {
    pub(super) decision: Decision,
    pub(super) run: Option<Run>,
    pub(super) steps: Vec<Step>,
    pub(super) disabled: Vec<String>,
    /// Requests that could have changed the tenant, as `METHOD path`.
    pub(super) writes: Vec<String>,
}

/// Plays every case of a playbook, and tells each when it is over. `file` and `text` are the
/// playbook's; nothing but the playbook is in force, so that what is proved is this file.
///
/// # Errors
/// When a case cannot be played at all: the playbook has faults, a name is not in the simulated
/// tenant, or the store of the rehearsal fails.
pub async fn rehearse(
    (file, text): (&str, &str),
    cases: &Cases,
    mut told: impl FnMut(&CaseReport),
) -> Result<Vec<CaseReport>, NotPlayed> {
    let mut reports = Vec::with_capacity(cases.cases.len());
    for case in &cases.cases {
        let played = play(catalog((file, text), case.mode)?, case).await?;
        let report = CaseReport {
            name: case.name.clone(),
            line: case.line,
            wrong: mismatches(case, &played),
        };
        told(&report);
        reports.push(report);
    }
    Ok(reports)
}

fn catalog((file, text): (&str, &str), mode: RehearsedMode) -> Result<Catalog, NotPlayed> {
    let read = Catalog::of_texts([(file, text)]);
    let catalog = read.map_err(|faults| {
        let said: Vec<_> = faults.iter().map(ToString::to_string).collect();
        NotPlayed(said.join("\n"))
    })?;
    Ok(match mode {
        RehearsedMode::AsRecommended => catalog.as_recommended(),
        RehearsedMode::AsWritten => catalog,
    })
}

async fn play(catalog: Catalog, case: &Case) -> Result<Played, NotPlayed> {
    let mut tenant = people::cast();
    let profile = granted(&catalog, &mut tenant);
    let entity = entity(&catalog, &tenant, case)?;
    let setting = Setting {
        catalog,
        source: case.said.source.clone(),
        tenant,
        profile,
    };
    let before = people::disabled(&setting.tenant);
    on_stage(setting, async |stage: &Stage| {
        if needs_inventory(&stage.catalog) {
            stage.stock().await?;
        }
        for injected in &case.faults {
            stage.entra.push_fault(mishaps::fault(*injected));
        }
        let delivery = match &case.called {
            Some(params) => call(stage, params, entity).await?,
            None => deliver(stage, case, entity).await?,
        };
        if let Some(people) = case.people {
            stage.begin().await?;
            Box::pin(stage.answer(people)).await?;
        }
        if let Some(span) = case.advance {
            stage.begin().await?;
            stage.pass(span.0).await?;
        }
        stage.settle().await?;
        let mut played = gather(stage, delivery).await?;
        played.disabled.retain(|name| !before.contains(name));
        Ok(played)
    })
    .await
}

/// Grants what the playbook's steps need, and answers the profile for it: which permissions a
/// deployment lacks is another question than what the playbook does.
fn granted(catalog: &Catalog, tenant: &mut Tenant) -> Profile {
    let actions = || {
        let playbooks = catalog.all();
        playbooks.flat_map(|one| one.playbook.steps.iter().map(|step| step.action))
    };
    let granted = &mut tenant.client.permissions;
    for permission in actions().flat_map(Action::permissions) {
        if !granted.iter().any(|it| it == permission) {
            granted.push((*permission).to_owned());
        }
    }
    let enough = |profile: &Profile| actions().all(|action| profile.includes(action.profile()));
    let profiles = Profile::ALL.into_iter();
    profiles
        .min_by_key(|profile| !enough(profile))
        .unwrap_or(Profile::Agents)
}

/// Does it reach further than what a detection names?
fn needs_inventory(catalog: &Catalog) -> bool {
    let mut playbooks = catalog.all().map(|one| &one.playbook);
    playbooks.any(|one| !one.via.is_empty() || one.trigger.call != Call::Each)
}

/// Calls the playbook as whoever it waits for would.
async fn call(
    stage: &Stage,
    written: &BTreeMap<String, String>,
    entity: Entity,
) -> Result<DeliveryId, NotPlayed> {
    let none = || NotPlayed("there is no playbook".to_owned());
    let playbook = stage.catalog.all().next().ok_or_else(none)?;
    let playbook = &playbook.playbook;
    let (caller, kinds) = match &playbook.trigger.call {
        Call::Each => {
            let why = "only detections call this playbook: write `detection` and not `called`";
            return Err(NotPlayed(why.to_owned()));
        }
        Call::Together(_) => (Caller::Outbreak, BTreeMap::new()),
        Call::Schedule { .. } => (Caller::Schedule, BTreeMap::new()),
        Call::Manual { params } => (Caller::Person, params.clone()),
    };
    let mut params = BTreeMap::new();
    for (name, kind) in kinds {
        let value = written.get(&name).and_then(|text| kind.read(text));
        let missing = || NotPlayed(format!("`called` does not say the parameter `{name}`"));
        let value = value.ok_or_else(missing)?;
        params.insert(name, value);
    }
    let id = DeliveryId::from_uuid(stage.clock.uuid());
    let call = NewCall {
        id,
        key: id.to_string(),
        calling: Calling {
            caller,
            called: Called {
                params,
                ..Called::by_itself(playbook.name.clone())
            },
            severity: Severity::High,
            entities: vec![entity],
            because: Vec::new(),
        },
        at: stage.clock.now(),
    };
    stage
        .store
        .call(call, Actor("rehearsal".to_owned()))
        .await?;
    stage.wake(id);
    Ok(id)
}

/// Whom the case is about.
fn entity(catalog: &Catalog, tenant: &Tenant, case: &Case) -> Result<Entity, NotPlayed> {
    let acts_on = catalog.all().next().map(|one| one.playbook.entity);
    let kind = case
        .said
        .kind
        .or(acts_on)
        .ok_or_else(|| NotPlayed("there is no playbook".to_owned()))?;
    people::find(tenant, kind, &case.said.entity).ok_or_else(|| {
        NotPlayed(format!(
            "case \"{}\" (line {}): there is no {kind} `{}` in the simulated tenant. There are {}",
            case.name,
            case.line,
            case.said.entity,
            people::names(tenant, kind).join(", ")
        ))
    })
}

async fn deliver(stage: &Stage, case: &Case, entity: Entity) -> Result<DeliveryId, NotPlayed> {
    let now = stage.clock.now();
    let said = &case.said;
    let mut body = json!({
        "type": said.detection_type, "severity": said.severity,
        "entities": [{ "kind": entity.kind, "id": entity.id }],
    });
    if let Some(age) = said.age {
        body["detected_at"] = json!(now.minus(age.0));
    }
    if let Some(sure) = said.confidence {
        body["confidence"] = json!(sure);
    }
    let body = Bytes::from(body.to_string());
    let id = DeliveryId::from_uuid(stage.clock.uuid());
    let taken = stage
        .store
        .take_delivery(NewDelivery {
            id,
            source: said.source.clone(),
            key: id.to_string(),
            digest: BodyDigest::of(&body),
            key_id: "rehearsal".to_owned(),
            headers: "{}".to_owned(),
            body,
            received_at: now,
        })
        .await?;
    let (Taken::New { id } | Taken::Repeat { id } | Taken::Conflict { id }) = taken;
    stage.wake(id);
    Ok(id)
}

async fn gather(stage: &Stage, delivery: DeliveryId) -> Result<Played, NotPlayed> {
    let missing = || NotPlayed("the detection was not decided".to_owned());
    let found = stage.store.detection(DetectionId::from(delivery)).await?;
    let Some((_, decisions)) = found else {
        let kept = stage.store.delivery(delivery).await?.ok_or_else(missing)?;
        return Err(match kept.state {
            DeliveryState::Quarantined | DeliveryState::Ignored => NotPlayed(format!(
                "the detection was not understood: {}",
                kept.why.unwrap_or_default()
            )),
            DeliveryState::Received | DeliveryState::Read => missing(),
        });
    };
    let decision = told_apart(decisions).ok_or_else(missing)?;
    let mut runs = stage.runs().await?.into_iter();
    let run = runs.find(|run| run.entity == decision.entity);
    let steps = match &run {
        Some(run) => stage.store.steps(run.id).await?,
        None => Vec::new(),
    };
    let journal = stage.entra.journal();
    let writes = journal
        .iter()
        .filter(|one| one.method != "GET" && !one.path.ends_with("/token"))
        .map(|one| format!("{} {}", one.method, one.path));
    Ok(Played {
        decision,
        run,
        steps,
        disabled: people::disabled(&stage.entra.tenant()),
        writes: writes.collect(),
    })
}

/// The decision a case is about: the first that the playbook answers, else the first for which its
/// clauses were asked, else the first of all.
fn told_apart(decisions: Vec<Decision>) -> Option<Decision> {
    let answered = |one: &Decision| one.considered.iter().any(|one| one.matched);
    let asked = |one: &Considered| one.when.len() + one.unless.len() > 0;
    let weighed = |one: &Decision| one.considered.iter().any(asked);
    let at = decisions
        .iter()
        .position(answered)
        .or_else(|| decisions.iter().position(weighed));
    decisions.into_iter().nth(at.unwrap_or_default())
}
