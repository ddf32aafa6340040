//! Alerts of the security API: what the tenant was given, by id.

use crate::sim::calls::call::Call;
use crate::sim::calls::odata::only;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::{Answered, Reply};
use crate::sim::state::State;

/// `GET /security/alerts_v2/{id}`.
pub(in crate::sim) fn read(state: &State, call: &Call, id: &str) -> Answered {
    only(call, &[])?;
    let found = state.tenant.alerts.get(id);
    found
        .map(|alert| Reply::Json(alert.clone()))
        .ok_or_else(|| Refusal::no_resource(id))
}
