//! Announce a change: so long, noisy detections about one blueprint's agents are asked about.

use std::collections::BTreeSet;

use super::error::Error;
use super::{Answer, Desk, may_respond, reasoned};
use crate::catalog::noisy_types;
use crate::domain::detection::DetectionType;
use crate::domain::entity::ObjectId;
use crate::domain::id::ExpectationId;
use crate::domain::moment::Span;
use crate::domain::order::{Operator, OrderKind};
use crate::domain::restraint::{EXPECTED_MAX, Expectation};
use crate::store::Taking;

/// A person's word that a change is coming.
#[derive(Clone, Debug)]
pub struct ToExpect {
    /// Any id of the blueprint.
    pub blueprint: ObjectId,
    /// Only these detection types; empty means all that may be announced.
    pub detections: Vec<DetectionType>,
    /// For how long.
    pub span: Span,
    /// The change, in the person's words.
    pub because: String,
    /// The same key asks for the same thing only once.
    pub idempotency_key: String,
}

impl Desk {
    /// Takes the announcement of a change.
    pub async fn expect(&self, operator: &Operator, word: ToExpect) -> Answer<Taking> {
        may_respond(operator)?;
        let reason = reasoned(&word.because)?;
        if word.span.0.is_zero() || word.span.0 > EXPECTED_MAX {
            return Err(Error::amend(
                "span-out-of-range",
                "a change is announced for at least a moment and at most 24 hours".to_owned(),
                "Say for how long, such as 2h, and announce it again if it lasts longer",
            ));
        }
        let kind = OrderKind::Expect {
            blueprint: word.blueprint,
            detections: announced(word.detections)?,
            span: word.span,
        };
        self.restrain(operator, kind, (reason, word.idempotency_key))
            .await
    }

    /// The change is over before its time.
    pub async fn end_expectation(
        &self,
        operator: &Operator,
        expectation: ExpectationId,
        (reason, idempotency_key): (String, String),
    ) -> Answer<Taking> {
        may_respond(operator)?;
        let reason = reasoned(&reason)?;
        let kind = OrderKind::EndExpectation { expectation };
        self.restrain(operator, kind, (reason, idempotency_key))
            .await
    }

    /// The announced changes that have not ended.
    pub async fn expectations(&self) -> Answer<Vec<Expectation>> {
        Ok(self
            .tools
            .store
            .expectations(self.tools.clock.now())
            .await?)
    }
}

/// Only what a planned change sets off by itself may be announced.
fn announced(wanted: Vec<DetectionType>) -> Answer<Vec<DetectionType>> {
    let noisy: BTreeSet<DetectionType> = noisy_types().filter_map(DetectionType::new).collect();
    if let Some(quiet) = wanted.iter().find(|one| !noisy.contains(one)) {
        let names: Vec<_> = noisy.iter().map(DetectionType::as_str).collect();
        return Err(Error::amend(
            "not-noisy",
            format!("{quiet} says more than that something changed, and is never lowered"),
            &format!("Name some of: {}", names.join(", ")),
        ));
    }
    Ok(if wanted.is_empty() {
        noisy.into_iter().collect()
    } else {
        wanted
    })
}
