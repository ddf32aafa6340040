//! Whom people are told of: entities that were named and that nobody stops.

use super::Triage;
use crate::domain::decision::{Decision, StandDownReason, Verdict};
use crate::domain::detection::Detection;
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, Urgency};

impl Triage {
    pub(super) fn notices(
        &self,
        detection: &Detection,
        decisions: &[Decision],
        now: Moment,
    ) -> Vec<Notice> {
        let page = |key: String, text| self.store.notice(now, Urgency::Page, key, text);
        decisions
            .iter()
            .filter_map(|decision| match &decision.verdict {
                Verdict::StandDown {
                    because: StandDownReason::NeverTouched { what },
                } => Some(page(
                    format!("never {}", decision.entity.id),
                    format!(
                        "{} names {}, which estop never touches ({what}). If it is really \
                             compromised, a person must act in Entra.",
                        detection.id, decision.entity
                    ),
                )),
                Verdict::StandDown {
                    because: StandDownReason::AnotherKind { is },
                } => Some(page(
                    format!("kind {}", decision.entity.id),
                    format!(
                        "{} names {}, which is of kind {is}. Nothing was done; if it is meant: \
                             estop contain {}",
                        detection.id, decision.entity, decision.entity.id
                    ),
                )),
                // Whoever is asked is told with the question.
                Verdict::StandDown { .. }
                | Verdict::AskFirst { .. }
                | Verdict::Respond { .. }
                | Verdict::Provisional { .. }
                | Verdict::Observe { .. } => None,
            })
            .collect()
    }
}
