//! What needs a person's word: I10.

use super::super::sent::Sent;
use super::{Broken, Laws};

impl Laws {
    /// I10: a yes is another person's than the requester's, to a plan that was shown for it, in
    /// time, and counts once.
    pub(super) fn i10_a_yes_is_to_what_was_asked(&self, approval: &str) -> Result<(), Broken> {
        let broken = |why: &str| Err(format!("I10: {approval}: {why}"));
        let Some(asked) = self.book.approvals.get(approval) else {
            return broken("nobody was asked");
        };
        let Some(vote) = asked.votes.last() else {
            return Ok(());
        };
        let shown = (approval.to_owned(), vote.plan.clone());
        if asked.ended {
            return broken("it was over");
        }
        if vote.at > asked.expires_at {
            return broken("it had expired");
        }
        if asked.requester.as_deref() == Some(vote.who.as_str()) {
            return broken("who asked for it said yes to it");
        }
        if !self.shown.lock().unwrap().contains(&shown) {
            return broken("it was a yes to another plan");
        }
        Ok(())
    }

    /// I10 and law 12: who only observes writes nothing, and what asks first waits for a yes.
    pub(super) fn i10_somebody_agreed(&self, sent: &Sent) -> Result<(), Broken> {
        let Some(run) = sent.run.and_then(|run| self.book.runs.get(&run)) else {
            return Ok(());
        };
        if run.mode == "observe" {
            return Err(format!("law 12: a run that observes writes: {sent}"));
        }
        if run.mode == "ask" && run.approved_by.is_empty() {
            return Err(format!("I10: nobody approved {sent}"));
        }
        Ok(())
    }
}
