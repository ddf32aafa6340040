//! Foundry's data plane, as far as it stops agents: `{project}/agents/{name}:disable`, `:enable`.

use serde_json::json;

use crate::sim::belongings::{Item, Shelf};
use crate::sim::calls::call::Call;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::{Answered, Reply, tokens};
use crate::sim::state::State;

const RESOURCE: &str = "https://ai.azure.com";

/// A token for Graph is refused here. Both calls may be repeated.
pub(in crate::sim) fn switch(
    state: &mut State,
    call: &Call,
    (project, verb): (&str, &str),
) -> Answered {
    let caller = tokens::caller_of(state, call, |audience| audience == RESOURCE)?;
    if call.parameter("api-version").is_none_or(str::is_empty) {
        return Err(Refusal::bad_request("The api-version is missing."));
    }
    call.without_body()?;
    let (name, enabled) = match verb.rsplit_once(':') {
        Some((name, "disable")) => (name, false),
        Some((name, "enable")) => (name, true),
        _ => return Err(Refusal::no_path(&call.path)),
    };
    let key = format!("{project}/{name}");
    let Some(item) = state.tenant.item(Shelf::Foundry, &key) else {
        return Err(Refusal::no_resource(&key));
    };
    let owner = item.owner;
    state.author = format!("app {}", caller.app);
    let body = json!({ "enabled": enabled });
    state.tenant.put(Shelf::Foundry, &key, Item { owner, body });
    Ok(Reply::NoContent)
}
