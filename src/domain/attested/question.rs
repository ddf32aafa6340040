//! A question to people, as its records tell it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::json;
use crate::domain::approval::{Approval, ApprovalState, Vote};
use crate::domain::moment::Moment;
use crate::domain::record::Record;

/// What records say of one question to people.
#[derive(Debug)]
pub(super) struct Question {
    at: Moment,
    said: Value,
    until: Value,
    extended: u32,
    /// Which plan, who, when.
    voted: Vec<(Value, String, Moment)>,
    ended: Option<(ApprovalState, Record)>,
}

impl Question {
    /// One that was asked now, by the record that says so.
    pub(super) fn of(asked: &Record) -> Self {
        Self {
            at: asked.at,
            said: asked.detail.clone(),
            until: asked.detail["expires_at"].clone(),
            extended: 0,
            voted: Vec::new(),
            ended: None,
        }
    }

    /// What became of it since.
    pub(super) fn hear(&mut self, record: &Record) {
        let detail = &record.detail;
        match record.what.as_str() {
            "approval.voted" => {
                let vote = (detail["plan"].clone(), record.who.0.clone(), record.at);
                self.voted.push(vote);
            }
            "approval.extended" => {
                self.until = detail["until"].clone();
                self.extended += 1;
            }
            what => {
                let state = what.strip_prefix("approval.");
                let state = state.and_then(ApprovalState::from_word);
                self.ended = state.map(|state| (state, record.clone()));
            }
        }
    }

    pub(super) fn is_about(&self, about: &str) -> bool {
        self.said["about"] == about
    }

    pub(super) fn is_approved(&self) -> bool {
        let ended = self.ended.as_ref();
        ended.is_some_and(|(state, _)| *state == ApprovalState::Approved)
    }

    /// What first differs from the rows of it.
    pub(super) fn differs(&self, stored: &Approval) -> Option<&'static str> {
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
