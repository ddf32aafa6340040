//! The playbooks in force, as one set.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::clause::Clause;
use super::code::Code;
use super::facts::Facts;
use super::fault::Fault;
use super::folder;
use super::read::{Loaded, read};
use crate::domain::decision::{Considered, Truth};
use crate::domain::detection::{Detection, Sighting};
use crate::domain::moment::Moment;
use crate::domain::playbook::{Call, Mode, Playbook, PlaybookName, Reach};
use crate::domain::trigger::Together;

/// The playbooks in force; by default none. It never changes: a reload makes another one.
#[derive(Default)]
pub struct Catalog {
    by_name: BTreeMap<PlaybookName, Loaded>,
}

impl Catalog {
    /// Reads a set of files, each as its name and its text.
    ///
    /// # Errors
    /// All faults of all files; then there is no set at all.
    pub fn of_texts<'t>(
        files: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Result<Self, Vec<Fault>> {
        let mut by_name = BTreeMap::new();
        let mut faults = Vec::new();
        for (file, text) in files {
            match read(file, text) {
                Err(found) => faults.extend(found),
                Ok(loaded) => {
                    let name = loaded.playbook.name.clone();
                    if by_name.insert(name.clone(), loaded).is_some() {
                        let what = format!("another file holds the playbook `{name}` too");
                        let mut fault = Fault::of_file(file, what);
                        fault.coded(Code::Misnamed);
                        faults.push(fault);
                    }
                }
            }
        }
        if faults.is_empty() {
            Ok(Self { by_name })
        } else {
            Err(faults)
        }
    }

    /// Reads every `*.yaml` of one folder, save `*.test.yaml`. An empty folder is a fault: it is
    /// likelier to be half written than meant.
    ///
    /// # Errors
    /// All faults of all files, unreadable ones included; then there is no set at all.
    pub fn load_dir(folder: &Path) -> Result<Self, Vec<Fault>> {
        let texts = folder::texts(folder)?;
        if texts.is_empty() {
            let shown = folder.display().to_string();
            return Err(vec![Fault::of_file(&shown, "there is no playbook here")]);
        }
        Self::of_texts(
            texts
                .iter()
                .map(|(file, text)| (file.as_str(), text.as_str())),
        )
    }

    /// Reads one file as a set of its own.
    ///
    /// # Errors
    /// All its faults.
    pub fn load_file(file: &Path) -> Result<Self, Vec<Fault>> {
        let (name, text) = folder::text_of(file)?;
        Self::of_texts([(name.as_str(), text.as_str())])
    }

    /// The set with nothing in it.
    pub fn empty() -> Self {
        Self {
            by_name: BTreeMap::new(),
        }
    }

    /// The playbook of this name, if it is in force.
    pub fn get(&self, name: &PlaybookName) -> Option<&Arc<Playbook>> {
        self.by_name.get(name).map(|loaded| &loaded.playbook)
    }

    /// Every playbook with its text and remarks, by name.
    pub fn all(&self) -> impl Iterator<Item = &Loaded> {
        self.by_name.values()
    }

