//! How what entities hold is listed, given and taken: members checked, holders checked.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::sim::belongings::{Item, Shelf, package};
use crate::sim::calls::belonging::Belonging;
use crate::sim::calls::call::{Call, guid};
use crate::sim::calls::odata::only;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::roles::{holders, role_asked};
use crate::sim::calls::tokens::Caller;
use crate::sim::calls::{Answered, Reply, blueprints, principals};
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
        Belonging::Remove(shelf, holder, id) => {
            call.without_body()?;
            remove(tenant, (shelf, holder), id)
        }
        Belonging::RequestPackage => request_package(tenant, call),
        Belonging::ListBlueprints => blueprints::list_blueprints(tenant, call),
        Belonging::RemovePassword(id) => blueprints::remove_password(tenant, call, id),
        Belonging::UpdateBlueprint(id) => blueprints::update_blueprint(tenant, call, id),
        Belonging::UpdatePrincipal(id) => principals::update_principal(tenant, call, (caller, id)),
        Belonging::ListDeleted => blueprints::list_deleted(tenant, call),
        Belonging::Restore(id) => {
            call.without_body()?;
            blueprints::restore(tenant, id)
        }
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
        (Shelf::DirectoryRoles, None) if role_asked(call).is_some() => {
            return holders(tenant, role_asked(call));
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
        let message = "Permission being assigned already exists on the object";
        return Err(if shelf == Shelf::Grants {
            let code = "Request_MultipleObjectsWithSameKeyValue";
            Refusal::new(http::StatusCode::CONFLICT, code, message)
        } else {
            Refusal::bad_request(message)
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

pub(in crate::sim) fn check_members(
    body: &Map<String, Value>,
    wanted: &[&str],
) -> Result<(), Refusal> {
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
    if held.is_none_or(|item| owner.is_some_and(|owner| owner != item.owner)) {
        return Err(Refusal::no_resource(id));
    }
    tenant.take(shelf, id);
    Ok(Reply::NoContent)
}

fn request_package(tenant: &mut Tenant, call: &Call) -> Answered {
    let body = call.json()?;
    if let Some(name) = body
        .keys()
        .find(|name| !["requestType", "assignment"].contains(&name.as_str()))
    {
        return Err(Refusal::bad_request(format!(
            "The property '{name}' does not exist on a request."
        )));
    }
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

pub(in crate::sim) fn values(all: Vec<Value>) -> Reply {
    Reply::Json(json!({ "value": all }))
}

pub(in crate::sim) fn text<'b>(
    body: &'b Map<String, Value>,
    name: &str,
) -> Result<&'b str, Refusal> {
    body.get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| Refusal::bad_request(format!("'{name}' must be a text.")))
}

/// The principal of the blueprint whose application has this **object id**.
pub(in crate::sim) fn application(tenant: &Tenant, id: &str) -> Result<Uuid, Refusal> {
    let wanted = guid(id);
    let mut all = tenant.blueprints.values();
    all.find(|it| Some(it.ids.application) == wanted && it.owner_tenant == tenant.id)
        .map(|it| it.ids.principal)
        .ok_or_else(|| Refusal::no_resource(id))
}

pub(in crate::sim) fn service_principal(tenant: &Tenant, id: &str) -> Result<Uuid, Refusal> {
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
