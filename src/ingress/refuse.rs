//! What is said where, when a delivery is not taken: the sender hears one thing, the log and
//! whoever connects the sender hear why.

use std::sync::Arc;

use crate::domain::detection::SourceName;
use crate::domain::entity::ObjectId;
use crate::domain::id::{DeliveryId, DetectionId};

use super::door::Door;
use super::hearing::{Arrival, Heard};
use super::reply::Problem;
use super::sources::Source;
use super::tally::Tallied;
use super::verified::RawDelivery;

/// Called when a configured source is not believed or not taken, once an hour at most, with the
/// reason: a person should be told.
pub type OnRefusal = Arc<dyn Fn(&SourceName, &'static str) + Send + Sync>;

impl Door {
    /// A path that names no source whose deliveries are taken, and what is answered.
    pub(super) fn stranger(&self, name: &str, told: Problem, arrival: Arrival) -> Problem {
        self.tally.add("unknown", Tallied::Refused);
        let disabled = self.sources.find(name).map(|source| &source.name);
        let why = if disabled.is_some() {
            "disabled_source"
        } else {
            "unknown_source"
        };
        self.log_refusal(disabled, why, None);
        if let Some(disabled) = disabled {
            self.tell_once_an_hour(disabled, why);
        }
        self.note((disabled, None), (told, why), None, arrival);
        told
    }

    /// A configured source whose delivery is not believed.
    pub(super) fn disbelieve(
        &self,
        (source, raw): (&Source, &RawDelivery),
        (why, caller): (&'static str, Option<ObjectId>),
        arrival: Arrival,
    ) -> Problem {
        let name = &source.name;
        self.tally.add(name.as_str(), Tallied::Refused);
        self.log_refusal(Some(name), why, caller);
        self.tell_once_an_hour(name, why);
        // Looking for the cause costs more codes, so it is done only while somebody watches.
        let hint = self
            .is_watched()
            .then(|| {
                source
                    .verifier
                    .hint(&raw.headers, &raw.body, self.clock.now())
            })
            .flatten();
        let about = (Some(name), Some(raw.body.len()));
        self.note(about, (Problem::Refused, why), hint, arrival);
        Problem::Refused
    }

    /// A configured source whose delivery has the wrong form.
    pub(super) fn turn_away(
        &self,
        source: &SourceName,
        problem: Problem,
        arrival: Arrival,
    ) -> Problem {
        let why = problem.word();
        self.tally.add(source.as_str(), Tallied::Malformed);
        if let Some(unsaid) = self.tally.line(self.clock.elapsed()) {
            tracing::warn!(source = %source, why, unsaid, "a delivery was not taken");
        }
        self.tell_once_an_hour(source, why);
        self.note((Some(source), None), (problem, why), None, arrival);
        problem
    }

    /// The source may be right, and we lack what we would need to know it.
    pub(super) fn cannot_tell(&self, source: &str, why: &str) -> Problem {
        self.tally.add(source, Tallied::Unable);
        if let Some(unsaid) = self.tally.line(self.clock.elapsed()) {
            tracing::warn!(source, why, unsaid, "a caller could not be checked");
        }
        Problem::Unable
    }

    /// We are unable, which is never told as "you are wrong".
    pub(super) fn unable(&self, why: &str) -> Problem {
        self.tally.add("unknown", Tallied::Unable);
        if let Some(unsaid) = self.tally.line(self.clock.elapsed()) {
            tracing::error!(
                why,
                unsaid,
                "the store did not answer, so nothing was taken"
            );
        }
        Problem::Unable
    }

    /// Whether somebody watches what comes in.
    pub(super) fn is_watched(&self) -> bool {
        self.hearing.is_watched(self.clock.elapsed())
    }

    /// Shows a delivery that was taken to whoever watches.
    pub(super) fn show_taken(
        &self,
        (source, (key, bytes)): (&Source, (String, usize)),
        (id, what): (DeliveryId, Tallied),
        arrival: Arrival,
    ) {
        self.hearing.note(Heard {
            number: 0,
            at: self.clock.now(),
            source: Some(source.name.clone()),
            bytes: Some(bytes),
            status: 202,
            verdict: what.word(),
            key: Some(key),
            detection: Some(DetectionId::from(id)),
            skew_seconds: arrival.skew_seconds,
            took_millis: arrival.took_millis(self.clock.elapsed()),
            hint: None,
        });
    }

    fn log_refusal(&self, source: Option<&SourceName>, why: &str, caller: Option<ObjectId>) {
        if let Some(unsaid) = self.tally.line(self.clock.elapsed()) {
            let source = source.map(SourceName::as_str);
            let caller = caller.map(|caller| caller.to_string());
            tracing::warn!(source, why, caller, unsaid, "a delivery was not believed");
        }
    }

    fn tell_once_an_hour(&self, source: &SourceName, why: &'static str) {
        if self.hearing.is_news(source, self.clock.elapsed()) {
            (self.on_refusal)(source, why);
        }
    }

    fn note(
        &self,
        (source, bytes): (Option<&SourceName>, Option<usize>),
        (problem, verdict): (Problem, &'static str),
        hint: Option<String>,
        arrival: Arrival,
    ) {
        self.hearing.note(Heard {
            number: 0,
            at: self.clock.now(),
            source: source.cloned(),
            bytes,
            status: problem.code(),
            verdict,
            key: None,
            detection: None,
            skew_seconds: arrival.skew_seconds,
            took_millis: arrival.took_millis(self.clock.elapsed()),
            hint,
        });
    }
}
