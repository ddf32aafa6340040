//! The second table of what is modelled: what entities hold. Path and method, permissions.

use http::Method;

use crate::sim::belongings::Shelf;
use crate::sim::calls::call::Call;
use crate::sim::limits::Family;

/// One modelled call about what an entity holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Belonging<'a> {
    /// A list of one kind, filtered by its holder, which the path names for app roles.
    List(Shelf, Option<&'a str>),
    /// One more of a kind.
    Add(Shelf, Option<&'a str>),
    /// One less: holder where the path names it, and the thing's own id.
    Remove(Shelf, Option<&'a str>, &'a str),
    /// `assignmentRequests`.
    RequestPackage,
    /// Blueprints' applications with their credentials.
    ListBlueprints,
    RemovePassword(&'a str),
    UpdateBlueprint(&'a str),
    /// A plain `PATCH servicePrincipals/{id}`.
    UpdatePrincipal(&'a str),
    ListDeleted,
    Restore(&'a str),
}

/// The reserved collection.
pub(in crate::sim) const QUARANTINED: &str = "00000000-0000-0000-0000-000000000002";
const BLUEPRINT: &str = "microsoft.graph.agentIdentityBlueprint";

impl<'a> Belonging<'a> {
    pub(in crate::sim) fn of(method: &Method, version: &str, rest: &[&'a str]) -> Option<Self> {
        match version {
            "v1.0" => Self::stable(method.as_str(), rest),
            "beta" => Self::beta(method.as_str(), rest),
            _ => None,
        }
    }

    fn stable(method: &str, rest: &[&'a str]) -> Option<Self> {
        Some(match (method, rest) {
            ("GET", ["oauth2PermissionGrants"]) => Self::List(Shelf::Grants, None),
            ("POST", ["oauth2PermissionGrants"]) => Self::Add(Shelf::Grants, None),
            ("DELETE", ["oauth2PermissionGrants", id]) => Self::Remove(Shelf::Grants, None, id),
            ("GET", ["servicePrincipals", id, "appRoleAssignments"]) => {
                Self::List(Shelf::AppRoles, Some(id))
            }
            ("POST", ["servicePrincipals", id, "appRoleAssignments"]) => {
                Self::Add(Shelf::AppRoles, Some(id))
            }
            ("DELETE", ["servicePrincipals", of, "appRoleAssignments", id]) => {
                Self::Remove(Shelf::AppRoles, Some(of), id)
            }
            ("PATCH", ["servicePrincipals", id]) => Self::UpdatePrincipal(id),
            (_, ["roleManagement", "directory", "roleAssignments", rest @ ..]) => {
                match (method, rest) {
                    ("GET", []) => Self::List(Shelf::DirectoryRoles, None),
                    ("POST", []) => Self::Add(Shelf::DirectoryRoles, None),
                    ("DELETE", [id]) => Self::Remove(Shelf::DirectoryRoles, None, id),
                    _ => return None,
                }
            }
            (_, ["identityGovernance", "entitlementManagement", what]) => match (method, *what) {
                ("GET", "assignments") => Self::List(Shelf::Packages, None),
                ("POST", "assignmentRequests") => Self::RequestPackage,
                _ => return None,
            },
            ("GET", ["applications", BLUEPRINT]) => Self::ListBlueprints,
            (_, ["applications", id, BLUEPRINT, rest @ ..]) => match (method, rest) {
                ("PATCH", []) => Self::UpdateBlueprint(id),
                ("POST", ["removePassword"]) => Self::RemovePassword(id),
                ("GET", ["federatedIdentityCredentials"]) => Self::List(Shelf::Trusts, Some(id)),
                ("DELETE", ["federatedIdentityCredentials", trust]) => {
                    Self::Remove(Shelf::Trusts, Some(id), trust)
                }
                _ => return None,
            },
            (
                "GET",
                [
                    "directory",
                    "deletedItems",
                    "microsoft.graph.servicePrincipal",
                ],
            ) => Self::ListDeleted,
            ("POST", ["directory", "deletedItems", id, "restore"]) => Self::Restore(id),
            _ => return None,
        })
    }

    fn beta(method: &str, rest: &[&'a str]) -> Option<Self> {
        match (method, rest) {
            ("GET", ["agentRegistry", "agentInstances"]) => {
                Some(Self::List(Shelf::Instances, None))
            }
            (
                _,
                [
                    "agentRegistry",
                    "agentCollections",
                    QUARANTINED,
                    "members",
                    rest @ ..,
                ],
            ) => match (method, rest) {
                ("GET", []) => Some(Self::List(Shelf::Quarantine, None)),
                ("POST", ["$ref"]) => Some(Self::Add(Shelf::Quarantine, None)),
                ("DELETE", [id, "$ref"]) => Some(Self::Remove(Shelf::Quarantine, None, id)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Application permissions: any line is enough, and a line counts when all of it is held.
    pub(in crate::sim) fn permissions(&self) -> &'static [&'static [&'static str]] {
        match self {
            Self::List(shelf, _) => reading(*shelf),
            Self::Add(shelf, _) | Self::Remove(shelf, ..) => writing(*shelf),
            Self::RequestPackage => &[&["EntitlementManagement.ReadWrite.All"]],
            Self::ListBlueprints => &[
                &["AgentIdentityBlueprint.Read.All"],
                &["AgentIdentityBlueprint.ReadWrite.All"],
            ],
            Self::RemovePassword(_) => &[&["AgentIdentityBlueprint.AddRemoveCreds.All"]],
            Self::UpdateBlueprint(_) => &[
                &["AgentIdentityBlueprint.AddRemoveCreds.All"],
                &["AgentIdentityBlueprint.ReadWrite.All"],
            ],
            // Which of them depends on what the body changes.
            Self::UpdatePrincipal(_) => &[
                &["Application.ReadWrite.All"],
                &["Directory.ReadWrite.All"],
                &[
                    "CustomSecAttributeAssignment.ReadWrite.All",
                    "Application.Read.All",
                ],
            ],
            Self::ListDeleted => &[&["Application.Read.All"], &["Directory.Read.All"]],
            Self::Restore(_) => &[&["AgentIdentityBlueprintPrincipal.DeleteRestore.All"]],
        }
    }

    pub(in crate::sim) fn cost(&self, call: &Call) -> (Family, u32) {
        match self {
            Self::List(Shelf::Grants | Shelf::AppRoles, _) => {
                let chosen = u32::from(call.parameter("$select").is_some());
                (Family::DirectoryReads, 2 - chosen)
            }
            Self::List(..) | Self::ListBlueprints | Self::ListDeleted => {
                (Family::DirectoryReads, 1)
            }
            Self::Add(..)
            | Self::Remove(..)
            | Self::RequestPackage
            | Self::RemovePassword(_)
            | Self::UpdateBlueprint(_)
            | Self::UpdatePrincipal(_)
            | Self::Restore(_) => (Family::DirectoryWrites, 1),
        }
    }
}

fn reading(shelf: Shelf) -> &'static [&'static [&'static str]] {
    match shelf {
        Shelf::Grants => &[
            &["Directory.Read.All"],
            &["DelegatedPermissionGrant.ReadWrite.All"],
            &["Directory.ReadWrite.All"],
        ],
        Shelf::AppRoles => &[
            &["Application.Read.All"],
            &["Application.ReadWrite.All"],
            &["Directory.Read.All"],
            &["Directory.ReadWrite.All"],
        ],
        Shelf::DirectoryRoles => &[
            &["RoleManagement.Read.Directory"],
            &["RoleManagement.ReadWrite.Directory"],
            &["Directory.Read.All"],
            &["Directory.ReadWrite.All"],
        ],
        Shelf::Packages => &[
            &["EntitlementManagement.Read.All"],
            &["EntitlementManagement.ReadWrite.All"],
        ],
        Shelf::Trusts => &[
            &["AgentIdentityBlueprint.Read.All"],
            &["AgentIdentityBlueprint.ReadWrite.All"],
        ],
        Shelf::Instances => &[
            &["AgentInstance.Read.All"],
            &["AgentInstance.ReadWrite.All"],
        ],
        Shelf::Quarantine => writing(shelf),
        // Shown with their owner, never listed.
        Shelf::Secrets | Shelf::Certificates | Shelf::Attributes | Shelf::Foundry => &[],
    }
}

fn writing(shelf: Shelf) -> &'static [&'static [&'static str]] {
    match shelf {
        Shelf::Grants => &[
            &["DelegatedPermissionGrant.ReadWrite.All"],
            &["Directory.ReadWrite.All"],
        ],
        Shelf::AppRoles => &[&["AppRoleAssignment.ReadWrite.All", "Application.Read.All"]],
        Shelf::DirectoryRoles => &[&["RoleManagement.ReadWrite.Directory"]],
        Shelf::Trusts => &[&["AgentIdentityBlueprint.AddRemoveCreds.All"]],
        Shelf::Quarantine => &[&["AgentCollection.ReadWrite.All", "AgentInstance.Read.All"]],
        Shelf::Packages
        | Shelf::Instances
        | Shelf::Secrets
        | Shelf::Certificates
        | Shelf::Attributes
        | Shelf::Foundry => &[],
    }
}
