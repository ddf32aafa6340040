//! Do the rows of a run say what its sealed records say?
//!
//! Rows change and are sealed by nothing. What they say of a run, its steps and its approvals was
//! also sealed when it was stored, so that a row which a failing disk changed is found by its
//! record. Times a run is measured by, and what a person saw first, are in no record, and not
//! judged.

mod question;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use question::Question;

use super::approval::Approval;
use super::plan::Plan;
use super::record::Record;
use super::run::{Run, RunState};
use super::step::Step;

/// What is stored of a run.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The run.
    pub run: Run,
    /// Which playbook it carries out; empty for a person's own order.
    pub playbook_digest: String,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// Every question about it.
    pub approvals: Vec<Approval>,
    /// May it pass the caps?
    pub released: bool,
    /// Does a person keep what it contained provisionally?
    pub kept: bool,
}

/// What its records say of a run.
#[derive(Debug, Default)]
struct Attested {
    made: Value,
    /// The plan it was made with, or the smaller one that people chose.
    plan: Value,
    state: Option<RunState>,
    steps: BTreeMap<u64, Told>,
    asked: BTreeMap<String, Question>,
    resumed: bool,
    offline: bool,
}

#[derive(Debug, Default)]
struct Told {
    before: Value,
    started: bool,
    ended: Option<Value>,
    /// The run went back to work since, perhaps with this step.
    again: bool,
    undo: Value,
}

/// What first differs, where anything does. The records are all of the run's, in order.
pub fn differs(rows: &Rows, records: &[Record]) -> Option<String> {
    let mut attested = Attested::default();
    for record in records {
        attested.hear(record);
    }
    if attested.made.is_null() {
        return Some("no record says that it was made".to_owned());
    }
    let of_run = attested.run_differs(rows);
    let of_step = || rows.steps.iter().find_map(|it| attested.step_differs(it));
    let of_approval = || {
        let mut each = rows.approvals.iter();
        each.find_map(|it| attested.approval_differs(it))
    };
    let missing = || {
        let known = |id: &&String| !rows.approvals.iter().any(|it| it.id.to_string() == **id);
        let missing = attested.asked.keys().find(known);
        missing.map(|id| format!("{id} is missing"))
    };
    let of_steps = of_run.or_else(of_step);
    of_steps.or_else(of_approval).or_else(missing)
}

impl Attested {
    fn hear(&mut self, record: &Record) {
        let detail = &record.detail;
        let what = record.what.as_str();
        match what {
            "run.made" => {
                self.made = detail.clone();
                self.plan = detail["plan"].clone();
            }
            "plan.chosen" => self.plan = detail["plan"].clone(),
            "offline.merged" => self.offline = true,
            _ => {}
        }
        if let Some(state) = what.strip_prefix("run.").and_then(RunState::from_word) {
            self.state = Some(state);
            self.resumed |= state == RunState::Queued && detail["was"] == "waiting";
            if state == RunState::Queued {
                self.steps.values_mut().for_each(|told| told.again = true);
            }
        }
        if let Some(step) = detail["step"].as_u64()
            && what.starts_with("step.")
        {
            self.steps.entry(step).or_default().hear(what, detail);
        }
        if let Some(id) = detail["approval"].as_str() {
            self.hear_of_question(id, record);
        }
    }

    fn hear_of_question(&mut self, id: &str, record: &Record) {
        if record.what == "approval.asked" {
            self.asked.insert(id.to_owned(), Question::of(record));
        } else if let Some(question) = self.asked.get_mut(id) {
            question.hear(record);
        }
    }

    fn run_differs(&self, rows: &Rows) -> Option<String> {
        let Rows { run, steps, .. } = rows;
        for (name, stored) in [
            ("playbook", json(&run.playbook)),
            ("mode", json(&run.mode)),
            ("entity", json(&run.entity)),
        ] {
            if self.made[name] != stored {
                return Some(format!("its {name}"));
            }
        }
        if self.plan != json(&run.plan_digest) {
            return Some("its plan".to_owned());
        }
        let planned = Plan {
            entity: run.entity,
            playbook_digest: rows.playbook_digest.clone(),
            steps: steps.iter().map(|step| step.plan).collect(),
        };
        if planned.digest() != run.plan_digest {
            return Some("its steps are not the ones of its plan".to_owned());
        }
        let made = || serde_json::from_value(self.made["state"].clone()).ok();
        if self.state.or_else(made) != Some(run.state) {
            return Some(format!("its state, `{}`", run.state));
        }
        let agreed = self.asked.values().any(Question::is_approved);
        let is_kept = |it: &Question| it.is_about("keep") && it.is_approved();
        if rows.kept && !self.asked.values().any(is_kept) {
            return Some("that it is kept".to_owned());
        }
        (rows.released && !agreed && !self.resumed).then(|| "that it was released".to_owned())
    }

    fn step_differs(&self, step: &Step) -> Option<String> {
        let silent = Told::default();
        let told = self.steps.get(&u64::from(step.position));
        let told = told.unwrap_or(&silent);
        let what = if told.started && json(&step.before) != told.before
            || !told.started && step.before.is_some() && !self.offline
        {
            "what was before it"
        } else if json(&step.undo) != told.undo {
            "what became of putting it back"
        } else {
            told.end_differs(step)?
        };
        Some(format!("step {}: {what}", step.position))
    }

    fn approval_differs(&self, approval: &Approval) -> Option<String> {
        let differs = match self.asked.get(&approval.id.to_string()) {
            Some(question) => question.differs(approval)?,
            None => "no record says that it was asked",
        };
        Some(format!("{}: {differs}", approval.id))
    }
}

impl Told {
    fn hear(&mut self, what: &str, detail: &Value) {
        match what {
            "step.started" | "step.before_proved" => {
                self.before = detail["before"].clone();
                self.started = true;
            }
            "step.not_struck" => self.before = Value::Null,
            "step.ended" => {
                self.ended = Some(detail.clone());
                self.again = false;
            }
            "step.undone" => self.undo = detail["undo"].clone(),
            _ => {}
        }
    }

    fn end_differs(&self, step: &Step) -> Option<&'static str> {
        let Some(outcome) = step.outcome else {
            let open = step.state == super::step::StepState::Sent || !step.state.has_ended();
            let may_be = open && (self.ended.is_none() || self.again);
            return (!may_be).then_some("its outcome is missing");
        };
        let same = |name: &str, stored: Value| {
            let ended = self.ended.as_ref();
            ended.is_some_and(|ended| ended[name] == stored)
        };
        let (entity, action) = (json(&step.plan.entity), json(&step.plan.action));
        if !same("outcome", json(&outcome)) || outcome.leaves() != step.state {
            Some("its outcome")
        } else if !same("evidence", json(&step.evidence)) {
            Some("its evidence")
        } else {
            (!same("entity", entity) || !same("action", action)).then_some("whom it was done to")
        }
    }
}

/// As a record says it.
fn json<T: Serialize>(stored: &T) -> Value {
    serde_json::to_value(stored).unwrap_or_default()
}
