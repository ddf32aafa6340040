//! Users: agents' users and people.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::sim::calls::agents::{after, one, page, switch_in};
use crate::sim::calls::call::{Call, guid};
use crate::sim::calls::odata::{Listing, View};
use crate::sim::calls::operation::Users;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::show::Declared;
use crate::sim::calls::tokens::Caller;
use crate::sim::calls::{Answered, Reply};
use crate::sim::state::State;
use crate::sim::tenant::{Kind, User};

pub(in crate::sim) fn read(state: &mut State, call: &Call, text: &str) -> Answered {
    let view = View::of_one(call, Declared::User)?;
    let id = found(state, text)?;
    one(state, call, (&view, id))
}

/// Whom a user reports to; 404 when nobody.
pub(in crate::sim) fn manager(state: &mut State, call: &Call, text: &str) -> Answered {
    let view = View::of_one(call, Declared::DirectoryObject)?;
    let id = found(state, text)?;
    let manager = state.tenant.managers.get(&id).copied();
    let manager = manager.ok_or_else(|| Refusal::no_resource("manager"))?;
    one(state, call, (&view, manager))
}

pub(in crate::sim) fn list(state: &mut State, call: &Call, which: Users) -> Answered {
    let declared = match which {
        Users::All => Declared::User,
        Users::OfAgents => Declared::AgentUser,
    };
    let listing = Listing::of(call, declared)?;
    let users = state.tenant.users.values();
    let of_kind = users.filter(|it| which == Users::All || it.identity_parent_id.is_some());
    let ids = after(of_kind.map(|it| &it.id), listing.after);
    Ok(Reply::Json(page(state, call, (&listing, &ids))))
}

/// Disables or enables. An agent's user wants its type in the body; a person wants more rights
/// than those for agents' users.
pub(in crate::sim) fn switch(
    state: &mut State,
    call: &Call,
    (caller, text): (&Caller, &str),
) -> Answered {
    let id = found(state, text)?;
    let body = call.json()?;
    let declared = if is_of_agent(state, id) {
        Declared::AgentUser
    } else {
        Declared::User
    };
    let typed = body.contains_key("@odata.type");
    if declared == Declared::AgentUser && !typed {
        return Err(Refusal::bad_request(
            "An agent user is updated with '@odata.type': '#microsoft.graph.agentUser'.",
        ));
    }
    if declared == Declared::User && !caller.may(PEOPLE) {
        return Err(Refusal::not_permitted());
    }
    let to = switch_in(&body, declared)?;
    state.tenant.switch(id, to);
    Ok(Reply::NoContent)
}

/// 200 with `value: true`; the rights for agents' users do not reach people.
pub(in crate::sim) fn revoke_sessions(
    state: &mut State,
    call: &Call,
    (caller, text): (&Caller, &str),
) -> Answered {
    let id = found(state, text)?;
    if !is_of_agent(state, id) && !caller.may(SESSIONS_OF_PEOPLE) {
        return Err(Refusal::not_permitted());
    }
    call.without_body()?;
    state.tenant.revoke_sessions(id);
    let context = format!("{}/v1.0/$metadata#Edm.Boolean", call.base);
    Ok(Reply::Json(
        json!({"@odata.context": context, "value": Value::Bool(true)}),
    ))
}

pub(in crate::sim) const MAY_READ_MANAGERS: &[&[&str]] = &[
    &["User.Read.All"],
    &["Directory.Read.All"],
    &["Directory.ReadWrite.All"],
];
const PEOPLE: &[&[&str]] = &[&["User.EnableDisableAccount.All", "User.Read.All"]];
const SESSIONS_OF_PEOPLE: &[&[&str]] = &[
    &["User.RevokeSessions.All"],
    &["User.ReadWrite.All"],
    &["Directory.ReadWrite.All"],
];

fn is_of_agent(state: &State, id: Uuid) -> bool {
    state.tenant.kind(id) == Some(Kind::AgentUser)
}

/// By object id or by sign-in name.
fn found(state: &State, text: &str) -> Result<Uuid, Refusal> {
    let users = &state.tenant.users;
    guid(text)
        .filter(|id| users.contains_key(id))
        .or_else(|| {
            let named = |it: &&User| it.user_principal_name == text;
            users.values().find(named).map(|it| it.id)
        })
        .ok_or_else(|| Refusal::no_resource(text))
}