    /// The whole set as one digest, in hex: over every playbook's name and digest.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for loaded in self.by_name.values() {
            let playbook = &loaded.playbook;
            hash.update(format!("{} {}\n", playbook.name, playbook.digest));
        }
        hex::encode(hash.finalize())
    }

    /// Weighs every playbook against one entity of a detection, by name. Clauses are asked only
    /// where the trigger and the entity's kind already hold.
    pub fn considered(
        &self,
        detection: &Detection,
        sighting: &Sighting,
        now: Moment,
    ) -> Vec<Considered> {
        let mut facts = None;
        self.by_name
            .values()
            .map(
                |loaded| match why_not(&loaded.playbook, detection, sighting) {
                    Some(why_not) => Considered {
                        playbook: loaded.playbook.name.clone(),
                        matched: false,
                        why_not: Some(why_not),
                        when: Vec::new(),
                        unless: Vec::new(),
                        mode: None,
                        held_back: None,
                    },
                    None => {
                        let facts =
                            facts.get_or_insert_with(|| Facts::new(detection, sighting, now));
                        loaded.weighed(facts)
                    }
                },
            )
            .collect()
    }

    /// From whom else the playbooks that this detection calls would reach an entity.
    pub fn reaches(&self, detection: &Detection) -> BTreeSet<Reach> {
        let all = self.by_name.values().map(|loaded| &loaded.playbook);
        let called = all.filter(|one| !one.via.is_empty() && uncalled(one, detection).is_none());
        called.flat_map(|one| one.via.iter().copied()).collect()
    }

    /// The playbooks that this detection counts towards.
    pub fn counts_towards(&self, detection: &Detection) -> Vec<(&PlaybookName, Together)> {
        if detection.called.is_some() {
            return Vec::new();
        }
        let all = self.by_name.values().map(|loaded| &loaded.playbook);
        all.filter_map(|one| Some((one, one.trigger.together()?)))
            .filter(|(one, _)| one.trigger.why_not(detection).is_none())
            .map(|(one, together)| (&one.name, together))
            .collect()
    }

    /// The strongest of those that matched: the highest mode, then the entity kind of widest
    /// reach, then the first by name.
    pub fn strongest<'c>(&self, considered: &'c [Considered]) -> Option<&'c Considered> {
        considered
            .iter()
            .filter(|one| one.matched)
            .min_by_key(|one| {
                let kind = self.get(&one.playbook).map(|playbook| playbook.entity);
                (std::cmp::Reverse((one.mode, kind)), &one.playbook)
            })
    }

    /// The same set, each playbook in the mode it recommends: for rehearsals and explanations,
    /// never in force against a real tenant.
    #[must_use]
    pub fn as_recommended(self) -> Self {
        self.with_modes(|playbook| playbook.recommended.unwrap_or(playbook.mode))
    }

    fn with_modes(mut self, mode: impl Fn(&Playbook) -> Mode) -> Self {
        for loaded in self.by_name.values_mut() {
            let mode = mode(&loaded.playbook);
            Arc::make_mut(&mut loaded.playbook).mode = mode;
        }
        self
    }
}

fn why_not(playbook: &Playbook, detection: &Detection, sighting: &Sighting) -> Option<String> {
    let kind = sighting.entity.kind;
    if let Some(uncalled) = uncalled(playbook, detection) {
        return Some(uncalled);
    }
    if kind != playbook.entity {
        return Some(format!("entity is {kind}, not {}", playbook.entity));
    }
    let reached = sighting.reached();
    if reached.is_empty() || reached.iter().any(|one| playbook.via.contains(&one.by)) {
        return None;
    }
    let ways: Vec<_> = reached.iter().map(|one| format!("`{}`", one.by)).collect();
    Some(format!(
        "the detection does not name this {kind}, it is reached by {}",
        ways.join(" and ")
    ))
}

/// Why neither a sender nor we ourselves call it with this detection.
fn uncalled(playbook: &Playbook, detection: &Detection) -> Option<String> {
    match (&detection.called, &playbook.trigger.call) {
        (Some(called), _) if called.playbook != playbook.name => {
            Some(format!("only {} is called", called.playbook))
        }
        (Some(_), Call::Each) => Some("only detections call it by now".to_owned()),
        (Some(_), Call::Together(_) | Call::Schedule { .. } | Call::Manual { .. }) => None,
        (None, _) => playbook.trigger.why_not(detection).or_else(|| {
            let together = playbook.trigger.together()?;
            Some(format!(
                "it counts towards {}: {} within {} call it",
                playbook.name, together.least, together.within
            ))
        }),
    }
}

impl Loaded {
    /// What the clauses come to, and so the mode. Where nothing speaks against the playbook but
    /// something is unknown, `on_unknown` says how far it goes; never farther than its mode.
    fn weighed(&self, facts: &Facts) -> Considered {
        let values = |clauses: &[Clause]| clauses.iter().map(|one| one.value(facts)).collect();
        let (when, unless): (Vec<_>, Vec<_>) = (values(&self.when), values(&self.unless));
        let holds = when.iter().map(|value| value.truth);
        let spared = unless.iter().map(|value| not(value.truth));
        let truth = holds.chain(spared).fold(Truth::True, and);
        let mode = match truth {
            Truth::True => Some(self.playbook.mode),
            Truth::Unknown => Some(self.playbook.mode.min(self.playbook.on_unknown)),
            Truth::False => None,
        };
        Considered {
            playbook: self.playbook.name.clone(),
            matched: mode.is_some(),
            why_not: None,
            when,
            unless,
            mode,
            held_back: None,
        }
    }
}

const fn not(truth: Truth) -> Truth {
    match truth {
        Truth::True => Truth::False,
        Truth::False => Truth::True,
        Truth::Unknown => Truth::Unknown,
    }
}

const fn and(left: Truth, right: Truth) -> Truth {
    match (left, right) {
        (Truth::False, _) | (_, Truth::False) => Truth::False,
        (Truth::Unknown, _) | (_, Truth::Unknown) => Truth::Unknown,
        (Truth::True, Truth::True) => Truth::True,
    }
}
