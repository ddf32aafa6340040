//! People's answers: yes to what was shown, no with a reason, or longer.

use std::time::Duration;

use super::contain::{guarded, stale};
use super::error::{Error, Sort};
use super::{Answer, Desk, reasoned};
use crate::domain::approval::{About, Approval, EXTENSIONS_MAX, NoSay};
use crate::domain::id::ApprovalId;
use crate::domain::moment::Span;
use crate::domain::order::{Operator, OrderKind};
use crate::domain::plan::PlanStep;
use crate::store::{Asked, Saw, Taking};

/// Shortest and longest time an approval is extended by.
const EXTENSION: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(24 * 3600));

/// A yes.
#[derive(Clone, Debug)]
pub struct ToApprove {
    /// To what is asked here.
    pub approval: ApprovalId,
    /// What was shown: the whole plan's digest, or a smaller one's.
    pub plan_digest: String,
    /// Why, in the person's words; a yes may leave it out.
    pub reason: Option<String>,
    /// The same key asks for the same thing only once.
    pub idempotency_key: String,
}

/// A no.
#[derive(Clone, Debug)]
pub struct ToDeny {
    /// To what is asked here.
    pub approval: ApprovalId,
    /// Why, in the person's words.
    pub reason: String,
    /// The same key asks for the same thing only once.
    pub idempotency_key: String,
}

/// A wish for more time.
#[derive(Clone, Debug)]
pub struct ToExtend {
    /// For what is asked here.
    pub approval: ApprovalId,
    /// How much.
    pub by: Span,
    /// Why, in the person's words.
    pub reason: Option<String>,
    /// The same key asks for the same thing only once.
    pub idempotency_key: String,
}

impl Desk {
    /// Takes a yes. The tenant is read again: what is no longer as it was shown is not approved.
    pub async fn approve(&self, operator: &Operator, word: ToApprove) -> Answer<Taking> {
        let reason = reasoned(word.reason.as_deref().unwrap_or("approved"))?;
        let kind = OrderKind::Approve {
            approval: word.approval,
            plan_digest: word.plan_digest.clone(),
        };
        if let Some(taking) = self
            .repeated(operator, &kind, &word.idempotency_key)
            .await?
        {
            return Ok(taking);
        }
        let approval = self.open_to(operator, word.approval).await?;
        let saw = self.agreed_on(&approval, &word.plan_digest).await?;
        let said = (kind, reason, word.idempotency_key);
        self.answer(operator, said, saw).await
    }

    /// Takes a no, which ends the question.
    pub async fn deny(&self, operator: &Operator, word: ToDeny) -> Answer<Taking> {
        let reason = reasoned(&word.reason)?;
        let kind = OrderKind::Deny {
            approval: word.approval,
        };
        if let Some(taking) = self
            .repeated(operator, &kind, &word.idempotency_key)
            .await?
        {
            return Ok(taking);
        }
        let approval = self.open_to(operator, word.approval).await?;
        // A no to what is held is an undo, which the mode and the brake bind.
        if approval.about != About::Begin {
            self.refuse_if_stopped().await?;
            self.refuse_if_undo_asks(&approval).await?;
        }
        let said = (kind, reason, word.idempotency_key);
        self.answer(operator, said, Saw::default()).await
    }

    /// Moves the end of an approval that is still open.
    pub async fn extend(&self, operator: &Operator, word: ToExtend) -> Answer<Taking> {
        let reason = reasoned(word.reason.as_deref().unwrap_or("more time is needed"))?;
        if word.by.0 < EXTENSION.0 || word.by.0 > EXTENSION.1 {
            return Err(Error::amend(
                "extension-out-of-range",
                "an approval is extended by 1 minute to 24 hours".to_owned(),
                "Say by how much, such as 10m",
            ));
        }
        let kind = OrderKind::Extend {
            approval: word.approval,
            by: word.by,
        };
        if let Some(taking) = self
            .repeated(operator, &kind, &word.idempotency_key)
            .await?
        {
            return Ok(taking);
        }
        let approval = self.open_to(operator, word.approval).await?;
        if approval.extensions >= EXTENSIONS_MAX {
            return Err(Error::new(
                Sort::NotNow,
                "extended-enough",
                format!("it was extended {EXTENSIONS_MAX} times"),
                "Decide it now",
            ));
        }
        let said = (kind, reason, word.idempotency_key);
        self.answer(operator, said, Saw::default()).await
    }

