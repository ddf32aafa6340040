//! One thing done to one entity: look, perform, read back, undo.
//!
//! Knows: Graph, the guards.
//! Never: the store, playbooks, who asked, what comes next.
//!
//! Laws
//! * `look` touches nothing, and what it saw is stored by the caller before `perform` is called.
//! * Everything here may be called twice.
//! * The guards are asked at the last moment, with every id the object is known by.
//! * We disable, never delete.
//!
//! Read next: `disable_agent`, then `verify`; the other actions look alike.

mod confirm_compromised;
mod disable_agent;
mod disable_agent_user;
mod disable_blueprint;
mod error;
mod kin;
mod revoke_sessions;
mod switch;
mod verify;

use uuid::Uuid;

pub use error::Error;
pub use verify::{Reading, read_back};

use crate::domain::action::{Action, RiskVerdict};
use crate::domain::entity::{Entity, ObjectId};
use crate::domain::guard::{Guards, Judgement, PEOPLE_FOR_PROTECTED};
use crate::domain::plan::PlanStep;
use crate::domain::step::{Before, Outcome, UndoOutcome};
use crate::graph::{Ask, Graph, Priority};

/// What an act needs: the tenant, the guards, and what to say when asked who calls.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The tenant.
    pub graph: &'a Graph,
    /// Whom we do not touch.
    pub guards: &'a Guards,
    /// How many people agreed to the plan this is a step of.
    pub agreed: u32,
    /// Ties Microsoft's logs to this step.
    pub correlation: Uuid,
}

/// What was there before anything was touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// To be stored before `perform`.
    pub before: Before,
    /// The entities the step is about to close.
    pub closes: Vec<Entity>,
    /// For people: the read and its answer.
    pub evidence: String,
}

/// How an act ended, and the proof.
pub type Ended = (Outcome, String);

impl Context<'_> {
    fn ask(&self, priority: Priority) -> Ask {
        Ask {
            priority,
            correlation: self.correlation,
        }
    }

    /// The last check before the tenant is touched.
    fn permit(&self, ids: impl IntoIterator<Item = ObjectId>) -> Result<(), Error> {
        match self.guards.judge(ids) {
            Judgement::Free => Ok(()),
            Judgement::Never { what } => Err(Error::Forbidden {
                because: format!("never touched: {what}"),
            }),
            Judgement::Protected if self.agreed >= PEOPLE_FOR_PROTECTED => Ok(()),
            Judgement::Protected => Err(Error::Forbidden {
                because: "it is protected, and two people have not agreed".to_owned(),
            }),
        }
    }
}

/// Reads what is there, and checks that it may be touched at all.
pub async fn look(context: &Context<'_>, step: &PlanStep) -> Result<Seen, Error> {
    match step.action {
        Action::DisableAgent => disable_agent::look(context, step.entity).await,
        Action::DisableBlueprint => disable_blueprint::look(context, step.entity).await,
        Action::DisableAgentUser => disable_agent_user::look(context, step.entity).await,
        Action::RevokeSessions => revoke_sessions::look(context, step.entity).await,
        Action::ConfirmCompromised => confirm_compromised::look(context, step.entity).await,
        Action::Verify => Ok(Seen::nothing()),
    }
}

/// Makes it so. `before` is what [`look`] saw and the caller has stored.
pub async fn perform(
    context: &Context<'_>,
    step: &PlanStep,
    before: &Before,
) -> Result<Ended, Error> {
    match step.action {
        Action::DisableAgent => disable_agent::perform(context, before).await,
        Action::DisableBlueprint => disable_blueprint::perform(context, before).await,
        Action::DisableAgentUser => disable_agent_user::perform(context, before).await,
        Action::RevokeSessions => revoke_sessions::perform(context, before).await,
        Action::ConfirmCompromised => confirm_compromised::perform(context, step.entity).await,
        Action::Verify => Ok((Outcome::Done, "read back".to_owned())),
    }
}

/// Puts back what was, if it is still as we left it. The read-back of what was put back is the
/// caller's.
pub async fn undo(
    context: &Context<'_>,
    step: &PlanStep,
    before: &Before,
    risk: Option<RiskVerdict>,
) -> Result<(UndoOutcome, String), Error> {
    match step.action {
        Action::DisableAgent => disable_agent::undo(context, before).await,
        Action::DisableBlueprint => disable_blueprint::undo(context, before).await,
        Action::DisableAgentUser => disable_agent_user::undo(context, before).await,
        Action::RevokeSessions => Ok((
            UndoOutcome::Left,
            "revoked sessions have no way back: the user signs in again".to_owned(),
        )),
        Action::ConfirmCompromised => confirm_compromised::undo(context, step.entity, risk).await,
        Action::Verify => Ok((
            UndoOutcome::NothingToRestore,
            "it changed nothing".to_owned(),
        )),
    }
}

impl Seen {
    fn nothing() -> Self {
        Self {
            before: Before::Nothing,
            closes: Vec::new(),
            evidence: String::new(),
        }
    }
}
