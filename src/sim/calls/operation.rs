//! The table of what is modelled: path and method, limit family.

use http::{Method, StatusCode};

use crate::sim::calls::belonging::Belonging;
use crate::sim::calls::call::Call;
use crate::sim::calls::detections::Sort;
use crate::sim::calls::refusal::Refusal;
use crate::sim::limits::Family;

/// A cast in a service principal path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Cast {
    Agent,
    BlueprintPrincipal,
}

/// How a service principal is named in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Key<'a> {
    ObjectId(&'a str),
    AppId(&'a str),
}

/// Which users a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Users {
    All,
    OfAgents,
}

/// A person's word about risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Verdict {
    Compromised,
    Safe,
    Dismissed,
}

/// One modelled call to Graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Operation<'a> {
    ReadCast(Cast, &'a str),
    SwitchCast(Cast, &'a str),
    ListCast(Cast),
    Sponsors(Cast, &'a str),
    Owners(&'a str),
    ListPrincipals,
    ListBlueprintApplications,
    ListInstances,
    ReadPrincipal(Key<'a>),
    ReadUser(&'a str),
    Manager(&'a str),
    ListUsers(Users),
    SwitchUser(&'a str),
    RevokeSessions(&'a str),
    ReadRisk(&'a str),
    ListRisk,
    ListDetections(Sort),
    Judge(Verdict),
    GetByIds,
    Belonging(Belonging<'a>),
    ReadIncident(&'a str),
    CommentIncident(&'a str),
    ChangeIncident(&'a str),
    ListPolicies,
    ReadSecurityDefaults,
    ListLicences,
    ListSignIns,
    ListChanges,
    ListRoleDefinitions,
    ReadAlert(&'a str),
}

const AGENT: &str = "microsoft.graph.agentIdentity";
const BLUEPRINT: &str = "microsoft.graph.agentIdentityBlueprintPrincipal";

impl<'a> Operation<'a> {
    /// Finds the operation of a call whose segments are `segments`, the version first.
    pub(in crate::sim) fn of(call: &Call, segments: &[&'a str]) -> Result<Self, Refusal> {
        let read = call.method == Method::GET;
        let (version, rest) = match segments {
            ["v1.0", rest @ ..] => ("v1.0", rest),
            ["beta", rest @ ..] => ("beta", rest),
            _ => return Err(Refusal::no_path(&call.path)),
        };
        if let (
            "v1.0",
            [
                "identityProtection",
                segment @ ("riskyAgents" | "agentRiskDetections"),
                ..,
            ],
        ) = (version, rest)
        {
            let message = format!("Resource not found for the segment '{segment}'.");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "BadRequest", message));
        }
        let found = if read {
            Self::whole_list(call, version, rest).or_else(|| Self::reading(rest))
        } else {
            Self::writing(&call.method, rest)
        };
        let held = || Belonging::of(&call.method, version, rest).map(Self::Belonging);
        found
            .or_else(held)
            .ok_or_else(|| Refusal::no_path(&call.path))
    }

    /// Lists without a filter, which only an inventory asks for; the filtered ones are belongings.
    fn whole_list(call: &Call, version: &str, rest: &[&'a str]) -> Option<Self> {
        if call.parameter("$filter").is_some() {
            return None;
        }
        match (version, rest) {
            ("beta", ["agentRegistry", "agentInstances"]) => Some(Self::ListInstances),
            (_, ["applications", "microsoft.graph.agentIdentityBlueprint"]) => {
                Some(Self::ListBlueprintApplications)
            }
            _ => None,
        }
    }

    fn reading(rest: &[&'a str]) -> Option<Self> {
        match rest {
            ["servicePrincipals"] => Some(Self::ListPrincipals),
            ["servicePrincipals", id, "owners"] => Some(Self::Owners(id)),
            ["servicePrincipals", AGENT] => Some(Self::ListCast(Cast::Agent)),
            ["servicePrincipals", BLUEPRINT] => Some(Self::ListCast(Cast::BlueprintPrincipal)),
            ["servicePrincipals", id] => Some(Self::ReadPrincipal(Key::ObjectId(id))),
            ["servicePrincipals", id, AGENT] => Some(Self::ReadCast(Cast::Agent, id)),
            ["servicePrincipals", id, BLUEPRINT] => {
                Some(Self::ReadCast(Cast::BlueprintPrincipal, id))
            }
            ["servicePrincipals", id, AGENT, "sponsors"] => Some(Self::Sponsors(Cast::Agent, id)),
            ["servicePrincipals", id, BLUEPRINT, "sponsors"] => {
                Some(Self::Sponsors(Cast::BlueprintPrincipal, id))
            }
            ["users"] => Some(Self::ListUsers(Users::All)),
            ["users", "microsoft.graph.agentUser"] => Some(Self::ListUsers(Users::OfAgents)),
            ["users", id] => Some(Self::ReadUser(id)),
            ["users", id, "manager"] => Some(Self::Manager(id)),
            ["identityProtection", "riskyAgents"] => Some(Self::ListRisk),
            ["identityProtection", "riskyAgents", id] => Some(Self::ReadRisk(id)),
            ["identityProtection", list] => Sort::of(list).map(Self::ListDetections),
            ["identity", "conditionalAccess", "policies"] => Some(Self::ListPolicies),
            ["policies", "identitySecurityDefaultsEnforcementPolicy"] => {
                Some(Self::ReadSecurityDefaults)
            }
            ["security", "incidents", number] => Some(Self::ReadIncident(number)),
            ["subscribedSkus"] => Some(Self::ListLicences),
            ["auditLogs", "signIns"] => Some(Self::ListSignIns),
            ["auditLogs", "directoryAudits"] => Some(Self::ListChanges),
            ["roleManagement", "directory", "roleDefinitions"] => Some(Self::ListRoleDefinitions),
            ["security", "alerts_v2", id] => Some(Self::ReadAlert(id)),
            [one] => {
                let app = one
                    .strip_prefix("servicePrincipals(appId='")?
                    .strip_suffix("')")?;
                Some(Self::ReadPrincipal(Key::AppId(app)))
            }
            _ => None,
        }
    }

    fn writing(method: &Method, rest: &[&'a str]) -> Option<Self> {
        match (method.as_str(), rest) {
            ("PATCH", ["servicePrincipals", id, AGENT]) => Some(Self::SwitchCast(Cast::Agent, id)),
            ("PATCH", ["servicePrincipals", id, BLUEPRINT]) => {
                Some(Self::SwitchCast(Cast::BlueprintPrincipal, id))
            }
            ("PATCH", ["users", id]) => Some(Self::SwitchUser(id)),
            ("POST", ["security", "incidents", number, "comments"]) => {
                Some(Self::CommentIncident(number))
            }
            ("PATCH", ["security", "incidents", number]) => Some(Self::ChangeIncident(number)),
            ("POST", ["users", id, "revokeSignInSessions"]) => Some(Self::RevokeSessions(id)),
            ("POST", ["directoryObjects", "getByIds"]) => Some(Self::GetByIds),
            ("POST", ["identityProtection", "riskyAgents", verdict]) => match *verdict {
                "confirmCompromised" => Some(Self::Judge(Verdict::Compromised)),
                "confirmSafe" => Some(Self::Judge(Verdict::Safe)),
                "dismiss" => Some(Self::Judge(Verdict::Dismissed)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Does it belong to ID Protection or the sign-in log, which want a licence of their own?
    pub(in crate::sim) fn wants_licence(&self) -> bool {
        matches!(
            self,
            Self::ReadRisk(_)
                | Self::ListRisk
                | Self::ListDetections(_)
                | Self::Judge(_)
                | Self::ListSignIns
        )
    }

    /// Which published limit the call counts against, and how much it costs there.
    pub(in crate::sim) fn cost(&self, call: &Call) -> (Family, u32) {
        let chosen = u32::from(call.parameter("$select").is_some());
        match self {
            Self::SwitchCast(..) | Self::SwitchUser(_) | Self::RevokeSessions(_) => {
                (Family::DirectoryWrites, 1)
            }
            Self::ReadRisk(_)
            | Self::ListRisk
            | Self::ListDetections(_)
            | Self::Judge(_)
            | Self::ListPolicies => (Family::IdentityProtection, 1),
            Self::ReadIncident(_) | Self::CommentIncident(_) | Self::ChangeIncident(_) => {
                (Family::DirectoryReads, 0)
            }
            Self::ListSignIns | Self::ListChanges => (Family::Reports, 1),
            Self::ReadAlert(_) => (Family::Security, 1),
            Self::ReadUser(_) | Self::Manager(_) | Self::ListUsers(_) => {
                (Family::DirectoryReads, 2 - chosen)
            }
            Self::Belonging(it) => it.cost(call),
            Self::GetByIds => (Family::DirectoryReads, if chosen == 1 { 2 } else { 5 }),
            Self::ListBlueprintApplications => (Family::DirectoryReads, 2 - chosen),
            Self::ReadCast(..)
            | Self::ListCast(_)
            | Self::Sponsors(..)
            | Self::Owners(_)
            | Self::ListPrincipals
            | Self::ListInstances
            | Self::ListLicences
            | Self::ListRoleDefinitions
            | Self::ReadSecurityDefaults
            | Self::ReadPrincipal(_) => (Family::DirectoryReads, 1),
        }
    }
}
