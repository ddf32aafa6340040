//! The rows of each collection, read into what the inventory keeps.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::super::error::Error;
use super::super::shape::{self, Enabled};
use super::Registered;
use crate::domain::entity::{Entity, EntityKind, ObjectId, TenantId};
use crate::domain::inventory::{Instance, Known};
use crate::domain::moment::Moment;
use crate::domain::reach::Reach;

/// Beginnings of the tags that agent platforms put on plain service principals. Microsoft
/// documents that such tags exist, and not their full list: what carries none is not listed.
const CLASSIC_TAGS: [&str; 3] = [
    "power-virtual-agents-",
    "AgentCreatedBy:",
    "AgenticInstance",
];
/// Most tags kept of one object, and the longest part of one.
const TAGS_MAX: usize = 32;
const TAG_LIMIT: usize = 64;
/// Most people tied to one registered agent that are kept.
const TIES_MAX: usize = 32;

const AGENT: &str = "#microsoft.graph.agentIdentity";
const BLUEPRINT: &str = "#microsoft.graph.agentIdentityBlueprintPrincipal";
const PRINCIPAL: &str = "#microsoft.graph.servicePrincipal";
const AGENT_USER: &str = "#microsoft.graph.agentUser";

/// What every row of one page is read with.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) at: Moment,
    pub(super) spoken: &'a str,
    /// The set of custom security attributes that stands beside the tags.
    pub(super) attributes: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PrincipalRow {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    id: ObjectId,
    app_id: Option<ObjectId>,
    account_enabled: Option<Enabled>,
    agent_identity_blueprint_id: Option<ObjectId>,
    app_owner_organization_id: Option<TenantId>,
    disabled_by_microsoft_status: Option<String>,
    display_name: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    custom_security_attributes: Option<Value>,
}

impl PrincipalRow {
    pub(super) fn blueprint(self, seen: Seen<'_>) -> Result<Option<Known>, Error> {
        shape::of_kind(seen.spoken, (BLUEPRINT, self.kind.as_deref()))?;
        if self.app_id.is_none() {
            return Err(Error::unknown(
                seen.spoken,
                "a blueprint without its app id",
            ));
        }
        self.known(EntityKind::Blueprint, seen).map(Some)
    }

    pub(super) fn agent(self, seen: Seen<'_>) -> Result<Option<Known>, Error> {
        shape::of_kind(seen.spoken, (AGENT, self.kind.as_deref()))?;
        let mut known = self.known(EntityKind::Agent, seen)?;
        known.app_id = Some(known.entity.id);
        Ok(Some(known))
    }

    /// A classic agent, where its tags say that it is one. Agents and blueprint principals stand
    /// in this list too and have lists of their own.
    pub(super) fn classic_agent(self, seen: Seen<'_>) -> Result<Option<Known>, Error> {
        let plain = self.kind.as_deref().is_none_or(|kind| kind == PRINCIPAL);
        let begins = |tag: &String| CLASSIC_TAGS.iter().any(|it| tag.starts_with(it));
        if !plain || !self.tags.iter().any(begins) {
            return Ok(None);
        }
        self.known(EntityKind::ServicePrincipal, seen).map(Some)
    }

    fn known(self, kind: EntityKind, seen: Seen<'_>) -> Result<Known, Error> {
        let enabled = self
            .account_enabled
            .ok_or_else(|| Error::unknown(seen.spoken, "an object without its switch"))?;
        let mut tags = pairs(&self.tags);
        let sets = self.custom_security_attributes.as_ref();
        tags.extend(
            seen.attributes
                .zip(sets)
                .map(attributes)
                .unwrap_or_default(),
        );
        let by_microsoft = shape::by_microsoft(self.disabled_by_microsoft_status.as_deref());
        Ok(Known {
            entity: Entity { kind, id: self.id },
            app_id: self.app_id,
            application: None,
            parent: self.agent_identity_blueprint_id,
            enabled: enabled.flag(),
            disabled_by_microsoft: by_microsoft,
            owner_tenant: self.app_owner_organization_id,
            name: self.display_name,
            tags,
            seen_at: seen.at,
            people_at: None,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserRow {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    id: ObjectId,
    account_enabled: Enabled,
    // A person has none, so a user without one is not an agent's.
    identity_parent_id: ObjectId,
    display_name: Option<String>,
}

impl UserRow {
    pub(super) fn agent_user(self, seen: Seen<'_>) -> Result<Option<Known>, Error> {
        shape::of_kind(seen.spoken, (AGENT_USER, self.kind.as_deref()))?;
        Ok(Some(Known {
            entity: Entity::agent_user(self.id),
            app_id: None,
            application: None,
            parent: Some(self.identity_parent_id),
            enabled: self.account_enabled.flag(),
            disabled_by_microsoft: false,
            owner_tenant: None,
            name: self.display_name,
            tags: BTreeMap::new(),
            seen_at: seen.at,
            people_at: None,
        }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApplicationRow {
    pub(super) id: ObjectId,
    pub(super) app_id: ObjectId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstanceRow {
    id: String,
    agent_identity_id: Option<String>,
    agent_identity_blueprint_id: Option<String>,
    display_name: Option<String>,
    originating_store: Option<String>,
    source_agent_id: Option<String>,
    created_by: Option<String>,
    #[serde(default)]
    owner_ids: Vec<String>,
}

impl InstanceRow {
    /// A registered agent; one whose own id is no GUID cannot be asked for, and is left out.
    pub(super) fn instance(self) -> Option<Registered> {
        let id_of = |text: Option<String>| text.and_then(|text| text.parse().ok());
        // An application may have made it, whose id then belongs to nobody we look for.
        let made = self.created_by.into_iter().map(|id| (Reach::Maker, id));
        let owned = self.owner_ids.into_iter().map(|id| (Reach::Owner, id));
        let ties = made.chain(owned);
        Some(Registered {
            ties: ties
                .filter_map(|(way, id)| Some((way, id.parse().ok()?)))
                .take(TIES_MAX)
                .collect(),
            instance: Instance {
                id: self.id.parse().ok()?,
                agent: id_of(self.agent_identity_id),
                application: id_of(self.agent_identity_blueprint_id),
                name: self.display_name,
                platform: self.originating_store,
                source: self.source_agent_id,
            },
        })
    }
}

/// `env:prod` and `env=prod` are a pair; a bare word is `true`.
fn pairs(tags: &[String]) -> BTreeMap<String, String> {
    let pair = |tag: &String| match tag.split_once([':', '=']) {
        Some((name, value)) => (short(name), short(value)),
        None => (short(tag), "true".to_owned()),
    };
    let read = tags.iter().take(TAGS_MAX).map(pair);
    read.filter(|(name, _)| !name.is_empty()).collect()
}

/// The attributes of one set, by name. Several values are one text with commas; what is neither
/// text, number nor truth is left out (beta shapes change, and one odd value must not cost the row).
fn attributes((set, sets): (&str, &Value)) -> BTreeMap<String, String> {
    let named = sets.get(set).and_then(Value::as_object);
    let named = named.into_iter().flatten().take(TAGS_MAX);
    let plain = named.filter(|(name, _)| !name.contains('@'));
    plain
        .filter_map(|(name, value)| Some((short(name), short(&said(value)?))))
        .collect()
}

fn said(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(several) => {
            let texts: Option<Vec<String>> = several.iter().map(said).collect();
            texts.map(|texts| texts.join(","))
        }
        Value::Null | Value::Object(_) => None,
    }
}

fn short(text: &str) -> String {
    text.trim().chars().take(TAG_LIMIT).collect()
}
