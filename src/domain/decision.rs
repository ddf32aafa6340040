//! What triage decided, and why.

use serde::{Deserialize, Serialize};

use super::entity::{Entity, EntityKind};
use super::playbook::{Mode, PlaybookName};
use super::restraint::HeldBack;

/// Three-valued truth: what cannot be known is not false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be known.
    Unknown,
}

/// One clause's value on one detection, kept for the run's "why".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClauseValue {
    /// What the author calls it.
    pub name: String,
    /// The expression as written.
    pub text: String,
    /// What it came to.
    pub truth: Truth,
    /// Why it is unknown, where it is.
    pub because: Option<String>,
}

/// One playbook weighed against one entity of a detection, matched or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Considered {
    /// Which playbook.
    pub playbook: PlaybookName,
    /// Did all of it hold?
    pub matched: bool,
    /// The trigger's or the entity kind's reason, where that already decided.
    pub why_not: Option<String>,
    /// Every `when` clause's value.
    pub when: Vec<ClauseValue>,
    /// Every `unless` clause's value.
    pub unless: Vec<ClauseValue>,
    /// The mode it would run in by itself, where it matched.
    pub mode: Option<Mode>,
    /// What lowered that mode, beside its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back: Option<HeldBack>,
}

/// The answer for one entity of a detection. Every answer carries its reason, because a person
/// will ask for it at three in the morning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whom it is about.
    pub entity: Entity,
    /// What follows.
    pub verdict: Verdict,
    /// Every playbook that was weighed.
    pub considered: Vec<Considered>,
}

/// What follows for one entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Carry the playbook out.
    Respond {
        /// The strongest that matched.
        playbook: PlaybookName,
    },
    /// Carry the playbook out, and let people keep it or let it end.
    Provisional {
        /// The strongest that matched.
        playbook: PlaybookName,
    },
    /// Carry the playbook out with `act` standing still.
    Observe {
        /// The strongest that matched.
        playbook: PlaybookName,
        /// What keeps it from acting.
        because: ObserveReason,
    },
    /// Ask a person before anything is done.
    AskFirst {
        /// The strongest that matched.
        playbook: PlaybookName,
        /// What a person must weigh.
        because: AskReason,
    },
    /// Nothing follows, on purpose.
    StandDown {
        /// Why.
        because: StandDownReason,
    },
}

/// What keeps a matching playbook from acting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObserveReason {
    /// The playbook is written in observe mode.
    PlaybookObserves,
    /// Its bytes were never activated.
    NotActivated,
    /// A clause could not be known, and the playbook says to observe then.
    ClauseUnknown,
    /// The source may ask for no more.
    SourceMayOnlyObserve,
    /// The service is in observe mode.
    ServiceObserves,
}

/// What a person must weigh before anything is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskReason {
    /// The entity is on the protected list.
    EntityIsProtected,
    /// A cap or guardrail is reached.
    CapReached,
    /// The playbook is written so.
    PlaybookAsks,
    /// A clause could not be known, and the playbook says to ask then.
    ClauseUnknown,
    /// What it contained was undone as safe too often.
    PlaybookDemoted,
    /// A change was announced for its blueprint, and such detections are expected.
    ChangeExpected,
    /// The source may ask for no more.
    SourceMayOnlyAsk,
    /// The detection names someone else, so that this is only ever proposed.
    OnlyProposed,
    /// Whoever called the playbook may not have it carried out by their own word.
    RequesterMayOnlyAsk,
}

impl AskReason {
    /// Why people are asked about this entity, in words.
    pub fn words(self, entity: Entity) -> String {
        match self {
            Self::EntityIsProtected => format!("{entity} is protected, so two people must agree"),
            Self::CapReached => "a cap is reached".to_owned(),
            Self::PlaybookAsks => format!("its playbook asks before {entity} is contained"),
            Self::ClauseUnknown => {
                format!("a clause about {entity} could not be known, and the playbook says to ask")
            }
            Self::PlaybookDemoted => format!(
                "its playbook asks before {entity} is contained: what it contained was undone as \
                 safe too often"
            ),
            Self::ChangeExpected => {
                format!("a change was announced for the blueprint of {entity}")
            }
            Self::SourceMayOnlyAsk => {
                format!("the source may only ask for {entity} to be contained")
            }
            Self::OnlyProposed => {
                format!("the detection does not name {entity}, so it is only proposed")
            }
            Self::RequesterMayOnlyAsk => {
                format!("someone called its playbook for {entity}, and may only ask")
            }
        }
    }
}

/// Why nothing follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum StandDownReason {
    /// No playbook's trigger and clauses held.
    NoPlaybookMatches,
    /// Entra tells us what we told it ourselves.
    EchoOfOurConfirm,
    /// It is synthetic: it came to prove the path, and ends here.
    Synthetic,
    /// It names ourselves or what we depend on: never, even with approval.
    NeverTouched {
        /// Which dependency.
        what: String,
    },
    /// The source may not ask for this kind of entity.
    SourceMayNot {
        /// What was asked for.
        what: String,
    },
    /// The sender says that the entity lives in another tenant.
    AnotherTenant,
    /// Nobody named it, and it carries more than what was named.
    NotProposed {
        /// What.
        what: String,
    },
    /// The sender calls it one thing and it is another: a person must say what is meant.
    AnotherKind {
        /// What it is.
        is: EntityKind,
    },
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::AskReason;
    use crate::domain::entity::{Entity, ObjectId};

    /// Whoever is asked is told about whom, and why it is theirs to say.
    #[test]
    fn whoever_is_asked_is_told_why() {
        let entity = Entity::agent(ObjectId::from_uuid(Uuid::from_u128(7)));
        let told = [
            (AskReason::EntityIsProtected, "two people must agree"),
            (AskReason::CapReached, "a cap is reached"),
            (AskReason::PlaybookAsks, "its playbook asks before"),
            (AskReason::ClauseUnknown, "could not be known"),
            (AskReason::PlaybookDemoted, "undone as safe too often"),
            (AskReason::ChangeExpected, "a change was announced"),
            (AskReason::SourceMayOnlyAsk, "the source may only ask"),
            (AskReason::OnlyProposed, "only proposed"),
            (
                AskReason::RequesterMayOnlyAsk,
                "someone called its playbook",
            ),
        ];

        for (reason, part) in told {
            let words = reason.words(entity);
            assert!(words.contains(part), "{reason:?}: {words}");
            let names = words.contains(&entity.to_string());
            assert!(names || reason == AskReason::CapReached, "{words}");
        }
    }
}
