//! The tenant's sign-in log. Directory changes are not here: they are what the journal has.

use serde_json::Value;
use uuid::Uuid;

use crate::domain::moment::Moment;
use crate::sim::tenant::Tenant;

/// Most lines kept; the oldest go first.
const LINES_MAX: usize = 10_000;

/// One attempt to sign in.
#[derive(Clone, Debug, PartialEq)]
pub struct SignInLine {
    /// When.
    pub at: Moment,
    /// `servicePrincipal`, `nonInteractiveUser` or `interactiveUser`.
    pub event: String,
    /// App id of who asked.
    pub app: Uuid,
    /// Object id of the service principal, where one signed in.
    pub principal: Option<Uuid>,
    /// Object id of the user, where there is one.
    pub user: Option<Uuid>,
    /// Object id of the resource's service principal.
    pub resource: Uuid,
    /// 0, or an AADSTS code.
    pub error_code: u32,
    /// The beta property `agent`, in whatever shape.
    pub agent: Value,
}

impl Tenant {
    /// Writes a line into the sign-in log.
    pub fn log_sign_in(&mut self, line: SignInLine) {
        if self.sign_ins.len() == LINES_MAX {
            self.sign_ins.remove(0);
        }
        self.sign_ins.push(line);
    }
}
