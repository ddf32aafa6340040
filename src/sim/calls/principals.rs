//! A plain `PATCH servicePrincipals/{id}`: the switch, or custom security attributes.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::sim::belongings::{Item, Shelf};
use crate::sim::calls::call::Call;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::shelves::service_principal;
use crate::sim::calls::tokens::Caller;
use crate::sim::calls::{Answered, Reply};
use crate::sim::changes::Switch;
use crate::sim::tenant::Tenant;

const SWITCH: &[&[&str]] = &[&["Application.ReadWrite.All"], &["Directory.ReadWrite.All"]];
const ATTRIBUTES: &[&[&str]] = &[&[
    "CustomSecAttributeAssignment.ReadWrite.All",
    "Application.Read.All",
]];

/// Any kind of service principal is taken; which right is needed depends on what is changed.
pub(in crate::sim) fn update_principal(
    tenant: &mut Tenant,
    call: &Call,
    (caller, id): (&Caller, &str),
) -> Answered {
    let id = service_principal(tenant, id)?;
    let body = call.json()?;
    let (name, value) = match body.iter().collect::<Vec<_>>().as_slice() {
        [(name, value)] => (name.as_str(), *value),
        _ => return Err(Refusal::bad_request("One property at a time is modelled.")),
    };
    match (name, value) {
        ("accountEnabled", Value::Bool(enabled)) => {
            if !caller.may(SWITCH) {
                return Err(Refusal::not_permitted());
            }
            tenant.switch(id, Switch::from(*enabled));
        }
        ("customSecurityAttributes", Value::Object(sets)) => {
            if !caller.may(ATTRIBUTES) {
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
            if !(value.is_string() || value.is_null()) {
                let message = format!("The attribute '{set}.{name}' is a text.");
                return Err(Refusal::bad_request(message));
            }
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
