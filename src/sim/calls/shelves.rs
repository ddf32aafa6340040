//! How what entities hold is listed, given and taken: members checked, holders checked.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::sim::belongings::{Item, Shelf, package};
use crate::sim::calls::agents::after;
use crate::sim::calls::belonging::Belonging;
use crate::sim::calls::call::{Call, guid};
use crate::sim::calls::odata::only;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::tokens::Caller;
use crate::sim::calls::{Answered, Reply};
use crate::sim::changes::Switch;
use crate::sim::state::State;
use crate::sim::tenant::{Kind, Tenant};

pub(in crate::sim) fn perform(
    state: &mut State,
    call: &Call,
    (caller, it): (&Caller, Belonging<'_>),
) -> Answered {
    let tenant = &mut state.tenant;
    match it {
        Belonging::List(shelf, holder) => list(tenant, call, (shelf, holder)),
        Belonging::Add(shelf, holder) => add(tenant, call, (shelf, holder)),
        Belonging::Remove(shelf, holder, id) => remove(tenant, (shelf, holder), id),
        Belonging::RequestPackage => request_package(tenant, call),
        Belonging::ListBlueprints => list_blueprints(tenant, call),
        Belonging::RemovePassword(id) => remove_password(tenant, call, id),
        Belonging::UpdateBlueprint(id) => update_blueprint(tenant, call, id),
        Belonging::UpdatePrincipal(id) => update_principal(tenant, call, (caller, id)),
        Belonging::ListDeleted => list_deleted(tenant, call),
        Belonging::Restore(id) => restore(tenant, id),
    }
}

fn list(tenant: &Tenant, call: &Call, (shelf, holder): (Shelf, Option<&str>)) -> Answered {
    let owner = match (shelf, holder) {
        (Shelf::Quarantine, _) => {
            only(call, &["$select"])?;
            let all = tenant.belongings.iter();
            let members = all.filter(|((on, _), _)| *on == shelf);
            return Ok(values(members.map(|(_, item)| item.body.clone()).collect()));
        }
        (Shelf::Trusts, Some(id)) => application(tenant, id)?,
        (_, Some(id)) => service_principal(tenant, id)?,
        (_, None) => filtered(call, shelf)?,
    };
    let mut held = tenant.held(shelf, owner);
    if shelf == Shelf::Packages && call.parameter("$expand").is_none() {
        // Relationships are shown only to who asks.
        for (_, body) in &mut held {
            *body = json!({"id": body["id"], "state": body["state"]});
        }
    }
    Ok(values(held.into_iter().map(|(_, body)| body).collect()))
}

/// The holder a list is filtered by; without the filter whole tenants would be listed, which no
/// caller of ours does.
fn filtered(call: &Call, shelf: Shelf) -> Result<Uuid, Refusal> {
    only(call, &["$select", "$filter", "$expand"])?;
    let before = match shelf {
        Shelf::Grants => "clientId eq '",
        Shelf::DirectoryRoles => "principalId eq '",
        Shelf::Packages => "state eq 'delivered' and target/objectId eq '",
        Shelf::Instances => "agentIdentityId eq '",
        Shelf::AppRoles
        | Shelf::Secrets
        | Shelf::Certificates
        | Shelf::Trusts
        | Shelf::Attributes
        | Shelf::Quarantine
        | Shelf::Foundry => "",
    };
    let text = call.parameter("$filter").unwrap_or_default();
    let id = text
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix('\''));
    id.and_then(guid)
        .ok_or_else(|| Refusal::unsupported_query(format!("Unsupported Query: '{text}'.")))
}

/// What a new thing must say, and nothing else; `?` marks what may be null.
fn members(shelf: Shelf) -> &'static [&'static str] {
    match shelf {
        Shelf::Grants => &[
            "clientId",
            "consentType",
            "principalId?",
            "resourceId",
            "scope",
        ],
        Shelf::AppRoles => &["principalId", "resourceId", "appRoleId"],
        Shelf::DirectoryRoles => &["roleDefinitionId", "principalId", "directoryScopeId"],
        Shelf::Quarantine => &["@odata.id"],
        Shelf::Packages
        | Shelf::Secrets
        | Shelf::Certificates
        | Shelf::Trusts
        | Shelf::Attributes
        | Shelf::Instances
        | Shelf::Foundry => &[],
    }
}

