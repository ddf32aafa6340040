//! Roles, as evidence keeps them.

use serde::{Deserialize, Serialize};

use crate::domain::entity::ObjectId;

/// A directory role an entity holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleHeld {
    /// What people call it, where its definition could be read; else the definition's id.
    pub role: String,
    /// Over what: `/` for the whole directory.
    pub scope: String,
}

/// An Azure role an entity holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AzureRole {
    /// The last part of the definition's resource id, a GUID.
    pub definition: String,
    /// Resource id of what it is held over.
    pub scope: String,
}

/// Who holds a directory role for good. Eligible holders and members of groups are not among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleHolder {
    /// What people call the role.
    pub role: String,
    /// Object id of a user, a group or a service principal.
    pub holder: ObjectId,
}
