//! Lists that only an inventory asks for: all service principals, blueprint applications, people
//! behind an object, the agent registry.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::sim::belongings::Shelf;
use crate::sim::calls::agents::{attributes_may_be_read, found, page};
use crate::sim::calls::call::{Call, guid};
use crate::sim::calls::odata::{Listing, View};
use crate::sim::calls::operation::Cast;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::show::Declared;
use crate::sim::calls::tokens::Caller;
use crate::sim::calls::{Answered, Reply};
use crate::sim::state::State;
use crate::sim::tenant::{Kind, Tenant};

/// The users behind an agent or a blueprint, each with its own type.
pub(in crate::sim) fn sponsors(
    state: &mut State,
    call: &Call,
    (cast, id): (Cast, &str),
) -> Answered {
    let view = View::of_one(call, Declared::DirectoryObject)?;
    let id = found(state, (cast, id))?;
    let of_agent = state.tenant.agents.get(&id).map(|it| it.sponsors.clone());
    let of_blueprint = state.tenant.blueprint_sponsors.get(&id).cloned();
    let sponsors = of_agent.or(of_blueprint).unwrap_or_default();
    people(state, call, (&view, sponsors))
}

/// The owners of any service principal.
pub(in crate::sim) fn owners(state: &mut State, call: &Call, text: &str) -> Answered {
    let view = View::of_one(call, Declared::DirectoryObject)?;
    let id = guid(text).filter(|id| is_principal(&state.tenant, *id));
    let id = id.ok_or_else(|| Refusal::no_resource(text))?;
    let owners = state.tenant.owners.get(&id).cloned().unwrap_or_default();
    people(state, call, (&view, owners))
}

/// Every service principal, of whatever derived type.
pub(in crate::sim) fn principals(state: &mut State, call: &Call, caller: &Caller) -> Answered {
    let listing = Listing::of(call, Declared::ServicePrincipal)?;
    attributes_may_be_read(&listing.view, caller)?;
    let tenant = &state.tenant;
    let agents = tenant.agents.keys().chain(tenant.blueprints.keys());
    let mut ids: Vec<Uuid> = agents.chain(tenant.principals.keys()).copied().collect();
    ids.retain(|id| listing.after.is_none_or(|place| *id > place));
    ids.sort();
    Ok(Reply::Json(page(state, call, (&listing, &ids))))
}

/// The applications of the blueprints that lie in this tenant.
pub(in crate::sim) fn blueprint_applications(state: &mut State, call: &Call) -> Answered {
    let listing = Listing::of(call, Declared::BlueprintApplication)?;
    let ours = state.tenant.id;
    let own = state.tenant.blueprints.values();
    let mut shown: Vec<(Uuid, Map<String, Value>)> = own
        .filter(|it| it.owner_tenant == ours)
        .map(|it| {
            let whole = json!({
                "id": it.ids.application, "appId": it.ids.app, "displayName": it.display_name,
            });
            (it.ids.application, object(whole))
        })
        .collect();
    shown.sort_by_key(|(id, _)| *id);
    Ok(Reply::Json(paged(call, &listing, shown)))
}

/// The agent registry.
pub(in crate::sim) fn instances(state: &mut State, call: &Call) -> Answered {
    let listing = Listing::of(call, Declared::AgentInstance)?;
    let all = state.tenant.belongings.iter();
    let mut shown: Vec<(Uuid, Map<String, Value>)> = all
        .filter(|((shelf, _), _)| *shelf == Shelf::Instances)
        .filter_map(|((_, id), item)| Some((guid(id)?, object(item.body.clone()))))
        .collect();
    shown.sort_by_key(|(id, _)| *id);
    Ok(Reply::Json(paged(call, &listing, shown)))
}

fn people(state: &mut State, call: &Call, (view, ids): (&View, Vec<Uuid>)) -> Answered {
    let shown = ids.into_iter().filter_map(|it| state.seen(it, call.at));
    let value: Vec<Value> = shown.map(|it| Value::Object(view.cut(it))).collect();
    Ok(Reply::Json(
        json!({"@odata.context": view.context(call), "value": value}),
    ))
}

fn paged(call: &Call, listing: &Listing, all: Vec<(Uuid, Map<String, Value>)>) -> Value {
    let behind = |id: &Uuid| listing.after.is_none_or(|place| *id > place);
    let mut wanted = all
        .into_iter()
        .filter(|(id, whole)| behind(id) && listing.wants(whole))
        .peekable();
    let (mut items, mut last) = (Vec::new(), None);
    while let Some((id, whole)) = wanted.next_if(|_| items.len() < listing.top) {
        items.push(Value::Object(listing.view.cut(whole)));
        last = Some(id);
    }
    let more = wanted.peek().and(last);
    listing.page(call, items, more)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

fn is_principal(tenant: &Tenant, id: Uuid) -> bool {
    match tenant.kind(id) {
        Some(
            Kind::Agent | Kind::BlueprintPrincipal | Kind::ServicePrincipal | Kind::ManagedIdentity,
        ) => true,
        Some(Kind::AgentUser | Kind::User) | None => false,
    }
}
