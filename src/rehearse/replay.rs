//! Stored detections through two sets of playbooks: what would have been decided otherwise.

use crate::catalog::{Catalog, Decided};
use crate::domain::decision::{Decision, Verdict};
use crate::domain::detection::{Detection, DetectionType};
use crate::domain::entity::Entity;
use crate::domain::id::DetectionId;
use crate::domain::moment::Moment;
use crate::domain::playbook::PlaybookName;

use super::explanation::Judge;

/// Most changes that are kept; the rest are only counted.
const CHANGES_MAX: usize = 10_000;

/// What a replay has found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// Detections replayed.
    pub detections: u64,
    /// Entities for which both sets decide the same.
    pub same: u64,
    /// Those for which they do not, in the order of the detections.
    pub changes: Vec<Change>,
    /// Changes beyond the most that are kept.
    pub left_out: u64,
}

/// One entity that the two sets answer differently.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// Of which detection.
    pub detection: DetectionId,
    /// Its type.
    pub detection_type: DetectionType,
    /// When it came.
    pub at: Moment,
    /// Whom it is about.
    pub entity: Entity,
    /// Which way it goes.
    pub direction: Direction,
    /// What the old set decides.
    pub old: String,
    /// What the new set decides.
    pub new: String,
}

/// Which way a decision changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It would now be contained.
    NowContained,
    /// It would no longer be contained.
    NoLongerContained,
    /// Something else changes: another playbook, asked rather than observed, other steps.
    Other,
}

impl Replay {
    /// Replays one detection by the clock of when it came; `before` is what was decided then.
    pub fn add(
        &mut self,
        (old, new): (&Judge<'_>, &Judge<'_>),
        detection: &Detection,
        before: &[Decision],
    ) {
        self.detections += 1;
        let at = detection.received_at;
        let olds = old.decide(detection, at, before);
        let news = new.decide(detection, at, before);
        for (was, is) in olds.iter().zip(&news) {
            let (left, right) = (said(old.catalog, was), said(new.catalog, is));
            if left == right {
                self.same += 1;
                continue;
            }
            if self.changes.len() == CHANGES_MAX {
                self.left_out += 1;
                continue;
            }
            self.changes.push(Change {
                detection: detection.id,
                detection_type: detection.detection_type.clone(),
                at,
                entity: is.entity,
                direction: direction(&was.verdict, &is.verdict),
                old: left,
                new: right,
            });
        }
    }

    /// How many go this way.
    pub fn count(&self, direction: Direction) -> usize {
        let of = |change: &&Change| change.direction == direction;
        self.changes.iter().filter(of).count()
    }
}

fn direction(was: &Verdict, is: &Verdict) -> Direction {
    match (Decided::of(was).acts(), Decided::of(is).acts()) {
        (false, true) => Direction::NowContained,
        (true, false) => Direction::NoLongerContained,
        (true, true) | (false, false) => Direction::Other,
    }
}

/// A decision with what would be done, so that two sets differ where their effects do.
fn said(catalog: &Catalog, decision: &Decision) -> String {
    let word = Decided::of(&decision.verdict).word();
    let Some(name) = playbook_of(&decision.verdict) else {
        return word.to_owned();
    };
    let steps = catalog.get(name).map_or_else(String::new, |playbook| {
        let steps: Vec<_> = playbook
            .steps
            .iter()
            .map(|step| step.action.word())
            .collect();
        steps.join(", ")
    });
    format!("{word} by {name}: {steps}")
}

/// The playbook a verdict carries out or watches.
pub(super) fn playbook_of(verdict: &Verdict) -> Option<&PlaybookName> {
    match verdict {
        Verdict::Respond { playbook }
        | Verdict::Provisional { playbook }
        | Verdict::Observe { playbook, .. }
        | Verdict::AskFirst { playbook, .. } => Some(playbook),
        Verdict::StandDown { .. } => None,
    }
}
