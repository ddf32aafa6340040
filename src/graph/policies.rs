//! Conditional Access policies, for the question whether marking an agent as risky blocks it; and
//! security defaults, with which none of them applies.
//!
//! They share the slowest lane with the confirmations, so what was read is kept a while. Beta: the
//! stable API shows neither agents nor their risk in a policy (facts: Aug 2026).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::call::Call;
use super::error::Error;
use super::lanes::Lane;
use super::place::Place;
use super::shape::{self, Enabled};
use super::{Ask, Graph};
use crate::domain::moment::Moment;

/// How long a reading is good enough. A changed policy needs hours to reach every resource
/// (Microsoft: up to a day), so minutes hide nothing.
const KEPT: Duration = Duration::from_secs(300);

/// All policies of the tenant, as they were at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies {
    /// When they were read.
    pub read_at: Moment,
    /// Every policy, whatever its state.
    pub all: Vec<Policy>,
}

/// One Conditional Access policy: what matters for agents. Words are Graph's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its id, a GUID.
    pub id: String,
    /// For people; never to decide by.
    pub display_name: String,
    /// `enabled`, `disabled` or `enabledForReportingButNotEnforced`.
    pub state: String,
    /// `low`, `medium`, `high`: the agent risk it wants.
    pub agent_risk: Vec<String>,
    /// Agents it is for: `All` or object ids.
    pub agents: Vec<String>,
    /// Agents it is not for.
    pub agents_left_out: Vec<String>,
    /// Users it is for; `AllAgentIdUsers` stands for agents' user accounts.
    pub users: Vec<String>,
    /// Resources it is for: `All`, `AllAgentIdResources` or app ids.
    pub resources: Vec<String>,
    /// What it asks for; `block` among them.
    pub controls: Vec<String>,
    /// A filter or exclusion makes it narrower than these fields show.
    pub narrowed: bool,
    /// What does that, by name; an unknown condition too, because nobody knows what it does.
    pub narrowings: Vec<String>,
    /// Users and groups it is not for.
    pub users_left_out: usize,
    /// `low`, `medium`, `high`: the user risk it wants.
    pub user_risk: Vec<String>,
    /// The risk of plain service principals it wants.
    pub principal_risk: Vec<String>,
    /// Plain service principals it is for: `ServicePrincipalsInMyTenant` or object ids.
    pub principals: Vec<String>,
    /// Plain service principals it is not for.
    pub principals_left_out: usize,
}

/// What a policy does with an agent whose risk is high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RiskStop {
    /// Every agent at high risk gets no new access tokens, whatever for.
    All,
    /// Some of them, or for some resources: look at it.
    Some,
    /// It only writes down what it would do.
    ReportOnly,
    /// Nothing.
    No,
}

/// What was read last; the lock makes those who need it at once share one reading.
pub(super) type Kept = tokio::sync::Mutex<Option<Arc<Policies>>>;

impl Graph {
    /// Every Conditional Access policy, at most five minutes old. Needs `Policy.Read.All`. Costs
    /// one turn in the lane of confirmations, which go first.
    pub async fn policies(&self, ask: Ask) -> Result<Arc<Policies>, Error> {
        let mut kept = self.0.policies.lock().await;
        let now = self.0.link.clock.now();
        if let Some(policies) = kept.as_ref().filter(|it| now.since(it.read_at) < KEPT) {
            return Ok(Arc::clone(policies));
        }
        let place = Place::beta("/identity/conditionalAccess/policies");
        let call = Call::read(place).in_lane(Lane::IdentityProtection);
        let read: Vec<PolicyJson> = self.all_from(ask, call).await?;
        let policies = Arc::new(Policies {
            read_at: self.0.link.clock.now(),
            all: read.into_iter().map(Policy::from).collect(),
        });
        *kept = Some(Arc::clone(&policies));
        Ok(policies)
    }

    /// Are security defaults on? Needs `Policy.Read.All`. Microsoft names it in no limit but the
    /// directory's.
    pub async fn security_defaults(&self, ask: Ask) -> Result<Enabled, Error> {
        let place = Place::v1("/policies/identitySecurityDefaultsEnforcementPolicy");
        let call = Call::read(place.then("?$select=isEnabled"));
        let spoken = call.spoken();
        let answer = self.send(ask, call).await?;
        let defaults: SecurityDefaults = shape::read(&spoken, &answer.body)?;
        Ok(defaults.is_enabled)
    }
}