    async fn answer(
        &self,
        operator: &Operator,
        (kind, reason, key): (OrderKind, String, String),
        saw: Saw,
    ) -> Answer<Taking> {
        let asked = Asked {
            order: self.order(operator, kind, reason),
            makes: None,
            idempotency_key: Some(key),
            saw,
        };
        Ok(self.woken(self.tools.store.take_order(asked).await?))
    }

    /// The approval, where it is open and this operator has a say in it.
    async fn open_to(&self, operator: &Operator, id: ApprovalId) -> Answer<Approval> {
        let approval = self.stored_approval(id).await?;
        approval.decider(operator).map_err(|no| no_say(&no))?;
        if approval.is_over(self.tools.clock.now()) {
            return Err(over(&approval));
        }
        Ok(approval)
    }

    /// What the digest names among what there is now.
    async fn agreed_on(&self, approval: &Approval, plan_digest: &str) -> Answer<Saw> {
        if approval.about == About::Begin {
            self.refuse_if_stopped().await?;
        }
        let (run, steps) = self.run_and_steps(approval.run).await?;
        let steps: Vec<PlanStep> = steps.into_iter().map(|step| step.plan).collect();
        let offers = self.offers(approval, (&run, &steps)).await?;
        if let Some(why) = offers.never {
            return Err(Error::new(
                Sort::Guarded,
                "never-touched",
                why,
                "Nothing can be done about this from here",
            ));
        }
        let smaller = offers
            .smaller
            .into_iter()
            .find(|(offer, _)| offer.plan_digest == plan_digest);
        if smaller.is_none() && offers.whole.plan_digest != plan_digest {
            let before = approval.world.as_ref();
            let changes = offers.world.zip(before);
            let changes = changes.map(|(now, before)| now.changes_since(before));
            return Err(not_as_shown(approval.id, changes.unwrap_or_default()));
        }
        Ok(Saw {
            world: offers.world,
            quorum: offers.needed,
            smaller: smaller.map(|(_, plan)| plan),
            targets: Vec::new(),
        })
    }

    /// A no has no words for what an undo may have to ask, so the undo itself must be ordered.
    async fn refuse_if_undo_asks(&self, approval: &Approval) -> Answer<()> {
        let shown = self.plan_undo(approval.run).await?;
        if !shown.needs_risk && shown.needs_prior.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            Sort::Amend,
            "undo-must-say-more",
            "putting it back needs a word that a no does not have: a verdict on the risk, or what \
             a switch was before"
                .to_owned(),
            &format!(
                "Order the undo, which ends this question: estop undo {} --reason TEXT",
                approval.run
            ),
        ))
    }

    async fn refuse_if_stopped(&self) -> Answer<()> {
        match self.standing_stop().await? {
            Some(stop) => Err(guarded(&stop)),
            None => Ok(()),
        }
    }
}

pub(super) fn no_say(no: &NoSay) -> Error {
    let (code, fix) = match no {
        NoSay::NotAPerson => (
            "not-a-person",
            "Use a credential of your own: estop person add NAME --role lead --entra OBJECT_ID",
        ),
        NoSay::NotALead(_) => ("role-missing", "Ask a lead"),
        NoSay::OtherGroup(_) => ("not-asked", "Ask one of them"),
        NoSay::Requester => ("self-approval", "Ask someone else to decide it"),
    };
    Error::new(Sort::NotAllowed, code, no.to_string(), fix)
}

fn over(approval: &Approval) -> Error {
    let how = approval.result.as_deref().unwrap_or("its time is over");
    let at = approval.decided_at.unwrap_or(approval.expires_at);
    Error::new(
        Sort::NotNow,
        "approval-over",
        format!("it ended at {at}: {how}"),
        "Nothing more is to be decided; look at the run: estop runs show RUN",
    )
}

fn not_as_shown(id: ApprovalId, changes: Vec<String>) -> Error {
    let mut error = stale(changes);
    if error.changes.is_empty() {
        error.why = "this is not what the approval asks for now".to_owned();
    }
    error.fix =
        format!("Look at it again and approve what is there now: estop approvals show {id}");
    error
}
