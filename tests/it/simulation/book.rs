//! The record, read as it grows: what the service itself says it did.

use std::collections::{BTreeMap, BTreeSet};

use estop::domain::moment::Moment;
use estop::domain::record::{Chain, Record, SealedLine};
use estop::domain::run::{RunEvent, RunState};
use serde_json::Value;
use uuid::Uuid;

use super::told::{Asked, RunTold, Vote};

/// Everything the record says so far.
#[derive(Default)]
pub struct Book {
    chain: Chain,
    pub lines: Vec<SealedLine>,
    pub runs: BTreeMap<Uuid, RunTold>,
    pub orders: BTreeSet<String>,
    pub approvals: BTreeMap<String, Asked>,
    /// Automatic beginnings: when, and whom.
    pub begun: Vec<(Moment, Uuid)>,
    /// Are writes to the tenant stopped?
    pub brake: bool,
    pub mode: Option<String>,
}

/// What a new line means to those who watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A run has begun by itself.
    Begun,
    Contained(Uuid),
    /// Somebody said yes to this.
    Voted(String),
    /// This set is in force from now on.
    Set(String),
    Nothing,
}

const EVENTS: [RunEvent; 17] = [
    RunEvent::Begun,
    RunEvent::Held,
    RunEvent::Resumed,
    RunEvent::ReleaseTimedOut,
    RunEvent::Kept,
    RunEvent::Reopened,
    RunEvent::LeftOpen,
    RunEvent::EndedObserved,
    RunEvent::EndedContained,
    RunEvent::EndedPartial,
    RunEvent::EndedFailed,
    RunEvent::EndedUnknown,
    RunEvent::UndoAsked,
    RunEvent::UndoEnded,
    RunEvent::UndoStuck,
    RunEvent::Poisoned,
    RunEvent::Stopped,
];

impl Book {
    pub fn stops_writes(&self) -> bool {
        self.brake || matches!(self.mode.as_deref(), Some("off" | "observe"))
    }

    /// Reads the next line. `Err` says which law it breaks.
    pub fn read(&mut self, line: SealedLine) -> Result<News, String> {
        let followed = self.chain.follow(&line);
        followed.map_err(|broken| format!("I9: {broken}"))?;
        let record: Record =
            serde_json::from_str(&line.line).map_err(|error| format!("I9: {error}"))?;
        self.lines.push(line);
        if let Some(order) = record.order {
            self.orders.insert(order.to_string());
        }
        match record.what.as_str() {
            "order.taken" => self.order(&record),
            "run.made" => self.made(&record),
            "step.started" | "step.not_struck" | "step.ended" | "step.undone" => {
                self.step(&record)?;
            }
            "playbooks.active" => return Ok(News::Set(text(&record.detail["set"]))),
            what => {
                if let Some(word) = what.strip_prefix("run.") {
                    return self.moved(&record, word);
                }
                if let Some(word) = what.strip_prefix("approval.") {
                    return Ok(self.asked(&record, word));
                }
            }
        }
        Ok(News::Nothing)
    }

    fn asked(&mut self, record: &Record, word: &str) -> News {
        let detail = &record.detail;
        let name = text(&detail["approval"]);
        match word {
            "asked" => {
                let asked = Asked {
                    expires_at: moment(&detail["expires_at"]),
                    requester: detail["requester"]["name"].as_str().map(str::to_owned),
                    votes: Vec::new(),
                    ended: false,
                };
                self.approvals.insert(name, asked);
            }
            "voted" => {
                let vote = Vote {
                    who: record.who.0.clone(),
                    plan: text(&detail["plan"]),
                    at: record.at,
                };
                if let Some(asked) = self.approvals.get_mut(&name) {
                    asked.votes.push(vote);
                }
                return News::Voted(name);
            }
            "extended" => {}
            _ => {
                if word == "approved" {
                    self.approved(record);
                }
                if let Some(asked) = self.approvals.get_mut(&name) {
                    asked.ended = true;
                }
            }
        }
        News::Nothing
    }