impl Policy {
    /// Does it stop agents at high risk? On-behalf-of tokens it never stops: their subject is the
    /// person (Microsoft: Conditional Access for agents).
    pub fn stops_risky_agents(&self) -> RiskStop {
        let has = |list: &[String], word: &str| list.iter().any(|it| it == word);
        let aims = has(&self.agent_risk, "high")
            && has(&self.controls, "block")
            && !self.agents.is_empty();
        match self.state.as_str() {
            "enabled" if aims => {
                let whole = has(&self.agents, "All") && has(&self.resources, "All");
                let whole = whole && self.agents_left_out.is_empty() && !self.narrowed;
                if whole { RiskStop::All } else { RiskStop::Some }
            }
            "enabledForReportingButNotEnforced" if aims => RiskStop::ReportOnly,
            _ => RiskStop::No,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SecurityDefaults {
    is_enabled: Enabled,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyJson {
    id: String,
    #[serde(default)]
    display_name: Option<String>,
    state: String,
    #[serde(default)]
    conditions: Option<Conditions>,
    #[serde(default)]
    grant_controls: Option<Controls>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Conditions {
    // A comma list in one text, not a list.
    agent_id_risk_levels: Option<String>,
    client_applications: Option<ClientApplications>,
    applications: Option<Resources>,
    users: Option<Users>,
    user_risk_levels: Option<Vec<String>>,
    service_principal_risk_levels: Option<Vec<String>>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClientApplications {
    include_agent_id_service_principals: Option<Vec<String>>,
    exclude_agent_id_service_principals: Option<Vec<String>>,
    agent_id_service_principal_filter: Option<serde::de::IgnoredAny>,
    include_service_principals: Option<Vec<String>>,
    exclude_service_principals: Option<Vec<String>>,
    service_principal_filter: Option<serde::de::IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Resources {
    include_applications: Option<Vec<String>>,
    exclude_applications: Option<Vec<String>>,
    application_filter: Option<serde::de::IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Users {
    include_users: Option<Vec<String>>,
    exclude_users: Option<Vec<String>>,
    exclude_groups: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Controls {
    built_in_controls: Option<Vec<String>>,
}

impl From<PolicyJson> for Policy {
    fn from(json: PolicyJson) -> Self {
        let conditions = json.conditions.unwrap_or_default();
        let narrowings = conditions.narrowings();
        let clients = conditions.client_applications.unwrap_or_default();
        let resources = conditions.applications.unwrap_or_default();
        let risk = conditions.agent_id_risk_levels.unwrap_or_default();
        let users = conditions.users.unwrap_or_default();
        let left_out = count(&users.exclude_users) + count(&users.exclude_groups);
        let controls = json.grant_controls.unwrap_or_default();
        Self {
            id: json.id,
            display_name: json.display_name.unwrap_or_default(),
            state: json.state,
            agent_risk: risk
                .split(',')
                .map(|level| level.trim().to_owned())
                .filter(|level| !level.is_empty())
                .collect(),
            agents: clients
                .include_agent_id_service_principals
                .unwrap_or_default(),
            agents_left_out: clients
                .exclude_agent_id_service_principals
                .unwrap_or_default(),
            users: users.include_users.unwrap_or_default(),
            resources: resources.include_applications.unwrap_or_default(),
            controls: controls.built_in_controls.unwrap_or_default(),
            narrowed: !narrowings.is_empty(),
            narrowings,
            users_left_out: left_out,
            user_risk: conditions.user_risk_levels.unwrap_or_default(),
            principal_risk: conditions.service_principal_risk_levels.unwrap_or_default(),
            principals_left_out: count(&clients.exclude_service_principals),
            principals: clients.include_service_principals.unwrap_or_default(),
        }
    }
}

fn count(list: &Option<Vec<String>>) -> usize {
    list.as_ref().map_or(0, Vec::len)
}

impl Conditions {
    fn narrowings(&self) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(clients) = &self.client_applications {
            let agents = clients.agent_id_service_principal_filter.is_some();
            found.extend(agents.then(|| "a filter on agents".to_owned()));
            let others = clients.service_principal_filter.is_some();
            found.extend(others.then(|| "a filter on service principals".to_owned()));
        }
        if let Some(resources) = &self.applications {
            let left_out = count(&resources.exclude_applications);
            found.extend((left_out > 0).then(|| format!("{left_out} resource(s) left out")));
            let filter = resources.application_filter.is_some();
            found.extend(filter.then(|| "a filter on resources".to_owned()));
        }
        let others = self
            .others
            .iter()
            .filter(|(_, value)| says_something(value));
        found.extend(others.map(|(name, _)| format!("the condition {name}")));
        found
    }
}

/// Absent, empty and `all` conditions narrow nothing.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty() && *list != ["all"],
        Value::String(text) => !text.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
    }
}
