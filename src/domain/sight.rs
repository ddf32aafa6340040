//! What estop looks at beside what it does, and the rights for it. Nothing that stops anybody waits
//! for any of them; what may not be read is said to be unknown.

use std::fmt;

use super::role::ServiceRole;

/// A part of estop that only looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sight {
    /// What an entity held and did.
    Evidence,
    /// Whether what is held stays as it was left.
    Drift,
    /// What the tenant holds.
    Inventory,
    /// Custom security attributes beside the tags.
    Attributes,
    /// Detections that nobody sent.
    Pull,
    /// The alert behind an incident that came without ids.
    Triage,
    /// Whether whom we spare is there.
    Protection,
    /// Playbooks that the clock calls.
    Schedules,
    /// Whether everything is there that a containment needs.
    Doctor,
    /// Who is told about an agent.
    Notices,
}

impl Sight {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Drift => "drift",
            Self::Inventory => "inventory",
            Self::Attributes => "attributes",
            Self::Pull => "pull",
            Self::Triage => "triage",
            Self::Protection => "protection",
            Self::Schedules => "schedules",
            Self::Doctor => "doctor",
            Self::Notices => "notices",
        }
    }

    /// Does a part of a service with this role look at it? Nearly all that is looked at is looked
    /// at by what acts on it.
    pub const fn is_of(self, role: ServiceRole) -> bool {
        match role {
            ServiceRole::All | ServiceRole::Worker => true,
            ServiceRole::Console => matches!(self, Self::Protection),
            ServiceRole::Ingest => false,
        }
    }
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A Graph permission that only looking needs, and what each sight sees with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Optional {
    /// Its value, such as `AuditLog.Read.All`.
    pub name: &'static str,
    /// Who looks, and at what.
    pub uses: &'static [(Sight, &'static str)],
}

/// Every permission that is not needed to stop anybody, by name. None of them writes (Microsoft
/// Graph permissions file, 2026-08-07).
pub const OPTIONAL: [Optional; 12] = [
    Optional {
        name: "AgentIdentityBlueprint.Read.All",
        uses: &[
            (
                Sight::Drift,
                "whether the blueprint of what is held has a new credential",
            ),
            (
                Sight::Evidence,
                "when a blueprint's credentials end, never a credential",
            ),
            (
                Sight::Inventory,
                "tells a blueprint's application object id from its principal's",
            ),
            (Sight::Schedules, "credentials that end soon"),
        ],
    },
    Optional {
        name: "AgentInstance.Read.All",
        uses: &[(
            Sight::Inventory,
            "platform names, and identities that several agents share (beta registry)",
        )],
    },
    Optional {
        name: "Application.Read.All",
        uses: &[
            (Sight::Evidence, "app roles, owners and sponsors"),
            (Sight::Inventory, "sponsors, owners and classic agents"),
            (Sight::Notices, "the sponsors of an agent"),
            (Sight::Schedules, "dangerous app roles"),
        ],
    },
    Optional {
        name: "AuditLog.Read.All",
        uses: &[(
            Sight::Evidence,
            "sign-ins and directory changes, callers, and sign-ins refused after containment as \
             the proof",
        )],
    },
    Optional {
        name: "CustomSecAttributeAssignment.Read.All",
        uses: &[(
            Sight::Attributes,
            "the custom security attributes that `inventory.attributes` names",
        )],
    },
    Optional {
        name: "Directory.Read.All",
        uses: &[
            (Sight::Doctor, "the tenant's licences"),
            (Sight::Evidence, "delegated permission grants"),
            (Sight::Inventory, "for whom an agent may act"),
            (
                Sight::Protection,
                "whether protected ids and our own are there",
            ),
            (Sight::Schedules, "dangerous grants"),
        ],
    },
    Optional {
        name: "IdentityRiskEvent.Read.All",
        uses: &[(
            Sight::Pull,
            "detections about agents and service principals",
        )],
    },
    Optional {
        name: "IdentityRiskyAgent.Read.All",
        uses: &[(
            Sight::Pull,
            "risky agents; held by IdentityRiskyAgent.ReadWrite.All",
        )],
    },
    Optional {
        name: "Policy.Read.All",
        uses: &[(
            Sight::Doctor,
            "Conditional Access policies and security defaults: does risk block anyone?",
        )],
    },
    Optional {
        name: "RoleManagement.Read.Directory",
        uses: &[(
            Sight::Evidence,
            "directory roles held, and who can enable an agent again",
        )],
    },
    Optional {
        name: "SecurityAlert.Read.All",
        uses: &[(
            Sight::Triage,
            "the alert behind an incident that came without ids",
        )],
    },
    Optional {
        name: "User.Read.All",
        uses: &[(
            Sight::Notices,
            "whether a sponsor has left, and who their manager is",
        )],
    },
];

/// What one sight wants to be granted.
pub fn wanted_by(sight: Sight) -> impl Iterator<Item = &'static str> {
    let wants = move |one: &&Optional| one.uses.iter().any(|(who, _)| *who == sight);
    OPTIONAL.iter().filter(wants).map(|one| one.name)
}

#[cfg(test)]
mod tests {
    use super::OPTIONAL;

    #[test]
    fn what_is_optional_only_reads_and_stands_in_order() {
        assert!(OPTIONAL.is_sorted_by_key(|one| one.name));
        for one in &OPTIONAL {
            assert!(!one.name.contains("Write"), "{} writes", one.name);
            assert!(one.uses.is_sorted_by_key(|(sight, _)| sight.word()));
        }
    }
}
