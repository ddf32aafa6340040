//! How tenants are filled: the builders, and the sample tenant of demo, docs and tests.

use serde_json::json;
use uuid::{Uuid, uuid};

use crate::sim::belongings::{Item, Shelf};
use crate::sim::tenant::{Agent, Blueprint, BlueprintIds, Client, Principal, Tenant, User};

/// Object id (and app id) of `invoice-bot` in the sample tenant.
pub const INVOICE_BOT: Uuid = uuid!("7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0");

const CONTOSO: Uuid = uuid!("5a1c7e90-0000-4000-8000-00000c0a70e5");
const INVOICE_BOT_USER: Uuid = uuid!("c04f2f6e-3d0a-4e57-8b1c-6a5d0e4f91b7");

/// What profile `agents` needs for the calls modelled here.
const AGENTS_PROFILE: [&str; 12] = [
    "AgentIdentity.Read.All",
    "AgentIdentity.EnableDisable.All",
    "AgentIdentityBlueprintPrincipal.Read.All",
    "AgentIdentityBlueprintPrincipal.EnableDisable.All",
    "AgentIdUser.ReadWrite.All",
    "User.ReadBasic.All",
    "User.RevokeSessions.All",
    "IdentityRiskyAgent.ReadWrite.All",
    "Application.Read.All",
    "Directory.Read.All",
    "AgentIdentityBlueprint.Read.All",
    "AgentInstance.Read.All",
];

const FINANCE: [&str; 5] = [
    "invoice-bot",
    "payables-bot",
    "treasury-bot",
    "audit-bot",
    "tax-bot",
];
const EXPENSE: [&str; 4] = [
    "expense-ocr-01",
    "expense-ocr-02",
    "expense-ocr-03",
    "expense-policy-bot",
];
const SUPPORT: [&str; 5] = ["kb-bot", "crm-bot", "triage-bot", "returns-bot", "chat-bot"];
const WITH_USER: [&str; 4] = ["payables-bot", "expense-ocr-01", "kb-bot", "crm-bot"];

impl Client {
    pub(super) fn of(tenant: Uuid) -> Self {
        Self {
            principal: Uuid::new_v5(&tenant, b"estop principal"),
            app: Uuid::new_v5(&tenant, b"estop app"),
            permissions: AGENTS_PROFILE.map(str::to_owned).to_vec(),
            secret: "simulated-estop-secret".to_owned(),
            certificate: None,
            identity_header: "simulated-identity-header".to_owned(),
        }
    }
}

impl Tenant {
    /// "Contoso (simulated)": 3 blueprints, 14 agents, 5 agent users, three people, and estop.
    pub fn contoso() -> Self {
        let mut tenant = Self::empty(CONTOSO, "Contoso (simulated)", "contoso.example");
        let dana = tenant.add_person("dana");
        let alice = tenant.add_person("alice");
        tenant.add_person("bob");

        for (blueprint, names, sponsor) in [
            ("Finance-Agents", &FINANCE[..], dana),
            ("Expense-Agents", &EXPENSE[..], dana),
            ("Support-Agents", &SUPPORT[..], alice),
        ] {
            let blueprint = tenant.add_blueprint(blueprint);
            for name in names {
                let id = match *name {
                    "invoice-bot" => INVOICE_BOT,
                    other => tenant.id_for("agent", other),
                };
                tenant.add_agent_as(id, name, blueprint);
                tenant.add_sponsor(id, sponsor);
                if WITH_USER.contains(name) {
                    tenant.add_agent_user(id);
                }
            }
        }
        tenant.add_agent_user_as(INVOICE_BOT_USER, INVOICE_BOT);
        tenant
    }

    /// Adds a blueprint of this tenant and its principal, enabled.
    pub fn add_blueprint(&mut self, name: &str) -> BlueprintIds {
        let name = self.unused(
            name,
            self.blueprints.values().map(|it| it.display_name.as_str()),
        );
        let ids = BlueprintIds {
            principal: self.id_for("blueprint principal", &name),
            app: self.id_for("blueprint app", &name),
            application: self.id_for("blueprint application", &name),
        };
        let blueprint = Blueprint {
            ids,
            secret: format!("simulated-{}-secret", name.to_lowercase()),
            display_name: name,
            account_enabled: true,
            owner_tenant: self.id,
        };
        self.blueprints.insert(ids.principal, blueprint);
        ids
    }

