//! A person's word: who, what, why.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::action::RiskVerdict;
use super::detection::DetectionType;
use super::entity::ObjectId;
use super::id::{ApprovalId, DrillId, ExpectationId, FreezeId, MotionId, OrderId, RunId};
use super::moment::{Moment, Span};
use super::motion::MotionKind;
use super::person::Person;
use super::playbook::{PlaybookName, ServiceMode};
use super::restraint::ChangeName;
use super::retention::CaseName;
use super::step::PriorWord;

/// Longest reason that is kept, in characters.
pub const REASON_MAX: usize = 500;

/// What an API token may be used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Look only.
    View,
    /// Look, contain and undo in tiers 0 and 1, stop, pull the brake.
    Respond,
    /// Post and poll detections of one source.
    Ingest(super::detection::SourceName),
}

impl Scope {
    /// Reads `view`, `respond` or `ingest:NAME`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "view" => Some(Self::View),
            "respond" => Some(Self::Respond),
            _ => {
                let source = text.strip_prefix("ingest:")?;
                super::detection::SourceName::new(source).map(Self::Ingest)
            }
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::View => f.write_str("view"),
            Self::Respond => f.write_str("respond"),
            Self::Ingest(source) => write!(f, "ingest:{source}"),
        }
    }
}

/// Who may ask, known only from the credential that was shown (threat C02).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// `token:NAME` for an API token, `person:NAME` for a person's own credential, `local:NAME` for
    /// whoever sits at the machine itself.
    pub name: String,
    /// What the credential allows.
    pub scope: Scope,
    /// The person it stands for, where it stands for one.
    pub person: Option<Person>,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum OrderKind {
    /// Contain an entity by a plan that was shown.
    Contain {
        /// What was shown.
        plan_digest: String,
    },
    /// Contain the canary, as a drill.
    Drill {
        /// Which drill.
        drill: DrillId,
    },
    /// Put back what a run changed.
    Undo {
        /// Which run.
        run: RunId,
        /// What Entra ID Protection is told, where the run confirmed a compromise.
        risk: Option<RiskVerdict>,
    },
    /// Put back what a run changed, saying what a switch was that nobody could read before.
    UndoSaying {
        /// Which run.
        run: RunId,
        /// What Entra ID Protection is told, where the run confirmed a compromise.
        risk: Option<RiskVerdict>,
        /// What it was.
        was: PriorWord,
    },
    /// Release a waiting run.
    Resume {
        /// Which run.
        run: RunId,
    },
    /// Stop a run after the calls in flight.
    Stop {
        /// Which run.
        run: RunId,
    },
    /// Say yes to what an approval asks.
    Approve {
        /// Which approval.
        approval: ApprovalId,
        /// What was shown: the plan, and the tenant as it was seen.
        plan_digest: String,
    },
    /// Say no to it.
    Deny {
        /// Which approval.
        approval: ApprovalId,
    },
    /// Ask for longer.
    Extend {
        /// Which approval.
        approval: ApprovalId,
        /// By how much.
        by: Span,
    },
    /// Change how far the service may go.
    Mode {
        /// To what.
        mode: ServiceMode,
    },
    /// Let exactly these bytes of a playbook act: one of two people's words, or a signer's.
    Activate {
        /// Which playbook.
        playbook: PlaybookName,
        /// SHA-256 of its file, in hex.
        digest: String,
        /// By which change.
        change: ChangeName,
        /// Who signed it, where that stands for two people.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        signer: Option<String>,
    },
    /// Let a playbook that cried wolf act again.
    Lift {
        /// Which playbook.
        playbook: PlaybookName,
    },
    /// Ask about noisy detections while a change goes on.
    Expect {
        /// Any id of the blueprint.
        blueprint: ObjectId,
        /// Which detection types.
        detections: Vec<DetectionType>,
        /// For how long.
        span: Span,
    },
    /// The change is over.
    EndExpectation {
        /// Which announcement.
        expectation: ExpectationId,
    },
    /// Propose what takes two people.
    Propose {
        /// What.
        #[serde(flatten)]
        motion: MotionKind,
    },
    /// Agree to what another person proposed.
    Second {
        /// Which motion.
        motion: MotionId,
        /// What was shown.
        digest: String,
    },
    /// Say no to it.
    DenyMotion {
        /// Which motion.
        motion: MotionId,
    },
    /// Give no further agent of a freeze its turn.
    StopFreeze {
        /// Which freeze.
        freeze: FreezeId,
    },
    /// End raised caps before their time.
    LowerCaps,
    /// Keep a run for a case, whatever its age.
    Keep {
        /// Which run.
        run: RunId,
        /// For which case.
        case: CaseName,
    },
    /// The case needs it no longer.
    Release {
        /// Which run.
        run: RunId,
        /// Which case.
        case: CaseName,
    },
    /// Stop all writes now.
    TripBrake,
    /// Allow writes again.
    ResetBrake,
}

/// A person's word, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its name.
    pub id: OrderId,
    /// When it was taken.
    pub at: Moment,
    /// Who.
    pub operator: Operator,
    /// What.
    #[serde(flatten)]
    pub kind: OrderKind,
    /// Why, in the person's words.
    pub reason: String,
}