fn add(tenant: &mut Tenant, call: &Call, (shelf, holder): (Shelf, Option<&str>)) -> Answered {
    let mut body = call.json()?;
    let wanted = members(shelf);
    check_members(&body, wanted)?;
    if shelf == Shelf::Quarantine {
        return quarantine(tenant, &body);
    }
    let who = if shelf == Shelf::Grants {
        "clientId"
    } else {
        "principalId"
    };
    let owner = service_principal_or_user(tenant, text(&body, who)?)?;
    if holder.is_some_and(|id| guid(id) != Some(owner)) {
        return Err(Refusal::bad_request(
            "The principal is not the one of the path.",
        ));
    }
    let same = |(_, held): &(String, Value)| wanted.iter().all(|name| is_same(held, &body, name));
    if tenant.held(shelf, owner).iter().any(same) {
        return Err(match shelf {
            Shelf::Grants => Refusal::new(
                http::StatusCode::CONFLICT,
                "Request_MultipleObjectsWithSameKeyValue",
                "Permission entry already exists.",
            ),
            _ => Refusal::bad_request("Permission being assigned already exists on the object"),
        });
    }
    let id = call.id.simple().to_string();
    body.insert("id".to_owned(), id.as_str().into());
    let body = Value::Object(body);
    tenant.put(
        shelf,
        &id,
        Item {
            owner,
            body: body.clone(),
        },
    );
    Ok(Reply::Created(body))
}

fn is_same(held: &Value, asked: &Map<String, Value>, name: &str) -> bool {
    let name = name.trim_end_matches('?');
    // One grant for a client, a resource and a user, whatever it allows.
    name == "scope" || held.get(name) == asked.get(name)
}

fn check_members(body: &Map<String, Value>, wanted: &[&str]) -> Result<(), Refusal> {
    let known = |name: &String| wanted.iter().any(|it| it.trim_end_matches('?') == name);
    if let Some(name) = body.keys().find(|name| !known(name)) {
        return Err(Refusal::bad_request(format!(
            "The property '{name}' does not exist on this type or cannot be set here."
        )));
    }
    for name in wanted {
        let value = body.get(name.trim_end_matches('?'));
        let may_be_null = name.ends_with('?') && value.is_none_or(Value::is_null);
        if !may_be_null && !value.is_some_and(Value::is_string) {
            return Err(Refusal::bad_request(format!("'{name}' must be a text.")));
        }
    }
    Ok(())
}

fn quarantine(tenant: &mut Tenant, body: &Map<String, Value>) -> Answered {
    let reference = text(body, "@odata.id")?;
    let id = reference
        .rsplit_once("/beta/agentRegistry/agentInstances('")
        .and_then(|(_, rest)| rest.strip_suffix("')"));
    let known = id.and_then(|id| tenant.item(Shelf::Instances, id).cloned());
    let (Some(id), Some(item)) = (id, known) else {
        return Err(Refusal::no_resource(reference));
    };
    if tenant.item(Shelf::Quarantine, id).is_some() {
        return Err(Refusal::bad_request(
            "One or more added object references already exist.",
        ));
    }
    tenant.put(Shelf::Quarantine, id, item);
    Ok(Reply::NoContent)
}

fn remove(tenant: &mut Tenant, (shelf, holder): (Shelf, Option<&str>), id: &str) -> Answered {
    let owner = match (shelf, holder) {
        (_, None) => None,
        (Shelf::Trusts, Some(of)) => Some(application(tenant, of)?),
        (_, Some(of)) => Some(service_principal(tenant, of)?),
    };
    let held = tenant.item(shelf, id);
    if !held.is_some_and(|item| owner.is_none_or(|owner| owner == item.owner)) {
        return Err(Refusal::no_resource(id));
    }
    tenant.take(shelf, id);
    Ok(Reply::NoContent)
}

