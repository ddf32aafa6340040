//! The tenant and the playbook as a person saw them.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::About;
use crate::domain::entity::Entity;

/// One switch as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Switched {
    /// Whose.
    #[serde(flatten)]
    pub entity: Entity,
    /// Its own `accountEnabled`.
    pub enabled: bool,
}

/// The tenant and the playbook as a person saw them, which their word binds to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    /// The digest of the playbook in force under the run's name, where there is one.
    pub playbook: Option<String>,
    /// The entity and its kin, sorted.
    pub switches: Vec<Switched>,
}

impl World {
    /// What a word binds to: SHA-256, in hex, over the plan and everything that was seen.
    pub fn digest(&self, about: About, plan_digest: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("estop-approval-1\n{}\n{plan_digest}", about.word()));
        hash.update(format!(
            "\n{}",
            self.playbook.as_deref().unwrap_or_default()
        ));
        for Switched { entity, enabled } in &self.switches {
            hash.update(format!("\n{entity} {enabled}"));
        }
        hex::encode(hash.finalize())
    }

    /// How `self`, seen now, differs from what was seen before.
    pub fn changes_since(&self, before: &Self) -> Vec<String> {
        let old = |entity| before.switches.iter().find(|was| was.entity == entity);
        let mut changes = Vec::new();
        for Switched { entity, enabled } in &self.switches {
            match old(*entity) {
                None => changes.push(format!("{entity} is new")),
                Some(was) if was.enabled != *enabled => {
                    let now = if *enabled { "enabled" } else { "disabled" };
                    changes.push(format!("{entity} is {now} now"));
                }
                Some(_) => {}
            }
        }
        let is_there = |entity| self.switches.iter().any(|now| now.entity == entity);
        let gone = before.switches.iter().filter(|was| !is_there(was.entity));
        changes.extend(gone.map(|was| format!("{} is gone", was.entity)));
        if self.playbook != before.playbook {
            changes.push(
                "the playbook has changed since; this run keeps the version it began with".into(),
            );
        }
        changes
    }
}
