//! Do the rows of a run say what its sealed records say?
//!
//! Rows are sealed by nothing, but what they say was sealed when it was stored: so a row that a failing
//! disk changed is found. Times a run is measured by, and what a person saw first, are not judged.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::approval::{Approval, ApprovalState, Vote};
use super::approved::SMALLER;
use super::moment::Moment;
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

#[derive(Debug, Default)]
struct Attested {
    made: Value,
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

#[derive(Debug)]
struct Question {
    at: Moment,
    said: Value,
    until: Value,
    extended: u32,
    voted: Vec<(Value, String, Moment)>,
    ended: Option<(ApprovalState, Record)>,
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
            "run.made" => self.made = detail.clone(),
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
        let detail = &record.detail;
        if record.what == "approval.asked" {
            let question = Question {
                at: record.at,
                said: detail.clone(),
                until: detail["expires_at"].clone(),
                extended: 0,
                voted: Vec::new(),
                ended: None,
            };
            self.asked.insert(id.to_owned(), question);
            return;
        }
        let Some(question) = self.asked.get_mut(id) else {
            return;
        };
        match record.what.as_str() {
            "approval.voted" => {
                question
                    .voted
                    .push((detail["plan"].clone(), record.who.0.clone(), record.at))
            }
            "approval.extended" => {
                question.until = detail["until"].clone();
                question.extended += 1;
            }
            what => {
                let state = what.strip_prefix("approval.");
                let state = state.and_then(ApprovalState::from_word);
                question.ended = state.map(|state| (state, record.clone()));
            }
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
        if self.made["plan"] != json(&run.plan_digest) && !self.is_smaller() {
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
        let approved = |question: &Question| {
            let ended = question.ended.as_ref();
            ended.is_some_and(|(state, _)| *state == ApprovalState::Approved)
        };
        let agreed = self.asked.values().any(approved);
        let is_kept = |it: &Question| it.said["about"] == "keep" && approved(it);
        if rows.kept && !self.asked.values().any(is_kept) {
            return Some("that it is kept".to_owned());
        }
        (rows.released && !agreed && !self.resumed).then(|| "that it was released".to_owned())
    }

    /// Did people choose a smaller plan? Its digest is in no record, only that they did.
    fn is_smaller(&self) -> bool {
        let mut ended = self.asked.values().filter_map(|it| it.ended.as_ref());
        ended.any(|(_, it)| it.detail["result"].to_string().contains(SMALLER))
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

impl Question {
    fn differs(&self, stored: &Approval) -> Option<&'static str> {
        let said = |name: &str| &self.said[name];
        let ended = self.ended.as_ref();
        let state = ended.map_or(ApprovalState::Asked, |(state, _)| *state);
        let result = ended.map_or(&Value::Null, |(_, record)| &record.detail["result"]);
        let over = ended.map(|(_, record)| record.at);
        let checks = [
            ("its state", state == stored.state),
            ("what is asked", *said("about") == json(&stored.about)),
            ("why it is asked", *said("because") == json(&stored.because)),
            ("its terms", *said("terms") == json(&stored.terms)),
            ("who asked", *said("requester") == json(&stored.requester)),
            ("since when it is asked", self.at == stored.asked_at),
            ("its end", self.until == json(&stored.expires_at)),
            ("its extensions", self.extended == stored.extensions),
            ("when it ended", over == stored.decided_at),
            ("how it ended", *result == json(&stored.result)),
            ("who said yes", self.votes_are(&stored.votes)),
        ];
        let differs = checks.into_iter().find(|(_, same)| !same);
        differs.map(|(what, _)| what)
    }

    /// One word of one person stands, the last. Who they are in Entra is sealed with the end.
    fn votes_are(&self, stored: &[Vote]) -> bool {
        let given = |vote: &Vote| {
            let plan = Value::String(vote.plan_digest.clone());
            let voted = (plan, vote.name.clone(), vote.at);
            self.voted.contains(&voted)
        };
        let people: BTreeSet<_> = self.voted.iter().map(|(_, who, _)| who).collect();
        let ended = self.ended.as_ref();
        let sealed = ended.map(|(_, record)| &record.detail["votes"]);
        stored.iter().all(given)
            && people.len() == stored.len()
            && sealed.is_none_or(|sealed| *sealed == json(&stored))
    }
}

fn json<T: Serialize>(stored: &T) -> Value {
    serde_json::to_value(stored).unwrap_or_default()
}