fn request_package(tenant: &mut Tenant, call: &Call) -> Answered {
    let body = call.json()?;
    let nothing = Map::new();
    let assignment = body
        .get("assignment")
        .and_then(Value::as_object)
        .unwrap_or(&nothing);
    match text(&body, "requestType")? {
        "adminRemove" => {
            check_members(assignment, &["id"])?;
            let id = text(assignment, "id")?;
            if tenant.item(Shelf::Packages, id).is_none() {
                return Err(Refusal::bad_request("The assignment is not delivered."));
            }
            tenant.take(Shelf::Packages, id);
        }
        "adminAdd" => {
            let wanted = ["targetId", "accessPackageId", "assignmentPolicyId"];
            check_members(assignment, &wanted)?;
            let [target, what, policy] = wanted.map(|name| {
                let text = text(assignment, name)?;
                guid(text).ok_or_else(|| Refusal::bad_request(format!("'{name}' is no id.")))
            });
            let (owner, id) = (target?, call.id.to_string());
            let body = package(&id, owner, (what?, policy?));
            tenant.put(Shelf::Packages, &id, Item { owner, body });
        }
        other => return Err(Refusal::bad_request(format!("No request type '{other}'."))),
    }
    Ok(Reply::Created(json!({"id": call.id, "state": "submitted"})))
}

fn list_blueprints(tenant: &Tenant, call: &Call) -> Answered {
    only(call, &["$select", "$filter"])?;
    let text = call.parameter("$filter").unwrap_or_default();
    let app = text
        .strip_prefix("appId eq '")
        .and_then(|rest| rest.strip_suffix('\''))
        .and_then(guid)
        .ok_or_else(|| Refusal::unsupported_query(format!("Unsupported Query: '{text}'.")))?;
    // An application of another tenant is not listed in ours.
    let ours = tenant
        .blueprint_of_app(app)
        .filter(|it| it.owner_tenant == tenant.id);
    let shown = ours.map(|it| {
        let of = |shelf| -> Vec<Value> {
            let held = tenant.held(shelf, it.ids.principal);
            held.into_iter().map(|(_, body)| body).collect()
        };
        json!({
            "id": it.ids.application, "appId": it.ids.app,
            "passwordCredentials": of(Shelf::Secrets), "keyCredentials": of(Shelf::Certificates),
        })
    });
    Ok(values(shown.into_iter().collect()))
}

fn remove_password(tenant: &mut Tenant, call: &Call, id: &str) -> Answered {
    let owner = application(tenant, id)?;
    let body = call.json()?;
    check_members(&body, &["keyId"])?;
    let key = text(&body, "keyId")?;
    if !tenant
        .item(Shelf::Secrets, key)
        .is_some_and(|item| item.owner == owner)
    {
        let message = format!("No password credential found with keyId '{key}'.");
        return Err(Refusal::bad_request(message));
    }
    tenant.take(Shelf::Secrets, key);
    Ok(Reply::NoContent)
}

/// Certificates can only be taken all at once here; nothing adds any.
fn update_blueprint(tenant: &mut Tenant, call: &Call, id: &str) -> Answered {
    let owner = application(tenant, id)?;
    let body = call.json()?;
    let none = json!([]);
    if body.len() != 1 || body.get("keyCredentials") != Some(&none) {
        return Err(Refusal::bad_request(
            "Only an empty list of keyCredentials is modelled.",
        ));
    }
    for (key, _) in tenant.held(Shelf::Certificates, owner) {
        tenant.take(Shelf::Certificates, &key);
    }
    Ok(Reply::NoContent)
}

