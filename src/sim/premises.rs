//! What a tenant has beside who lives in it: policies, licences, logs that are sent somewhere.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

/// What must be there for estop to be worth something. Plain JSON where estop only reads it.
#[derive(Clone, Debug)]
pub struct Premises {
    /// Conditional Access policies as Graph's beta shows them, beside the one of
    /// [`super::RiskPolicy`].
    pub policies: Vec<Value>,
    /// Are security defaults on? Then no Conditional Access policy applies.
    pub security_defaults: bool,
    /// Names of the service plans the tenant pays for, such as `AAD_PREMIUM_P2`. Without that one
    /// ID Protection answers 403.
    pub plans: Vec<String>,
    /// Tenant-wide diagnostic settings as Azure Resource Manager shows them.
    pub diagnostics: Vec<Value>,
    /// Role assignments of the one subscription as Azure Resource Manager shows them; `None` where
    /// we may not read them.
    pub azure_roles: Option<Vec<Value>>,
    /// Directory roles by the id of their definition.
    pub role_definitions: BTreeMap<Uuid, String>,
}

/// Directory roles that every tenant has.
const ROLES: [&str; 4] = [
    "Agent ID Administrator",
    "Cloud Application Administrator",
    "Global Administrator",
    "Global Reader",
];

impl Premises {
    /// The service plan that ID Protection wants.
    pub const P2: &'static str = "AAD_PREMIUM_P2";

    /// The id of a directory role's definition.
    pub fn role(name: &str) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
    }

    /// Does ID Protection answer?
    pub(super) fn protects(&self) -> bool {
        self.plans.iter().any(|plan| plan == Self::P2)
    }
}

impl Default for Premises {
    fn default() -> Self {
        Self {
            policies: Vec::new(),
            security_defaults: false,
            plans: vec![Self::P2.to_owned()],
            diagnostics: Vec::new(),
            azure_roles: None,
            role_definitions: ROLES
                .iter()
                .map(|name| (Self::role(name), (*name).to_owned()))
                .collect(),
        }
    }
}
