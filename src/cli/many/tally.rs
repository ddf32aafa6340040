//! What became of each, counted, and the exit code that follows.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use super::super::answers::Failure;
use super::super::exit::Exit;
use crate::domain::entity::ObjectId;
use crate::domain::id::RunId;
use crate::domain::run::{RunState, Standing};

/// What became of one id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nobody asked for it: a person pressed Ctrl-C first.
    NotStarted,
    /// It was left out, or the server did not take it.
    Refused { exit: Exit, why: String },
    /// Its run stands so.
    Ordered { run: RunId, state: RunState },
}

impl Fate {
    pub(super) fn refused(failure: &Failure) -> Self {
        Self::Refused {
            exit: failure.exit(),
            why: failure.why().to_owned(),
        }
    }

    /// How it ends the command if it were the only one.
    fn exit(&self) -> Exit {
        match self {
            Self::NotStarted => Exit::Interrupted,
            Self::Refused { exit, .. } => *exit,
            Self::Ordered { state, .. } => Exit::of_containment(*state),
        }
    }

    /// The word it is counted under.
    fn word(&self) -> &'static str {
        match self {
            Self::NotStarted => "not started",
            Self::Refused {
                exit: Exit::Unknown,
                ..
            } => "unknown",
            Self::Refused { .. } => "refused",
            Self::Ordered { state, .. } => state.word(),
        }
    }

    pub(super) fn is_at_work(&self) -> bool {
        matches!(self, Self::Ordered { state, .. } if state.standing() == Standing::AtWork)
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted => f.write_str("not started"),
            Self::Refused { why, .. } => f.write_str(why),
            Self::Ordered { run, state } => write!(f, "{state}  {run}"),
        }
    }
}

/// One id and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) id: ObjectId,
    pub(super) name: Option<String>,
    pub(super) fate: Fate,
}

impl Item {
    pub(super) fn is_done(&self) -> bool {
        self.fate.exit() == Exit::Done
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("-");
        write!(f, "{}  {name}  {}", self.id, self.fate)
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (run, why) = match &self.fate {
            Fate::NotStarted => (None, None),
            Fate::Refused { why, .. } => (None, Some(why)),
            Fate::Ordered { run, .. } => (Some(run), None),
        };
        serde_json::json!({
            "id": self.id, "name": self.name, "outcome": self.fate.word(), "run": run, "why": why,
        })
        .serialize(serializer)
    }
}

/// So many of each.
#[derive(Debug)]
pub(super) struct Tally {
    of: usize,
    counts: BTreeMap<&'static str, usize>,
    exits: Vec<Exit>,
}

impl Tally {
    pub(super) fn of(items: &[Item]) -> Self {
        let mut counts = BTreeMap::from([(RunState::Contained.word(), 0)]);
        for item in items {
            *counts.entry(item.fate.word()).or_default() += 1;
        }
        Self {
            of: items.len(),
            counts,
            exits: items.iter().map(|item| item.fate.exit()).collect(),
        }
    }

    pub(super) fn counts(&self) -> &BTreeMap<&'static str, usize> {
        &self.counts
    }

    /// Done when all are; partial when some are; else the gravest of what stood in the way.
    pub(super) fn exit(&self) -> Exit {
        let done = self.exits.iter().filter(|exit| **exit == Exit::Done);
        match done.count() {
            count if count == self.of => return Exit::Done,
            0 => {}
            _ => return Exit::Partial,
        }
        const GRAVEST_FIRST: [Exit; 7] = [
            Exit::Unknown,
            Exit::Partial,
            Exit::Failed,
            Exit::WaitsForPerson,
            Exit::NotAllowed,
            Exit::Guarded,
            Exit::NotFound,
        ];
        let found = GRAVEST_FIRST
            .into_iter()
            .find(|exit| self.exits.contains(exit));
        found.unwrap_or(Exit::Failed)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let contained = RunState::Contained.word();
        let count = self.counts.get(contained).copied().unwrap_or_default();
        write!(f, "{count} of {} contained", self.of)?;
        for (word, count) in self.counts.iter().filter(|(word, _)| **word != contained) {
            write!(f, "  {word} {count}")?;
        }
        Ok(())
    }
}