fn update_principal(tenant: &mut Tenant, call: &Call, (caller, id): (&Caller, &str)) -> Answered {
    let id = service_principal(tenant, id)?;
    let body = call.json()?;
    let (name, value) = match body.iter().collect::<Vec<_>>().as_slice() {
        [(name, value)] => (name.as_str(), *value),
        _ => return Err(Refusal::bad_request("One property at a time is modelled.")),
    };
    match (name, value) {
        ("accountEnabled", Value::Bool(enabled)) => {
            if !caller.may(&[&["Application.ReadWrite.All"]]) {
                return Err(Refusal::not_permitted());
            }
            tenant.switch(id, Switch::from(*enabled));
        }
        ("customSecurityAttributes", Value::Object(sets)) => {
            if !caller.may(&[&["CustomSecAttributeAssignment.ReadWrite.All"]]) {
                return Err(Refusal::not_permitted());
            }
            set_attributes(tenant, id, sets)?;
        }
        _ => {
            let message = format!("The property '{name}' cannot be set here.");
            return Err(Refusal::bad_request(message));
        }
    }
    Ok(Reply::NoContent)
}

fn set_attributes(tenant: &mut Tenant, id: Uuid, sets: &Map<String, Value>) -> Result<(), Refusal> {
    let key = id.to_string();
    let mut now = tenant
        .item(Shelf::Attributes, &key)
        .map_or_else(|| json!({}), |item| item.body.clone());
    for (set, attributes) in sets {
        let typed = &attributes["@odata.type"];
        if typed != "#Microsoft.DirectoryServices.CustomSecurityAttributeValue" {
            return Err(Refusal::bad_request("An attribute set must say its type."));
        }
        let attributes = attributes.as_object().into_iter().flatten();
        for (name, value) in attributes.filter(|(name, _)| *name != "@odata.type") {
            if !tenant.attributes.contains(&format!("{set}.{name}")) {
                let message = format!("The attribute '{set}.{name}' is not defined.");
                return Err(Refusal::bad_request(message));
            }
            // Null takes it away, and reads as if it had never been set.
            now[set][name] = value.clone();
        }
    }
    tenant.put(
        Shelf::Attributes,
        &key,
        Item {
            owner: id,
            body: now,
        },
    );
    Ok(())
}

fn list_deleted(tenant: &Tenant, call: &Call) -> Answered {
    only(call, &["$select"])?;
    let ids = after(tenant.deleted.keys(), None);
    Ok(values(
        ids.into_iter().map(|id| json!({"id": id})).collect(),
    ))
}

fn restore(tenant: &mut Tenant, id: &str) -> Answered {
    let principal = guid(id)
        .filter(|id| tenant.deleted.contains_key(id))
        .ok_or_else(|| Refusal::no_resource(id))?;
    tenant.restore(principal);
    Ok(Reply::Json(json!({
        "@odata.type": "#microsoft.graph.agentIdentityBlueprintPrincipal", "id": principal,
    })))
}

fn values(all: Vec<Value>) -> Reply {
    Reply::Json(json!({ "value": all }))
}

fn text<'b>(body: &'b Map<String, Value>, name: &str) -> Result<&'b str, Refusal> {
    body.get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| Refusal::bad_request(format!("'{name}' must be a text.")))
}

/// The principal of the blueprint whose application has this **object id**.
fn application(tenant: &Tenant, id: &str) -> Result<Uuid, Refusal> {
    let wanted = guid(id);
    let mut all = tenant.blueprints.values();
    all.find(|it| Some(it.ids.application) == wanted && it.owner_tenant == tenant.id)
        .map(|it| it.ids.principal)
        .ok_or_else(|| Refusal::no_resource(id))
}

fn service_principal(tenant: &Tenant, id: &str) -> Result<Uuid, Refusal> {
    let known = guid(id).filter(|id| match tenant.kind(*id) {
        Some(Kind::AgentUser | Kind::User) | None => false,
        Some(
            Kind::Agent | Kind::BlueprintPrincipal | Kind::ServicePrincipal | Kind::ManagedIdentity,
        ) => true,
    });
    known.ok_or_else(|| Refusal::no_resource(id))
}

fn service_principal_or_user(tenant: &Tenant, id: &str) -> Result<Uuid, Refusal> {
    guid(id)
        .filter(|id| tenant.kind(*id).is_some())
        .ok_or_else(|| Refusal::no_resource(id))
}
