//! What entities hold beside their switches: grants, roles, packages, credentials, attributes, a
//! place in the registry and in Foundry. Each thing lies on a shelf, under its own id.

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sim::changes::Aspect;
use crate::sim::tenant::Tenant;

/// The kinds of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shelf {
    /// `oAuth2PermissionGrant`.
    Grants,
    /// `appRoleAssignment`.
    AppRoles,
    /// `unifiedRoleAssignment`.
    DirectoryRoles,
    /// `accessPackageAssignment`, delivered.
    Packages,
    /// `passwordCredential` of a blueprint's application.
    Secrets,
    /// `keyCredential` of a blueprint's application.
    Certificates,
    /// `federatedIdentityCredential` of a blueprint's application.
    Trusts,
    /// `customSecurityAttributes` of a service principal, under its object id.
    Attributes,
    /// `agentInstance`.
    Instances,
    /// Members of the Quarantined collection, under the instance's id.
    Quarantine,
    /// Agents of Foundry projects, under `PROJECT/NAME`.
    Foundry,
}

/// One thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    /// Whose: an object id; of a blueprint that of its principal.
    pub owner: Uuid,
    /// As Graph shows it, its `id` or `keyId` included.
    pub body: Value,
}

impl Tenant {
    /// Puts a thing on a shelf, in the place of what was there under this key.
    pub fn put(&mut self, shelf: Shelf, key: &str, item: Item) {
        if self.keeps_still {
            return;
        }
        let owner = item.owner;
        let to = item.body.clone();
        let from = self.belongings.insert((shelf, key.to_owned()), item);
        let from = from.map_or(Value::Null, |item| item.body);
        if from != to {
            self.note(owner, Aspect::Held(shelf), from, to);
        }
    }

    /// Takes a thing off its shelf.
    pub fn take(&mut self, shelf: Shelf, key: &str) {
        if self.keeps_still {
            return;
        }
        if let Some(item) = self.belongings.remove(&(shelf, key.to_owned())) {
            self.note(item.owner, Aspect::Held(shelf), item.body, Value::Null);
        }
    }

    /// The thing under this key.
    pub fn item(&self, shelf: Shelf, key: &str) -> Option<&Item> {
        self.belongings.get(&(shelf, key.to_owned()))
    }

    /// Everything of one kind that an entity holds, with its key.
    pub fn held(&self, shelf: Shelf, owner: Uuid) -> Vec<(String, Value)> {
        let all = self.belongings.iter();
        all.filter(|((on, _), item)| *on == shelf && item.owner == owner)
            .map(|((_, key), item)| (key.clone(), item.body.clone()))
            .collect()
    }

    /// Deletes a blueprint principal so that it can be restored; its agents stay as they are.
    pub fn soft_delete(&mut self, principal: Uuid) {
        if let Some(blueprint) = self.blueprints.remove(&principal) {
            self.deleted.insert(principal, blueprint);
            self.note(principal, Aspect::Deleted, json!(false), json!(true));
        }
    }

    /// Restores a deleted blueprint principal as it was.
    pub fn restore(&mut self, principal: Uuid) {
        if self.keeps_still {
            return;
        }
        if let Some(blueprint) = self.deleted.remove(&principal) {
            self.blueprints.insert(principal, blueprint);
            self.note(principal, Aspect::Deleted, json!(true), json!(false));
        }
    }

    /// Gives a service principal one thing of each kind it can hold, and answers how many there
    /// are of each. For a blueprint these are its credentials too.
    pub fn furnish(&mut self, owner: Uuid) {
        let id = |what: &str| Uuid::new_v5(&owner, what.as_bytes());
        let key = |what: &str| id(what).simple().to_string();
        for (number, scope) in ["User.Read Mail.Read", "Files.Read"].iter().enumerate() {
            let name = format!("grant {number}");
            let body = json!({
                "id": key(&name), "clientId": owner, "consentType": "AllPrincipals",
                "principalId": null, "resourceId": id(&format!("resource {number}")),
                "scope": scope,
            });
            self.put(Shelf::Grants, &key(&name), Item { owner, body });
        }
        let body = json!({
            "id": key("app role"), "appRoleId": id("role"), "principalId": owner,
            "resourceId": id("resource 0"),
        });
        self.put(Shelf::AppRoles, &key("app role"), Item { owner, body });
        let body = json!({
            "id": key("directory role"), "roleDefinitionId": id("definition"),
            "principalId": owner, "directoryScopeId": "/",
        });
        self.put(
            Shelf::DirectoryRoles,
            &key("directory role"),
            Item { owner, body },
        );
        let body = package(
            &id("package").to_string(),
            owner,
            (id("catalogued"), id("policy")),
        );
        self.put(
            Shelf::Packages,
            &id("package").to_string(),
            Item { owner, body },
        );
        if self.blueprints.contains_key(&owner) {
            self.furnish_blueprint(owner);
        }
    }

    fn furnish_blueprint(&mut self, owner: Uuid) {
        let id = |what: &str| Uuid::new_v5(&owner, what.as_bytes());
        for (shelf, name) in [
            (Shelf::Secrets, "secret"),
            (Shelf::Certificates, "certificate"),
        ] {
            let body = json!({
                "keyId": id(name), "displayName": name, "endDateTime": "2027-01-01T00:00:00Z",
                "hint": "SIM",
            });
            self.put(shelf, &id(name).to_string(), Item { owner, body });
        }
        let body = json!({
            "id": id("trust"), "name": "build", "issuer": "https://issuer.example",
            "subject": "repo:contoso/agents", "audiences": ["api://AzureADTokenExchange"],
        });
        self.put(
            Shelf::Trusts,
            &id("trust").to_string(),
            Item { owner, body },
        );
    }

    /// Registers an instance of an agent, and answers its id.
    pub fn register(&mut self, agent: Uuid, name: &str) -> Uuid {
        let id = Uuid::new_v5(&agent, format!("instance {name}").as_bytes());
        let body = json!({ "id": id, "displayName": name, "agentIdentityId": agent });
        self.put(
            Shelf::Instances,
            &id.to_string(),
            Item { owner: agent, body },
        );
        id
    }

    /// Lets an agent run in a Foundry project, enabled.
    pub fn run_in_foundry(&mut self, agent: Uuid, project: &str, name: &str) {
        let item = Item {
            owner: agent,
            body: json!({ "enabled": true }),
        };
        self.put(Shelf::Foundry, &format!("{project}/{name}"), item);
    }
}

/// An access package assignment as it is shown with what it points to.
pub(in crate::sim) fn package(id: &str, target: Uuid, (package, policy): (Uuid, Uuid)) -> Value {
    json!({
        "id": id, "state": "delivered", "status": "Delivered",
        "accessPackage": { "id": package }, "assignmentPolicy": { "id": policy },
        "target": { "objectId": target },
    })
}
