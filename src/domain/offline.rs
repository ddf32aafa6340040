//! What was done with the server and its database away: the lines of a journal, and the story they
//! tell of each run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::entity::Entity;
use super::id::RunId;
use super::moment::Moment;
use super::outcome::Outcome;
use super::plan::{Plan, PlanStep};
use super::step::Before;

/// One line: written and on disk before what it announces is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Of which run.
    pub run: RunId,
    /// When.
    pub at: Moment,
    /// What.
    #[serde(flatten)]
    pub said: Said,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub enum Said {
    /// A person began to contain something.
    Begun {
        /// Who, by the name at the machine.
        by: String,
        /// Why, in the person's words.
        reason: String,
        /// What is to be done.
        plan: Plan,
    },
    /// A write may leave from here on.
    Struck {
        /// Which step.
        position: u16,
        /// What was there before.
        before: Before,
        /// What it is about to close.
        closes: Vec<Entity>,
    },
    /// A step ended.
    Ended {
        /// Which step.
        position: u16,
        /// How.
        outcome: Outcome,
        /// The proof, for people.
        evidence: String,
    },
    /// An entity was read back.
    ReadBack {
        /// Which.
        entity: Entity,
        /// Did two equal reads say that it is closed?
        closed: bool,
        /// The last read, for people.
        evidence: String,
    },
}

/// A write that may have left.
#[derive(Clone, Debug, PartialEq)]
pub struct Struck {
    /// When.
    pub at: Moment,
    /// What was there before.
    pub before: Before,
    /// What it closes.
    pub closes: Vec<Entity>,
}

/// Everything a journal says of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// Its name.
    pub run: RunId,
    /// When it began.
    pub at: Moment,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// What was to be done.
    pub plan: Plan,
    /// The steps whose writes may have left.
    pub struck: BTreeMap<u16, Struck>,
    /// How steps ended.
    pub ended: BTreeMap<u16, (Moment, Outcome, String)>,
    /// What was read back, the last word of each entity.
    pub read_back: Vec<(Entity, Moment, bool)>,
}

impl Story {
    /// Is everything that was to be closed read back closed? A line that a journal lost is not taken
    /// for a thing that went well: a step that ended was struck, and what it was about was closed.
    pub fn is_contained(&self) -> bool {
        let ended_well = |position: &u16| {
            let outcome = self.ended.get(position).map(|(_, outcome, _)| *outcome);
            matches!(outcome, Some(Outcome::Done | Outcome::AlreadyDone))
        };
        let struck = |position: &u16, step: &PlanStep| {
            let itself = step.action.closes() == Some(step.entity.kind);
            let struck = self.struck.get(position);
            struck.is_some_and(|it| !itself || it.closes.contains(&step.entity))
        };
        let closed = |entity: &Entity| {
            let mut reads = self.read_back.iter();
            reads.any(|(read, _, closed)| read == entity && *closed)
        };
        let steps = (0..).zip(&self.plan.steps);
        let mut required = steps.filter(|(_, step)| step.action != Action::Verify);
        let mut closes = self.struck.values().flat_map(|one| &one.closes).peekable();
        closes.peek().is_some()
            && required.all(|(position, step)| ended_well(&position) && struck(&position, step))
            && closes.all(closed)
    }
}

/// The stories of a journal, in the order they began. Lines of a run that never began are left out,
/// and a run begins once.
pub fn stories(lines: &[Line]) -> Vec<Story> {
    let mut stories: Vec<Story> = Vec::new();
    for line in lines {
        let known = stories.iter_mut().find(|one| one.run == line.run);
        if let Some(story) = known {
            story.add(line);
        } else if let Said::Begun { by, reason, plan } = &line.said {
            stories.push(Story {
                run: line.run,
                at: line.at,
                by: by.clone(),
                reason: reason.clone(),
                plan: plan.clone(),
                struck: BTreeMap::new(),
                ended: BTreeMap::new(),
                read_back: Vec::new(),
            });
        }
    }
    stories
}

impl Story {
    fn add(&mut self, line: &Line) {
        match &line.said {
            Said::Begun { .. } => {}
            Said::Struck {
                position,
                before,
                closes,
            } => {
                // The first look is what was there before us.
                self.struck.entry(*position).or_insert_with(|| Struck {
                    at: line.at,
                    before: before.clone(),
                    closes: closes.clone(),
                });
            }
            Said::Ended {
                position,
                outcome,
                evidence,
            } => {
                let ended = (line.at, *outcome, evidence.clone());
                self.ended.insert(*position, ended);
            }
            Said::ReadBack { entity, closed, .. } => {
                self.read_back.retain(|(known, ..)| known != entity);
                self.read_back.push((*entity, line.at, *closed));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Line, Said, stories};
    use crate::domain::entity::{Entity, ObjectId};
    use crate::domain::id::RunId;
    use crate::domain::moment::Moment;
    use crate::domain::outcome::Outcome;
    use crate::domain::plan::Plan;
    use crate::domain::step::Before;

    fn line(said: Said) -> Line {
        Line {
            run: RunId::from_uuid(Uuid::from_u128(1)),
            at: Moment::from_millis(0),
            said,
        }
    }

    #[test]
    fn only_what_ended_well_and_reads_closed_is_contained() {
        let agent = Entity::agent(ObjectId::from_uuid(Uuid::from_u128(7)));
        let plan = Plan::drill(agent);
        let (by, reason) = ("local:dana".to_owned(), "x".to_owned());
        let mut lines = vec![line(Said::Begun { by, reason, plan })];
        let contained = |lines: &[Line]| stories(lines)[0].is_contained();

        assert!(!contained(&lines));
        lines.push(line(Said::Struck {
            position: 0,
            before: Before::Nothing,
            closes: vec![agent],
        }));
        let evidence = String::new();
        lines.push(line(Said::Ended {
            position: 0,
            outcome: Outcome::Done,
            evidence: evidence.clone(),
        }));
        assert!(!contained(&lines), "nobody has read it back");
        lines.push(line(Said::ReadBack {
            entity: agent,
            closed: true,
            evidence,
        }));
        assert!(contained(&lines));

        // Whatever single line a crash or a disk took, it is no proof that it was not needed.
        for lost in 1..lines.len() {
            let mut damaged = lines.clone();
            damaged.remove(lost);
            assert!(!contained(&damaged), "without line {lost}");
        }
        let of = |kept: &[usize]| -> Vec<Line> { kept.iter().map(|n| lines[*n].clone()).collect() };
        assert!(!contained(&of(&[0, 2])), "neither struck nor read back");
        assert!(!contained(&of(&[0, 2, 3])), "nobody knows what was struck");
    }

    #[test]
    fn a_run_begins_once() {
        let agent = Entity::agent(ObjectId::from_uuid(Uuid::from_u128(7)));
        let begun = |by: &str| {
            line(Said::Begun {
                by: by.to_owned(),
                reason: "x".to_owned(),
                plan: Plan::drill(agent),
            })
        };

        let stories = stories(&[begun("local:dana"), begun("local:eve")]);

        assert_eq!(stories.len(), 1);
        assert_eq!(stories[0].by, "local:dana");
    }

    #[test]
    fn a_line_is_read_back_from_its_own_text() {
        let written = line(Said::Struck {
            position: 3,
            before: Before::Nothing,
            closes: Vec::new(),
        });

        let text = serde_json::to_string(&written).unwrap();

        assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), written);
    }
}
