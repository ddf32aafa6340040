//! The tenant as plain data: who lives in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::moment::{Moment, Span};
use crate::sim::belongings::{Item, Shelf};
use crate::sim::cases::Casebook;
use crate::sim::changes::Change;
use crate::sim::logs::SignInLine;
use crate::sim::premises::Premises;
use crate::sim::risk::{Risk, RiskDetection, RiskPolicy, UnknownIds};

/// The kinds of entity the model holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An agent identity: object id and app id are the same value.
    Agent,
    /// The service principal of a blueprint, the switch for all its agents.
    BlueprintPrincipal,
    /// The user account of one agent.
    AgentUser,
    /// A person.
    User,
    /// A classic service principal, estop's own included.
    ServicePrincipal,
    /// The service principal of a managed identity.
    ManagedIdentity,
}

/// An agent identity.
#[derive(Clone, Debug, Serialize)]
pub struct Agent {
    /// Object id, and app id too.
    pub id: Uuid,
    /// What the portal shows.
    pub display_name: String,
    /// `accountEnabled` of the agent itself; its blueprint principal may still stop it.
    pub account_enabled: bool,
    /// The **app id** of the blueprint, as `agentIdentityBlueprintId` has it.
    pub blueprint_app_id: Uuid,
    /// Users who answer for the agent.
    pub sponsors: Vec<Uuid>,
    /// Set when Microsoft itself has disabled the agent.
    pub disabled_by_microsoft: Option<String>,
}

/// A blueprint and its principal in this tenant.
#[derive(Clone, Debug, Serialize)]
pub struct Blueprint {
    /// The three ids.
    pub ids: BlueprintIds,
    /// What the portal shows.
    pub display_name: String,
    /// `accountEnabled` of the blueprint principal.
    pub account_enabled: bool,
    /// The tenant that owns the application: another than ours for a foreign blueprint.
    pub owner_tenant: Uuid,
    /// What its agents present at the token endpoint.
    #[serde(skip)]
    pub secret: String,
}

/// The ids of one blueprint. They are three different values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BlueprintIds {
    /// Object id of the blueprint principal: what is disabled.
    pub principal: Uuid,
    /// App id: what agents name as their parent.
    pub app: Uuid,
    /// Object id of the application: never a valid id in the calls modelled here.
    pub application: Uuid,
}

/// A person, or the user of an agent.
#[derive(Clone, Debug, Serialize)]
pub struct User {
    /// Object id.
    pub id: Uuid,
    /// What the portal shows.
    pub display_name: String,
    /// Sign-in name, also taken as an id in paths.
    pub user_principal_name: String,
    /// `accountEnabled`.
    pub account_enabled: bool,
    /// Object id of the agent this user belongs to; `None` for a person.
    pub identity_parent_id: Option<Uuid>,
    /// How often the sessions have been revoked.
    pub sessions_revoked: u32,
}

/// A classic service principal.
#[derive(Clone, Debug, Serialize)]
pub struct Principal {
    /// Object id.
    pub id: Uuid,
    /// App id, never equal to the object id.
    pub app_id: Uuid,
    /// What the portal shows.
    pub display_name: String,
    /// `accountEnabled`.
    pub account_enabled: bool,
    /// `Application` or `ManagedIdentity`.
    pub service_principal_type: String,
}

/// estop's own registration: which principal it is, what it may do, what it presents.
#[derive(Clone, Debug)]
pub struct Client {
    /// Object id of its service principal (the `oid` of its access tokens).
    pub principal: Uuid,
    /// App id (the `appid` of its access tokens).
    pub app: Uuid,
    /// Application permissions. They ride in the access token, so a change reaches Graph with the
    /// next access token only.
    pub permissions: Vec<String>,
    /// The client secret taken by the token endpoint.
    pub secret: String,
    /// The certificate whose key may sign client assertions, if one is registered.
    pub certificate: Option<Registered>,
    /// The value of `X-IDENTITY-HEADER` taken by the managed-identity endpoint.
    pub identity_header: String,
}

/// The public part of a certificate, as an application registration keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// base64url of the SHA-256 of its DER, as `x5t#S256` has it.
    pub thumbprint: String,
    /// Its RSA public key: DER, PKCS#1.
    pub public_key: Vec<u8>,
}

