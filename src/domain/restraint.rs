//! What holds playbooks back beside their own words: bytes nobody activated, a record of crying
//! wolf, a change that was announced.
//!
//! A restraint only ever lowers a mode, and is people's word or lifted by it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::detection::{Detection, DetectionType, Sighting};
use super::entity::ObjectId;
use super::id::ExpectationId;
use super::moment::Moment;
use super::name::is_foreign_name;
use super::playbook::{Mode, Playbook, PlaybookName};

/// How many people activate a playbook.
pub const ACTIVATORS: u32 = 2;
/// How long one person's word waits for the other's.
pub const WORD_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// So many of its last containments undone as safe demote a playbook.
pub const WOLF_AT: u32 = 2;
/// How many of its last containments are looked at.
pub const WOLF_OF: u32 = 10;

/// How long an announced change may lower anything.
pub const EXPECTED_MAX: Duration = Duration::from_secs(24 * 3600);
/// Announced changes that may count at the same time.
pub const EXPECTATIONS_MAX: usize = 100;

/// Must people activate a playbook's bytes before it acts?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// What lies in the folder acts as it says.
    #[default]
    Optional,
    /// What nobody activated only observes.
    Required,
}

/// The name of a change in somebody's change system: 1 to 64 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChangeName(String);

impl ChangeName {
    /// Takes a plain name; `None` for anything else.
    pub fn new(name: &str) -> Option<Self> {
        is_foreign_name(name).then(|| Self(name.to_owned()))
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ChangeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The exact bytes that a signer signs to activate a playbook without a second person.
pub fn statement(playbook: &PlaybookName, digest: &str, change: &ChangeName) -> String {
    format!("estop activate\n{playbook}\n{digest}\n{change}\n")
}

/// Who let exactly these bytes act, and by which change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activated {
    /// By which change.
    pub change: ChangeName,
    /// The people, or the signer.
    pub by: Vec<String>,
    /// When the last word came; while one is missing, the first.
    pub at: Moment,
}

/// A playbook that asks because what it contained was undone as safe too often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demotion {
    /// Since when.
    pub since: Moment,
    /// How often, of how many.
    pub because: String,
}

/// An announced change: so long, noisy detections about this blueprint's agents are asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// Its name.
    pub id: ExpectationId,
    /// Any id the blueprint is known by.
    pub blueprint: ObjectId,
    /// The detection types that are expected.
    pub detections: Vec<DetectionType>,
    /// Why, in the person's words; a change number.
    pub because: String,
    /// Who announced it.
    pub by: String,
    /// When.
    pub at: Moment,
    /// Until when.
    pub until: Moment,
}

impl Expectation {
    /// Does it speak of this entity of this detection, at this moment?
    fn covers(&self, detection: &Detection, sighting: &Sighting, now: Moment) -> bool {
        let kin = sighting.background.iter().flat_map(|known| &known.kin);
        let mut ids = [sighting.entity.id]
            .into_iter()
            .chain(sighting.blueprint)
            .chain(kin.copied());
        self.at <= now
            && now < self.until
            && self.detections.contains(&detection.detection_type)
            && ids.any(|id| id == self.blueprint)
    }
}

/// What lowered a playbook's mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "held_back", rename_all = "snake_case")]
pub enum HeldBack {
    /// Nobody activated its bytes.
    NotActivated,
    /// What it contained was undone as safe too often.
    Demoted,
    /// A change was announced.
    Expected {
        /// Which announcement.
        expectation: ExpectationId,
    },
}

impl HeldBack {
    /// How far a playbook may still go.
    pub const fn cap(self) -> Mode {
        match self {
            Self::NotActivated => Mode::Observe,
            Self::Demoted | Self::Expected { .. } => Mode::Ask,
        }
    }
}

/// Everything that holds playbooks back at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restraints {
    /// Moves with every change, so that whoever keeps a copy sees that it is old.
    pub epoch: i64,
    /// Must bytes be activated?
    pub activation: Activation,
    /// The digests that are.
    pub activated: BTreeSet<String>,
    /// Who cried wolf.
    pub demoted: BTreeMap<PlaybookName, Demotion>,
    /// The changes that were announced and have not ended.
    pub expected: Vec<Expectation>,
}

impl Restraints {
    /// The hardest restraint on this playbook for one entity of a detection.
    pub fn on(
        &self,
        playbook: &Playbook,
        (detection, sighting): (&Detection, &Sighting),
        now: Moment,
    ) -> Option<HeldBack> {
        self.standing(playbook).or_else(|| {
            let mut expected = self.expected.iter();
            let covering = expected.find(|one| one.covers(detection, sighting, now))?;
            Some(HeldBack::Expected {
                expectation: covering.id,
            })
        })
    }

    /// The hardest restraint on this playbook whatever the detection.
    pub fn standing(&self, playbook: &Playbook) -> Option<HeldBack> {
        let required = self.activation == Activation::Required;
        if required && !self.activated.contains(&playbook.digest) {
            return Some(HeldBack::NotActivated);
        }
        let demoted = self.demoted.contains_key(&playbook.name);
        demoted.then_some(HeldBack::Demoted)
    }
}

#[cfg(test)]
mod tests {
    use super::{ChangeName, HeldBack};
    use crate::domain::playbook::Mode;

    #[test]
    fn a_change_has_a_plain_name_that_cannot_bend_what_is_signed() {
        assert!(ChangeName::new("CHG0042-a/b").is_some());
        for unfit in ["", "CHG 1", "CHG\n1", "é", &"x".repeat(65)] {
            assert_eq!(ChangeName::new(unfit), None, "{unfit:?}");
        }
    }

    #[test]
    fn nothing_that_holds_a_playbook_back_lets_it_act() {
        for held in [HeldBack::NotActivated, HeldBack::Demoted] {
            assert!(held.cap() < Mode::Provisional);
        }
    }
}
