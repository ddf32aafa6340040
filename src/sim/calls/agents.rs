//! Service principals: agents and blueprint principals by their casts, and what leads to them.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::sim::calls::call::{Call, guid};
use crate::sim::calls::odata::{Listing, View};
use crate::sim::calls::operation::{Cast, Key};
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::show::Declared;
use crate::sim::calls::tokens::Caller;
use crate::sim::calls::{Answered, Reply};
use crate::sim::changes::Switch;
use crate::sim::state::State;
use crate::sim::tenant::Kind;

const ATTRIBUTES: &[&[&str]] = &[
    &["CustomSecAttributeAssignment.Read.All"],
    &["CustomSecAttributeAssignment.ReadWrite.All"],
];
/// Most ids in one `getByIds`.
const IDS_LIMIT: usize = 1000;

impl Cast {
    fn declared(self) -> Declared {
        match self {
            Self::Agent => Declared::Agent,
            Self::BlueprintPrincipal => Declared::BlueprintPrincipal,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Agent => Kind::Agent,
            Self::BlueprintPrincipal => Kind::BlueprintPrincipal,
        }
    }
}

pub(in crate::sim) fn read(state: &mut State, call: &Call, (cast, id): (Cast, &str)) -> Answered {
    let view = View::of_one(call, cast.declared())?;
    let id = found(state, (cast, id))?;
    one(state, call, (&view, id))
}

pub(in crate::sim) fn switch(state: &mut State, call: &Call, (cast, id): (Cast, &str)) -> Answered {
    let id = found(state, (cast, id))?;
    let to = switch_in(&call.json()?, cast.declared())?;
    state.tenant.switch(id, to);
    Ok(Reply::NoContent)
}

pub(in crate::sim) fn list(
    state: &mut State,
    call: &Call,
    (caller, cast): (&Caller, Cast),
) -> Answered {
    let listing = Listing::of(call, cast.declared())?;
    attributes_may_be_read(&listing.view, caller)?;
    let ids: Vec<Uuid> = match cast {
        Cast::Agent => after(state.tenant.agents.keys(), listing.after),
        Cast::BlueprintPrincipal => after(state.tenant.blueprints.keys(), listing.after),
    };
    Ok(Reply::Json(page(state, call, (&listing, &ids))))
}

/// Custom security attributes are shown only to whoever may read them.
pub(in crate::sim) fn attributes_may_be_read(view: &View, caller: &Caller) -> Result<(), Refusal> {
    if view.chooses("customSecurityAttributes") && !caller.may(ATTRIBUTES) {
        return Err(Refusal::not_permitted());
    }
    Ok(())
}

/// Any service principal, by its object id or, only where the path says so, by its app id.
pub(in crate::sim) fn read_principal(
    state: &mut State,
    call: &Call,
    (caller, key): (&Caller, Key<'_>),
) -> Answered {
    let view = View::of_one(call, Declared::ServicePrincipal)?;
    attributes_may_be_read(&view, caller)?;
    let (text, id) = match key {
        Key::ObjectId(text) => (text, guid(text)),
        Key::AppId(text) => (text, guid(text).and_then(|app| by_app_id(state, app))),
    };
    let id = id.filter(|id| match state.tenant.kind(*id) {
        Some(Kind::AgentUser | Kind::User) | None => false,
        Some(
            Kind::Agent | Kind::BlueprintPrincipal | Kind::ServicePrincipal | Kind::ManagedIdentity,
        ) => true,
    });
    match id {
        Some(id) => one(state, call, (&view, id)),
        None => Err(Refusal::no_resource(text)),
    }
}

/// Up to a thousand directory objects; unknown ids are silently missing.
pub(in crate::sim) fn get_by_ids(state: &mut State, call: &Call) -> Answered {
    let view = View::of_one(call, Declared::DirectoryObject)?;
    let body = call.json()?;
    if let Some(name) = body
        .keys()
        .find(|name| !["ids", "types"].contains(&name.as_str()))
    {
        return Err(unknown_property(name, Declared::DirectoryObject));
    }
    let ids = texts(&body, "ids")?
        .filter(|ids| ids.len() <= IDS_LIMIT)
        .ok_or_else(|| Refusal::bad_request("'ids' must hold up to 1000 ids."))?;
    let types = texts(&body, "types")?;
    let mut value = Vec::new();
    for id in ids.iter().filter_map(|text| guid(text)) {
        let wanted = match (&types, state.tenant.kind(id)) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(types), Some(kind)) => types.iter().any(|it| it == family(kind)),
        };
        if let Some(whole) = state.seen(id, call.at).filter(|_| wanted) {
            value.push(Value::Object(view.cut(whole)));
        }
    }
    Ok(Reply::Json(
        json!({"@odata.context": view.context(call), "value": value}),
    ))
}