/// A whole tenant. Fields may be set freely while it is built; once it serves, change it through
/// its verbs (`switch`, `judge`, `revoke_sessions`), so that the change is counted.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Tenant id.
    pub id: Uuid,
    /// What the portal shows.
    pub name: String,
    /// The domain of its users.
    pub domain: String,
    /// Agent identities by object id.
    pub agents: BTreeMap<Uuid, Agent>,
    /// Blueprints by the object id of their principal.
    pub blueprints: BTreeMap<Uuid, Blueprint>,
    /// People and agent users by object id.
    pub users: BTreeMap<Uuid, User>,
    /// Classic service principals by object id.
    pub principals: BTreeMap<Uuid, Principal>,
    /// Risk by object id; no entry means no risk was ever seen.
    pub risks: BTreeMap<Uuid, Risk>,
    /// What ID Protection has detected, oldest first.
    pub detections: Vec<RiskDetection>,
    /// Users who answer for a blueprint, by the object id of its principal.
    pub blueprint_sponsors: BTreeMap<Uuid, Vec<Uuid>>,
    /// Whom a user reports to, by the user's object id.
    pub managers: BTreeMap<Uuid, Uuid>,
    /// Users who own a service principal, by its object id.
    pub owners: BTreeMap<Uuid, Vec<Uuid>>,
    /// `tags` of agents and service principals, by object id.
    pub tags: BTreeMap<Uuid, Vec<String>>,
    /// What entities hold beside their switches, by its own id.
    pub belongings: BTreeMap<(Shelf, String), Item>,
    /// The custom security attributes that are defined, as `SET.ATTRIBUTE`.
    pub attributes: BTreeSet<String>,
    /// Deleted blueprints by the object id of their principal.
    pub deleted: BTreeMap<Uuid, Blueprint>,
    /// estop's own registration.
    pub client: Client,
    /// Whether risk blocks access tokens.
    pub risk_policy: RiskPolicy,
    /// Policies, licences and logs.
    pub premises: Premises,
    /// What happens to unknown ids in risk calls.
    pub unknown_ids: UnknownIds,
    /// How long an access token lives.
    pub token_life: Span,
    /// Resources an access token for Graph may be asked for, besides Graph's app id.
    pub graph_audiences: Vec<String>,
    /// Incidents, and tables that lines are added to.
    pub cases: Casebook,
    /// The sign-in log, oldest first.
    pub sign_ins: Vec<SignInLine>,
    /// Alerts of the security API, by id.
    pub alerts: BTreeMap<String, Value>,
    pub(super) judged_at: BTreeMap<Uuid, Moment>,
    pub(super) changes: Vec<Change>,
    pub(super) keeps_still: bool,
}

impl Tenant {
    /// A tenant with nobody in it but estop, which holds the permissions of profile `agents`.
    pub fn empty(id: Uuid, name: &str, domain: &str) -> Self {
        let client = Client::of(id);
        let own = Principal {
            id: client.principal,
            app_id: client.app,
            display_name: "estop".to_owned(),
            account_enabled: true,
            service_principal_type: "Application".to_owned(),
        };
        Self {
            id,
            name: name.to_owned(),
            domain: domain.to_owned(),
            agents: BTreeMap::new(),
            blueprints: BTreeMap::new(),
            users: BTreeMap::new(),
            principals: BTreeMap::from([(own.id, own)]),
            risks: BTreeMap::new(),
            detections: Vec::new(),
            blueprint_sponsors: BTreeMap::new(),
            managers: BTreeMap::new(),
            owners: BTreeMap::new(),
            tags: BTreeMap::new(),
            belongings: BTreeMap::new(),
            attributes: BTreeSet::new(),
            deleted: BTreeMap::new(),
            client,
            risk_policy: RiskPolicy::Absent,
            premises: Premises::default(),
            unknown_ids: UnknownIds::Refused,
            token_life: Span(Duration::from_secs(3600)),
            graph_audiences: GRAPH_HOSTS
                .iter()
                .map(|host| format!("https://{host}"))
                .collect(),
            cases: Casebook::default(),
            sign_ins: Vec::new(),
            alerts: BTreeMap::new(),
            judged_at: BTreeMap::new(),
            changes: Vec::new(),
            keeps_still: false,
        }
    }

    /// What the entity with this **object id** is.
    pub fn kind(&self, id: Uuid) -> Option<Kind> {
        if self.agents.contains_key(&id) {
            return Some(Kind::Agent);
        }
        if self.blueprints.contains_key(&id) {
            return Some(Kind::BlueprintPrincipal);
        }
        if let Some(user) = self.users.get(&id) {
            let agent = user.identity_parent_id.is_some();
            return Some(if agent { Kind::AgentUser } else { Kind::User });
        }
        self.principals
            .get(&id)
            .map(|it| match it.service_principal_type.as_str() {
                "ManagedIdentity" => Kind::ManagedIdentity,
                _ => Kind::ServicePrincipal,
            })
    }

    /// The risk of an entity, [`Risk::none`] where none was ever seen.
    pub fn risk(&self, id: Uuid) -> Risk {
        self.risks.get(&id).cloned().unwrap_or_else(Risk::none)
    }

    /// The blueprint with this **app id**.
    pub fn blueprint_of_app(&self, app: Uuid) -> Option<&Blueprint> {
        self.blueprints.values().find(|it| it.ids.app == app)
    }
}

/// Graph's hosts, one per cloud.
const GRAPH_HOSTS: [&str; 4] = [
    "graph.microsoft.com",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
];
