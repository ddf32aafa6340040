//! Who holds a directory role.

use serde_json::{Value, json};

use crate::sim::belongings::Shelf;
use crate::sim::calls::call::Call;
use crate::sim::calls::{Answered, Reply};
use crate::sim::tenant::Tenant;

/// The role whose holders are asked for, where that is all that is asked.
pub(in crate::sim) fn role_asked(call: &Call) -> Option<&str> {
    let mut all = call.parameters();
    let (name, filter) = all.next()?;
    let role = filter.strip_prefix("roleDefinitionId eq '")?;
    let role = role.strip_suffix('\'').filter(|it| !it.contains('\''));
    role.filter(|_| name == "$filter" && all.next().is_none())
}

/// Every active assignment of a role.
pub(in crate::sim) fn holders(tenant: &Tenant, role: Option<&str>) -> Answered {
    let all = tenant.belongings.iter();
    let held = all.filter(|((shelf, _), item)| {
        *shelf == Shelf::DirectoryRoles && item.body["roleDefinitionId"] == json!(role)
    });
    let value: Vec<Value> = held.map(|(_, item)| item.body.clone()).collect();
    Ok(Reply::Json(json!({ "value": value })))
}