/// The one property a switch may carry, and nothing else.
pub(in crate::sim) fn switch_in(
    body: &Map<String, Value>,
    declared: Declared,
) -> Result<Switch, Refusal> {
    for (name, value) in body {
        let is_type = name == "@odata.type"
            && value.as_str().is_some_and(|it| {
                it.trim_start_matches('#') == declared.type_name().trim_start_matches('#')
            });
        if name != "accountEnabled" && !is_type {
            return Err(unknown_property(name, declared));
        }
    }
    match body.get("accountEnabled") {
        Some(Value::Bool(enabled)) => Ok(Switch::from(*enabled)),
        _ => Err(Refusal::bad_request(
            "'accountEnabled' must be true or false.",
        )),
    }
}

/// One entity with its context, as a single read answers.
pub(in crate::sim) fn one(state: &mut State, call: &Call, (view, id): (&View, Uuid)) -> Answered {
    let whole = state
        .seen(id, call.at)
        .ok_or_else(|| Refusal::no_resource(&id.to_string()))?;
    let mut body = Map::new();
    body.insert(
        "@odata.context".to_owned(),
        format!("{}/$entity", view.context(call)).into(),
    );
    body.extend(view.cut(whole));
    Ok(Reply::Json(Value::Object(body)))
}

/// The page of `ids` that a listing asks for. `ids` are those after its place.
pub(in crate::sim) fn page(
    state: &mut State,
    call: &Call,
    (listing, ids): (&Listing, &[Uuid]),
) -> Value {
    let mut items = Vec::new();
    let mut last = None;
    for id in ids {
        if !state
            .tenant
            .whole(*id)
            .is_some_and(|whole| listing.wants(&whole))
        {
            continue;
        }
        if items.len() == listing.top {
            return listing.page(call, items, last);
        }
        if let Some(whole) = state.seen(*id, call.at) {
            items.push(Value::Object(listing.view.cut(whole)));
            last = Some(*id);
        }
    }
    listing.page(call, items, None)
}

/// The keys behind a place in a list.
pub(in crate::sim) fn after<'a>(
    keys: impl Iterator<Item = &'a Uuid>,
    place: Option<Uuid>,
) -> Vec<Uuid> {
    keys.filter(|id| place.is_none_or(|place| **id > place))
        .copied()
        .collect()
}

pub(in crate::sim) fn found(state: &State, (cast, text): (Cast, &str)) -> Result<Uuid, Refusal> {
    guid(text)
        .filter(|id| state.tenant.kind(*id) == Some(cast.kind()))
        .ok_or_else(|| Refusal::no_resource(text))
}

fn by_app_id(state: &State, app: Uuid) -> Option<Uuid> {
    let tenant = &state.tenant;
    if tenant.agents.contains_key(&app) {
        return Some(app);
    }
    let blueprint = tenant.blueprint_of_app(app).map(|it| it.ids.principal);
    blueprint.or_else(|| {
        tenant
            .principals
            .values()
            .find(|it| it.app_id == app)
            .map(|it| it.id)
    })
}

fn family(kind: Kind) -> &'static str {
    match kind {
        Kind::AgentUser | Kind::User => "user",
        Kind::Agent | Kind::BlueprintPrincipal | Kind::ServicePrincipal | Kind::ManagedIdentity => {
            "servicePrincipal"
        }
    }
}

/// A list of texts, `None` where it is absent.
pub(in crate::sim) fn texts(
    body: &Map<String, Value>,
    name: &str,
) -> Result<Option<Vec<String>>, Refusal> {
    let Some(value) = body.get(name) else {
        return Ok(None);
    };
    let texts: Option<Vec<String>> = value.as_array().and_then(|all| {
        all.iter()
            .map(|it| it.as_str().map(str::to_owned))
            .collect()
    });
    texts
        .map(Some)
        .ok_or_else(|| Refusal::bad_request(format!("'{name}' must be a list of ids.")))
}

fn unknown_property(name: &str, declared: Declared) -> Refusal {
    Refusal::bad_request(format!(
        "The property '{name}' does not exist on type '{}' or cannot be set here.",
        declared.type_name().trim_start_matches('#')
    ))
}
