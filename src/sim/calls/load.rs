//! What a call counts against, and what its answer says about that.

use crate::sim::calls::call::Call;
use crate::sim::calls::operation::Operation;
use crate::sim::calls::refusal::Refusal;
use crate::sim::limits::Family;
use crate::sim::state::State;
use crate::transport::Answer;

/// From which share of a limit on Graph names it.
const NAMED_FROM: f64 = 0.8;

/// What is said about the load of the call being answered.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sim) struct Load {
    units: Option<u32>,
    share: f64,
}

/// Counts a call against every limit it falls under; a write costs a resource unit too.
pub(in crate::sim) fn count(
    state: &mut State,
    call: &Call,
    operation: Operation<'_>,
) -> Result<(), Refusal> {
    let (family, cost) = operation.cost(call);
    let units = match family {
        Family::DirectoryReads => Some(cost),
        Family::DirectoryWrites => Some(1),
        Family::IdentityProtection | Family::Reports | Family::Security => None,
    };
    state.load = Load { units, share: 0.0 };
    if family == Family::DirectoryWrites {
        spend(state, call, (Family::DirectoryReads, 1))?;
    }
    spend(state, call, (family, cost))
}

fn spend(state: &mut State, call: &Call, cost: (Family, u32)) -> Result<(), Refusal> {
    let limits = state.limits;
    let spent = state.meters.spend(&limits, cost, call.at);
    let share = state.meters.share(&limits, cost.0);
    state.load.share = state.load.share.max(share);
    let Err(wait) = spent else {
        return Ok(());
    };
    let (scope, why) = match cost.0 {
        Family::IdentityProtection => return Err(Refusal::throttled()),
        Family::DirectoryReads => ("Read", "ResourceUnitLimitExceeded"),
        Family::DirectoryWrites => ("Write", "WriteLimitExceeded"),
        Family::Reports | Family::Security => ("Read", "CPULimitExceeded"),
    };
    let tenant = &state.tenant;
    let scope = format!(
        "Tenant_Application/{scope}/{}/{}",
        tenant.client.app, tenant.id
    );
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    Err(Refusal::throttled()
        .with("retry-after", seconds.to_string())
        .with("x-ms-throttle-scope", scope)
        .with("x-ms-throttle-information", why.to_owned()))
}

impl Load {
    /// The answer with what is said about its load.
    pub(in crate::sim) fn on(self, mut answer: Answer) -> Answer {
        let headers = answer.headers_mut();
        if let Some(units) = self.units {
            headers.insert("x-ms-resource-unit", units.into());
        }
        if self.share >= NAMED_FROM {
            let share = format!("{:.2}", self.share.min(1.8));
            if let Ok(share) = share.parse() {
                headers.insert("x-ms-throttle-limit-percentage", share);
            }
        }
        answer
    }
}
