//! The tenant's logs: sign-ins and directory changes. 5 requests in 10 s for one app in one tenant
//! (Microsoft), in a lane of their own. Needs `AuditLog.Read.All`.

use http::HeaderValue;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::call::Call;
use super::error::Error;
use super::lanes::Lane;
use super::place::Place;
use super::{Ask, Graph};
use crate::domain::entity::ObjectId;
use crate::domain::evidence::{AgentWord, Change, SignIn, SignInList};
use crate::domain::moment::Moment;

/// Most pages of one question. A log may be endless, and whoever reads it waits 2 s for each.
const PAGES_MAX: usize = 5;
/// Longest text taken from a log, in characters.
const TEXT_MAX: usize = 256;
/// Asks for words that lists of words got later; without it they come as `unknownFutureValue`.
pub(super) const NEW_WORDS: HeaderValue = HeaderValue::from_static("include-unknown-enum-members");

/// Whose sign-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInsOf {
    /// Of a service principal as itself, by object id.
    Itself(ObjectId),
    /// On behalf of users, by app id.
    OnBehalf(ObjectId),
    /// Of an agent's user account, by object id.
    User(ObjectId),
    /// Of service principals that asked for tokens for this one, by object id.
    Callers(ObjectId),
}

/// Which side of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangesOf {
    /// Of the object with this id.
    Target(ObjectId),
    /// By the application with this app id.
    App(ObjectId),
    /// By the user with this object id.
    User(ObjectId),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignInJson {
    id: String,
    created_date_time: Moment,
    #[serde(default)]
    status: Status,
    #[serde(default, deserialize_with = "lenient")]
    service_principal_id: Option<ObjectId>,
    #[serde(default, deserialize_with = "lenient")]
    user_id: Option<ObjectId>,
    #[serde(default, deserialize_with = "lenient")]
    app_id: Option<ObjectId>,
    #[serde(default, deserialize_with = "lenient")]
    resource_service_principal_id: Option<ObjectId>,
    resource_display_name: Option<String>,
    ip_address: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    agent: Option<AgentJson>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    error_code: i64,
    failure_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AgentJson {
    #[serde(default, deserialize_with = "lenient")]
    agent_type: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    agent_subject_type: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    agent_subject_parent_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    parent_app_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangeJson {
    id: String,
    activity_date_time: Moment,
    #[serde(default)]
    activity_display_name: String,
    result: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    initiated_by: Option<Value>,
    #[serde(default)]
    target_resources: Vec<TargetJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TargetJson {
    id: Option<String>,
    #[serde(default)]
    modified_properties: Option<Vec<PropertyJson>>,
}

/// Old and new values may hold anything, so there is no place for them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PropertyJson {
    display_name: Option<String>,
}

impl Graph {
    /// Sign-ins since a moment. Only beta has the property `agent` and service principals' own
    /// sign-ins (facts: Aug 2026).
    pub async fn sign_ins(
        &self,
        ask: Ask,
        whose: SignInsOf,
        since: Moment,
    ) -> Result<SignInList, Error> {
        let place = whose.place().then("%20and%20createdDateTime%20ge%20");
        let (lines, whole) = self.log::<SignInJson>(ask, place.moment(since)).await?;
        Ok(SignInList {
            since,
            whole,
            sign_ins: lines.into_iter().map(sign_in).collect(),
        })
    }

    /// Directory changes since a moment, and whether these are all.
    pub async fn directory_changes(
        &self,
        ask: Ask,
        whose: ChangesOf,
        since: Moment,
    ) -> Result<(Vec<Change>, bool), Error> {
        let place = whose.place().then("%20and%20activityDateTime%20ge%20");
        let (lines, whole) = self.log::<ChangeJson>(ask, place.moment(since)).await?;
        Ok((lines.into_iter().map(change).collect(), whole))
    }

    async fn log<T: serde::de::DeserializeOwned>(
        &self,
        ask: Ask,
        place: Place,
    ) -> Result<(Vec<T>, bool), Error> {
        let mut call = Call::read(place).in_lane(Lane::Reports);
        call.prefer = Some(NEW_WORDS);
        self.some_from(ask, (call, PAGES_MAX)).await
    }
}

impl SignInsOf {
    fn place(self) -> Place {
        let place = Place::beta("/auditLogs/signIns?$top=100&$filter=");
        let of_principals = "signInEventTypes/any(t:%20t%20eq%20'servicePrincipal')%20and%20";
        match self {
            Self::Itself(id) => place
                .then(of_principals)
                .then("servicePrincipalId%20eq%20'")
                .id(id),
            Self::Callers(id) => place
                .then(of_principals)
                .then("resourceServicePrincipalId%20eq%20'")
                .id(id),
            Self::OnBehalf(app) => place
                .then("(signInEventTypes/any(t:%20t%20eq%20'interactiveUser')%20or%20")
                .then("signInEventTypes/any(t:%20t%20eq%20'nonInteractiveUser'))%20and%20")
                .then("appId%20eq%20'")
                .id(app),
            Self::User(id) => place
                .then("signInEventTypes/any(t:%20t%20eq%20'nonInteractiveUser')%20and%20")
                .then("userId%20eq%20'")
                .id(id),
        }
        .then("'")
    }
}

impl ChangesOf {
    fn place(self) -> Place {
        let place = Place::v1("/auditLogs/directoryAudits?$top=100&$filter=");
        match self {
            Self::Target(id) => place
                .then("targetResources/any(t:%20t/id%20eq%20'")
                .id(id)
                .then("')"),
            Self::App(app) => place
                .then("initiatedBy/app/appId%20eq%20'")
                .id(app)
                .then("'"),
            Self::User(id) => place.then("initiatedBy/user/id%20eq%20'").id(id).then("'"),
        }
    }
}

/// What cannot be read is not there: beta changes, and one odd word must not cost the line.
fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let value = Option::<Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}

fn sign_in(line: SignInJson) -> SignIn {
    SignIn {
        id: cut(line.id),
        at: line.created_date_time,
        error_code: line.status.error_code,
        failure: line.status.failure_reason.map(cut),
        service_principal: line.service_principal_id,
        user: line.user_id,
        app: line.app_id,
        resource: line.resource_service_principal_id,
        resource_name: line.resource_display_name.map(cut),
        ip: line.ip_address.map(cut),
        agent: line.agent.map(|agent| AgentWord {
            kind: agent.agent_type.map(cut),
            subject: agent.agent_subject_type.map(cut),
            parent: agent.agent_subject_parent_id.map(cut),
            parent_app: agent.parent_app_id.map(cut),
        }),
    }
}

fn change(line: ChangeJson) -> Change {
    let by = line.initiated_by.unwrap_or_default();
    let by = ["/user/id", "/app/appId", "/app/servicePrincipalId"]
        .iter()
        .find_map(|place| by.pointer(place)?.as_str().map(str::to_owned));
    let mut properties = Vec::new();
    let mut targets = Vec::new();
    for target in line.target_resources {
        targets.extend(target.id.map(cut));
        let changed = target.modified_properties.into_iter().flatten();
        properties.extend(changed.filter_map(|one| one.display_name.map(cut)));
    }
    Change {
        id: cut(line.id),
        at: line.activity_date_time,
        activity: cut(line.activity_display_name),
        result: line.result.map(cut),
        by: by.map(cut),
        targets,
        properties,
    }
}

fn cut(text: String) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}
