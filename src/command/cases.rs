//! Keep a run for a case, whatever its age, and let it go again.

use super::error::Error;
use super::{Answer, Desk, may_respond, reasoned};
use crate::domain::id::RunId;
use crate::domain::order::{Operator, OrderKind};
use crate::domain::retention::{CaseName, KeptRun};
use crate::store::Taking;

/// A person's word about a run and a case.
#[derive(Clone, Debug)]
pub struct ToKeep {
    /// Which run.
    pub run: RunId,
    /// Which case.
    pub case: CaseName,
    /// Is it kept from now on, or needed no longer?
    pub wanted: Wanted,
    /// Why, in the person's words.
    pub reason: String,
    /// The same key asks for the same thing only once.
    pub idempotency_key: String,
}

/// What a case asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Keep it.
    Kept,
    /// It may go once it is old.
    Released,
}

impl Desk {
    /// Keeps a run for a case, or lets the case go.
    pub async fn keep(&self, operator: &Operator, word: ToKeep) -> Answer<Taking> {
        may_respond(operator)?;
        let reason = reasoned(&word.reason)?;
        let ToKeep { run, case, .. } = word;
        if self.tools.store.run(run).await?.is_none() {
            return Err(Error::missing(run));
        }
        let kind = match word.wanted {
            Wanted::Kept => OrderKind::Keep { run, case },
            Wanted::Released => OrderKind::Release { run, case },
        };
        self.restrain(operator, kind, (reason, word.idempotency_key))
            .await
    }

    /// What cases keep now; of one run, or of all.
    pub async fn kept(&self, run: Option<RunId>) -> Answer<Vec<KeptRun>> {
        Ok(self.tools.store.kept_runs(run).await?)
    }
}