    /// Adds an enabled agent of a blueprint, without sponsor; answers its object id.
    pub fn add_agent(&mut self, name: &str, blueprint: BlueprintIds) -> Uuid {
        let id = self.id_for(&format!("agent {}", self.agents.len()), name);
        self.add_agent_as(id, name, blueprint);
        id
    }

    /// Adds an enabled agent with a chosen object id, replacing whatever agent had it.
    pub fn add_agent_as(&mut self, id: Uuid, name: &str, blueprint: BlueprintIds) {
        let agent = Agent {
            id,
            display_name: name.to_owned(),
            account_enabled: true,
            blueprint_app_id: blueprint.app,
            sponsors: Vec::new(),
            disabled_by_microsoft: None,
        };
        self.agents.insert(id, agent);
    }

    /// Adds the user of an agent. An agent has one at most, so a second call answers the first.
    pub fn add_agent_user(&mut self, agent: Uuid) -> Uuid {
        let id = self.id_for("agent user", &agent.to_string());
        self.add_agent_user_as(id, agent)
    }

    fn add_agent_user_as(&mut self, id: Uuid, agent: Uuid) -> Uuid {
        let mut users = self.users.values();
        if let Some(user) = users.find(|it| it.identity_parent_id == Some(agent)) {
            return user.id;
        }
        let name = match self.agents.get(&agent) {
            Some(agent) => agent.display_name.clone(),
            None => format!("orphan-{agent}"),
        };
        self.insert_user(id, &name, Some(agent))
    }

    /// Adds a person, `name@domain`.
    pub fn add_person(&mut self, name: &str) -> Uuid {
        let id = self.id_for("person", name);
        self.insert_user(id, name, None)
    }

    /// Adds a classic service principal; answers its object id.
    pub fn add_service_principal(&mut self, name: &str) -> Uuid {
        self.insert_principal(name, "Application")
    }

    /// Adds the service principal of a managed identity; answers its object id.
    pub fn add_managed_identity(&mut self, name: &str) -> Uuid {
        self.insert_principal(name, "ManagedIdentity")
    }

    /// Makes a user answer for an agent; nothing happens when the agent does not exist.
    pub fn add_sponsor(&mut self, agent: Uuid, user: Uuid) {
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.sponsors.push(user);
        }
    }

    /// Makes a user own a service principal of any kind.
    pub fn add_owner(&mut self, of: Uuid, user: Uuid) {
        self.owners.entry(of).or_default().push(user);
    }

    /// Puts a tag on an agent or a service principal.
    pub fn add_tag(&mut self, of: Uuid, tag: &str) {
        self.tags.entry(of).or_default().push(tag.to_owned());
    }

    /// Registers one agent of a platform that acts as this agent identity, or, without one, lives
    /// on the blueprint alone; answers the registry's id.
    pub fn register_on(
        &mut self,
        name: &str,
        platform: &str,
        (agent, blueprint): (Option<Uuid>, BlueprintIds),
    ) -> Uuid {
        let id = self.id_for("registered agent", name);
        let body = json!({
            "id": id, "displayName": name, "agentIdentityId": agent,
            "agentIdentityBlueprintId": blueprint.application, "originatingStore": platform,
        });
        let owner = agent.unwrap_or(blueprint.principal);
        self.put(Shelf::Instances, &id.to_string(), Item { owner, body });
        id
    }

    fn insert_user(&mut self, id: Uuid, name: &str, parent: Option<Uuid>) -> Uuid {
        let user = User {
            id,
            display_name: name.to_owned(),
            user_principal_name: format!("{name}@{}", self.domain),
            account_enabled: true,
            identity_parent_id: parent,
            sessions_revoked: 0,
        };
        self.users.insert(id, user);
        id
    }

    fn insert_principal(&mut self, name: &str, kind: &str) -> Uuid {
        let principal = Principal {
            id: self.id_for(kind, name),
            app_id: self.id_for(&format!("{kind} app"), name),
            display_name: name.to_owned(),
            account_enabled: true,
            service_principal_type: kind.to_owned(),
        };
        let id = principal.id;
        self.principals.insert(id, principal);
        id
    }

    fn unused<'a>(&self, name: &str, taken: impl Iterator<Item = &'a str>) -> String {
        match taken.filter(|it| it.starts_with(name)).count() {
            0 => name.to_owned(),
            more => format!("{name}-{}", more + 1),
        }
    }

    /// The same name gives the same id in the same tenant, so that runs can be repeated.
    fn id_for(&self, kind: &str, name: &str) -> Uuid {
        Uuid::new_v5(&self.id, format!("{kind} {name}").as_bytes())
    }
}