    fn run(&mut self, record: &Record) -> Option<&mut RunTold> {
        self.runs.get_mut(&record.run?.uuid())
    }

    fn order(&mut self, record: &Record) {
        let order = &record.detail["order"];
        match order["order"].as_str() {
            Some("trip_brake") => self.brake = true,
            Some("reset_brake") => self.brake = false,
            Some("mode") => self.mode = order["mode"].as_str().map(str::to_owned),
            Some("resume") => {
                if let Some(run) = self.run(record) {
                    run.released = true;
                }
            }
            _ => {}
        }
    }

    fn made(&mut self, record: &Record) {
        let detail = &record.detail;
        let Some(run) = record.run else { return };
        let state = detail["state"].as_str().and_then(RunState::from_word);
        let told = RunTold {
            entity: id(&detail["entity"]["id"]).unwrap_or_default(),
            mode: text(&detail["mode"]),
            by_person: record.order.is_some(),
            released: false,
            approved_by: BTreeSet::new(),
            state: state.unwrap_or(RunState::Queued),
            steps: BTreeMap::new(),
        };
        self.runs.insert(run.uuid(), told);
    }

    fn approved(&mut self, record: &Record) {
        let votes = record.detail["votes"].as_array().cloned();
        if let Some(run) = self.run(record) {
            let people = votes.iter().flatten().map(|vote| text(&vote["person"]));
            run.approved_by.extend(people);
            // The vote that was enough is told beside the order, not in the list before it.
            run.approved_by.insert(record.who.0.clone());
        }
    }

    fn step(&mut self, record: &Record) -> Result<(), String> {
        let detail = record.detail.clone();
        let (what, at) = (record.what.clone(), record.at);
        let Some(run) = self.run(record) else {
            return Err(format!("I9: {what} of a run that was never made"));
        };
        let position = detail["step"].as_u64().unwrap_or(u64::MAX);
        let step = run.steps.entry(position).or_default();
        match what.as_str() {
            "step.started" => {
                step.action = text(&detail["action"]);
                let before = &detail["before"];
                let switches = before["switches"].as_array().into_iter().flatten();
                step.switches = switches.filter_map(|it| id(&it["id"])).collect();
                step.switches.extend(id(&before["id"]));
                step.written_down.extend(&step.switches);
                step.started = Some(at);
                step.outcome = None;
            }
            "step.not_struck" => {
                step.switches.clear();
                step.started = None;
            }
            "step.ended" => step.outcome = Some(text(&detail["outcome"])),
            "step.undone" => step.undone = Some(text(&detail["undo"])),
            _ => {}
        }
        Ok(())
    }

    fn moved(&mut self, record: &Record, word: &str) -> Result<News, String> {
        let Some(new) = RunState::from_word(word) else {
            return Ok(News::Nothing);
        };
        let Some(run) = record.run.map(|run| run.uuid()) else {
            return Ok(News::Nothing);
        };
        let Some(told) = self.runs.get_mut(&run) else {
            return Err(format!("I9: run.{word} of a run that was never made"));
        };
        let was = told.state;
        let lawful = EVENTS.iter().any(|event| was.after(*event) == Ok(new));
        if !lawful || record.detail["was"] != was.word() {
            return Err(format!("I9: a run that is {was} became {new}"));
        }
        told.state = new;
        let first = was == RunState::Queued && told.steps.is_empty();
        if new == RunState::Running && first {
            let automatic = !told.by_person && !told.released && told.approved_by.is_empty();
            if automatic && told.mode != "observe" {
                self.begun.push((record.at, told.entity));
                return Ok(News::Begun);
            }
        }
        let contained = new == RunState::Contained;
        Ok(if contained {
            News::Contained(run)
        } else {
            News::Nothing
        })
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn id(value: &Value) -> Option<Uuid> {
    value.as_str()?.parse().ok()
}

fn moment(value: &Value) -> Moment {
    serde_json::from_value(value.clone()).unwrap_or_else(|_| Moment::from_millis(i64::MAX))
}
