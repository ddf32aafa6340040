//! The smaller words: release, stop, mode, brake, replay.

use super::contain::guarded;
use super::error::{Error, Sort};
use super::plan::Stop;
use super::{Answer, Desk, Target, may_lead, may_respond, reasoned};
use crate::domain::approval::ApprovalState;
use crate::domain::guard::Judgement;
use crate::domain::id::{DeliveryId, RunId};
use crate::domain::order::{Operator, OrderKind};
use crate::domain::playbook::ServiceMode;
use crate::domain::record::Actor;
use crate::domain::run::{Run, RunEvent};
use crate::graph::Priority;
use crate::store::{Asked, Saw, Standing, Taking};

/// A person's word about a run.
#[derive(Clone, Debug)]
pub struct ToMove {
    /// Which run.
    pub run: RunId,
    /// Why, in the person's words.
    pub reason: String,
    /// The same key asks for the same thing only once.
    pub idempotency_key: Option<String>,
}

/// Where the brake is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Stop all writes now.
    Tripped,
    /// Allow them again.
    Reset,
}

impl Desk {
    /// Releases a run above a cap, which is a lead's word. One that waits for an approval is
    /// released by that alone, and one about a protected entity by nobody: it is ordered anew,
    /// which asks two people.
    pub async fn resume(&self, operator: &Operator, word: ToMove) -> Answer<Taking> {
        may_lead(operator)?;
        let reason = reasoned(&word.reason)?;
        let kind = OrderKind::Resume { run: word.run };
        if let Some(taking) = self.before(operator, &kind, &word).await? {
            return Ok(taking);
        }
        let (run, _) = self.run_and_steps(word.run).await?;
        allowed(&run, RunEvent::Resumed)?;
        self.refuse_if_asked(&run).await?;
        self.refuse_if_guarded(&run).await?;
        self.take(operator, kind, (reason, word.idempotency_key))
            .await
    }

    /// Stops a run after the calls in flight. It may always be asked for: it writes nothing.
    pub async fn stop(&self, operator: &Operator, word: ToMove) -> Answer<Taking> {
        may_respond(operator)?;
        let reason = reasoned(&word.reason)?;
        let kind = OrderKind::Stop { run: word.run };
        if let Some(taking) = self.before(operator, &kind, &word).await? {
            return Ok(taking);
        }
        let (run, _) = self.run_and_steps(word.run).await?;
        allowed(&run, RunEvent::Stopped)?;
        self.take(operator, kind, (reason, word.idempotency_key))
            .await
    }

    /// How far the service may go right now, and on whose word.
    pub async fn standing(&self) -> Answer<Standing> {
        Ok(self.tools.store.standing().await?)
    }

    /// Changes how far the service may go.
    pub async fn set_mode(
        &self,
        operator: &Operator,
        mode: ServiceMode,
        reason: &str,
    ) -> Answer<Taking> {
        may_respond(operator)?;
        let reason = reasoned(reason)?;
        self.take(operator, OrderKind::Mode { mode }, (reason, None))
            .await
    }

    /// Moves the brake. Doing so twice changes nothing.
    pub async fn brake(&self, operator: &Operator, to: Position, reason: &str) -> Answer<Taking> {
        may_respond(operator)?;
        let reason = reasoned(reason)?;
        let kind = match to {
            Position::Tripped => OrderKind::TripBrake,
            Position::Reset => {
                self.refuse_beside_the_pause_file()?;
                OrderKind::ResetBrake
            }
        };
        self.take(operator, kind, (reason, None)).await
    }

    /// Puts a quarantined delivery back to be read again.
    pub async fn replay(&self, operator: &Operator, id: DeliveryId) -> Answer<()> {
        may_respond(operator)?;
        let store = &self.tools.store;
        if store.delivery(id).await?.is_none() {
            return Err(Error::missing(id));
        }
        let who = Actor(operator.name.clone());
        store.replay(id, who, self.tools.clock.now()).await?;
        (self.tools.wake_triage)(id);
        Ok(())
    }

    async fn before(
        &self,
        operator: &Operator,
        kind: &OrderKind,
        word: &ToMove,
    ) -> Answer<Option<Taking>> {
        match &word.idempotency_key {
            Some(key) => self.repeated(operator, kind, key).await,
            None => Ok(None),
        }
    }

    async fn take(
        &self,
        operator: &Operator,
        kind: OrderKind,
        (reason, idempotency_key): (String, Option<String>),
    ) -> Answer<Taking> {
        let asked = Asked {
            order: self.order(operator, kind, reason),
            makes: None,
            idempotency_key,
            saw: Saw::default(),
        };
        Ok(self.woken(self.tools.store.take_order(asked).await?))
    }

    async fn refuse_if_asked(&self, run: &Run) -> Answer<()> {
        let asked = self.tools.store.approvals_of(run.id).await?;
        match asked.iter().find(|it| it.state == ApprovalState::Asked) {
            None => Ok(()),
            Some(open) => Err(Error::new(
                Sort::NotNow,
                "approval-required",
                format!("it waits for approval: {}", open.because),
                &format!("Decide it: estop approvals show {}", open.id),
            )),
        }
    }

    /// The guards' word by every id the entity is known by, read afresh.
    async fn refuse_if_guarded(&self, run: &Run) -> Answer<()> {
        let target = Target {
            kind: Some(run.entity.kind),
            id: run.entity.id,
            also: None,
        };
        let looked = self.look_again(&target, Priority::Contain).await?;
        let (code, why) = match self.judged(&looked) {
            Judgement::Free => return Ok(()),
            Judgement::Protected => (
                "protected-target",
                "it is protected: two people must agree first".to_owned(),
            ),
            Judgement::Never { what } => ("never-touched", format!("it is never touched: {what}")),
        };
        Err(guarded(&Stop {
            code: code.to_owned(),
            why,
        }))
    }
}

fn allowed(run: &Run, event: RunEvent) -> Answer<()> {
    match run.state.after(event) {
        Ok(_) => Ok(()),
        Err(illegal) => Err(Error::new(
            Sort::NotNow,
            "not-now",
            illegal.to_string(),
            "Look at where it stands: estop runs show RUN",
        )),
    }
}
