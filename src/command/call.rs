//! A person calls a playbook: which one, for whom, with what. What follows is decided by triage, as
//! for every detection; here it is only made sure that they may ask for it.

use std::collections::BTreeMap;

use super::error::{Error, Sort};
use super::{Answer, Desk, TOKENS_UP_TO, may_ask_at_tier, may_respond, reasoned};
use crate::domain::approval::Requester;
use crate::domain::detection::Severity;
use crate::domain::entity::{Entity, ObjectId};
use crate::domain::id::DeliveryId;
use crate::domain::order::Operator;
use crate::domain::param::{Param, ParamKind};
use crate::domain::person::Role;
use crate::domain::plan::Plan;
use crate::domain::playbook::{Call, Playbook, PlaybookName};
use crate::domain::reach::{Called, Caller, Calling};
use crate::domain::record::Actor;
use crate::store::{NewCall, Taken};

/// Most entities one call may be about.
const ENTITIES_MAX: usize = 100;

/// A person's word that a playbook is to be called.
#[derive(Clone, Debug)]
pub struct ToCall {
    /// Which playbook.
    pub playbook: PlaybookName,
    /// For whom; every one is of the kind the playbook acts on.
    pub entities: Vec<ObjectId>,
    /// Its parameters, as they were written.
    pub params: BTreeMap<String, String>,
    /// Why.
    pub reason: String,
    /// The same key calls once.
    pub idempotency_key: String,
}

impl Desk {
    /// Takes a word to call a playbook, and answers the delivery it became.
    ///
    /// # Errors
    /// When the playbook is not one that people call, or this person may not call it so.
    pub async fn call(&self, operator: &Operator, word: ToCall) -> Answer<DeliveryId> {
        may_respond(operator)?;
        let reason = reasoned(&word.reason)?;
        let catalog = self.tools.catalog.load_full();
        let playbook = catalog
            .get(&word.playbook)
            .ok_or_else(|| unknown(&word.playbook))?;
        let params = params(playbook, &word.params)?;
        let entities = entities(playbook, &word.entities)?;
        let tier = tier(playbook, &entities);
        may_ask_at_tier(operator, tier)?;
        let call = NewCall {
            id: DeliveryId::from_uuid(self.tools.clock.uuid()),
            key: word.idempotency_key,
            calling: Calling {
                caller: Caller::Person,
                called: Called {
                    playbook: word.playbook,
                    params,
                    requester: requester(operator),
                    ask_first: only_asks(operator, tier),
                },
                severity: Severity::High,
                entities,
                because: vec![format!("{} called it: {reason}", operator.name)],
            },
            at: self.tools.clock.now(),
        };
        let who = Actor(operator.name.clone());
        match self.tools.store.call(call, who).await? {
            Taken::New { id } => {
                (self.tools.wake_triage)(id);
                Ok(id)
            }
            Taken::Repeat { id } => Ok(id),
            Taken::Conflict { .. } => Err(Error::amend(
                "idempotency-key-reused",
                "this idempotency key was used for another call".to_owned(),
                "Use a new key for each call",
            )),
        }
    }
}

fn unknown(name: &PlaybookName) -> Error {
    Error::new(
        Sort::NotFound,
        "playbook-unknown",
        format!("no playbook `{name}` is in force"),
        "See which are: estop playbook list",
    )
}

/// Every parameter the playbook names, and no other.
fn params(
    playbook: &Playbook,
    written: &BTreeMap<String, String>,
) -> Answer<BTreeMap<String, Param>> {
    let Call::Manual { params } = &playbook.trigger.call else {
        return Err(Error::amend(
            "playbook-not-manual",
            format!("`{}` is not called by people", playbook.name),
            "Only a playbook with `trigger: { manual: ... }` is; contain by hand with estop contain",
        ));
    };
    if let Some(name) = written.keys().find(|name| !params.contains_key(*name)) {
        let known: Vec<&str> = params.keys().map(String::as_str).collect();
        return Err(Error::amend(
            "playbook-params",
            format!("`{}` has no parameter `{name}`", playbook.name),
            &format!("It has: {}", known.join(", ")),
        ));
    }
    let read = params.iter().map(|(name, kind)| {
        let value = written.get(name).and_then(|text| kind.read(text));
        let value = value.ok_or_else(|| ill_said(name, *kind))?;
        Ok((name.clone(), value))
    });
    read.collect()
}

fn ill_said(name: &str, kind: ParamKind) -> Error {
    let wants = match kind {
        ParamKind::Text => "a text",
        ParamKind::Number => "a whole number",
        ParamKind::Truth => "true or false",
    };
    Error::amend(
        "playbook-params",
        format!("the parameter `{name}` must be {wants}"),
        &format!("Say it: --param {name}=VALUE"),
    )
}

fn entities(playbook: &Playbook, ids: &[ObjectId]) -> Answer<Vec<Entity>> {
    if ids.is_empty() || ids.len() > ENTITIES_MAX {
        return Err(Error::amend(
            "playbook-entities",
            format!(
                "a call is about 1 to {ENTITIES_MAX} entities, and this is about {}",
                ids.len()
            ),
            "Name them by object id: --entity GUID",
        ));
    }
    let kind = playbook.entity;
    let mut entities: Vec<Entity> = ids.iter().map(|id| Entity { kind, id: *id }).collect();
    entities.sort_unstable();
    entities.dedup();
    Ok(entities)
}

/// The highest tier of what it would do.
fn tier(playbook: &Playbook, entities: &[Entity]) -> u8 {
    let tiers = entities
        .iter()
        .map(|entity| Plan::of(playbook, *entity).tier());
    tiers.max().unwrap_or_default()
}

/// Whoever asks is a person, or a token that stands for none.
fn requester(operator: &Operator) -> Option<Requester> {
    operator.person.as_ref().map(|person| Requester {
        name: operator.name.clone(),
        person: person.entra,
    })
}

/// From tier 2 on the word of a responder is a question to others, as it is with `contain`.
fn only_asks(operator: &Operator, tier: u8) -> bool {
    let role = operator.person.as_ref().map(|person| person.role);
    match role {
        Some(Role::Viewer | Role::Responder) => tier > TOKENS_UP_TO,
        Some(Role::Lead) | None => false,
    }
}
