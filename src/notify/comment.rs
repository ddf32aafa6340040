//! The words that go into the incident: what was stopped, what was not, where to look.
//!
//! `contained` is said only where every run ended so; what is unknown is never called done. Whole
//! lines are left out, and counted, where all of them would be too long.

use std::fmt::Write as _;

use super::outlook::Outlook;
use crate::domain::coverage::DoorReport;
use crate::domain::run::{Run, RunState};
use crate::domain::shown::disturbs;
use crate::store::Status;

/// Most characters of a comment without its last line; Sentinel takes 30,000.
const COMMENT_MAX: usize = 28_000;
/// Most lines of one kind; the page has them all.
const LINES_MAX: usize = 20;
/// Most lines that say door by door what is known.
const DOORS_MAX: usize = 120;

/// Markdown for the incident. `page` is where a person reads the rest and may undo.
pub fn comment(
    status: &Status,
    (state, outlook): (&str, Outlook),
    time_to_contain_ms: Option<u64>,
    page: Option<&str>,
) -> String {
    let mut text = format!(
        "**{}** by estop",
        headline(state, outlook, time_to_contain_ms)
    );
    let mut playbooks: Vec<_> = status
        .runs
        .iter()
        .map(|run| run.playbook.to_string())
        .collect();
    playbooks.dedup();
    if !playbooks.is_empty() {
        let _ = write!(text, " (playbook {})", playbooks.join(", "));
    }
    text.push('.');
    let because = status.runs.iter().find_map(|run| run.because.as_deref());
    if let Some(why) = status.why.as_deref().or(because) {
        let _ = write!(text, "\n- Why: {}", plain(why));
    }
    let closed = |run: &&Run| run.state == RunState::Contained;
    let stopped = status.runs.iter().filter(closed).map(name);
    lines(&mut text, ("Stopped", LINES_MAX), stopped);
    let ended = matches!(outlook, Outlook::Final(_));
    let left = status
        .runs
        .iter()
        .filter(|run| ended && is_left_open(run.state));
    lines(
        &mut text,
        ("Not confirmed as stopped", LINES_MAX),
        left.map(name),
    );
    let doors = status.runs.iter().filter_map(|run| run.coverage.as_ref());
    let residual = doors.flat_map(|coverage| coverage.residual());
    lines(
        &mut text,
        ("Still possible", LINES_MAX),
        residual.map(residue),
    );
    let remarks = status
        .detection
        .iter()
        .flat_map(|detection| &detection.remarks);
    lines(
        &mut text,
        ("Note", LINES_MAX),
        remarks.map(|remark| plain(remark)),
    );
    let coverage = status.runs.iter().flat_map(covered);
    lines(&mut text, ("Coverage", DOORS_MAX), coverage);
    if let Some(page) = page {
        let _ = write!(text, "\n- Details and undo: {page}");
    }
    text
}

/// Each door of a run, and how what is said of it is known.
fn covered(run: &Run) -> impl Iterator<Item = String> {
    let doors = run.coverage.iter().flat_map(|coverage| &coverage.doors);
    doors.map(|report| {
        let mut text = residue(report);
        if let Some(id) = report.id {
            let _ = write!(text, ", {id}");
        }
        if !report.proof.is_empty() {
            let _ = write!(text, ": {}", plain(&report.proof));
        }
        text
    })
}

fn headline(state: &str, outlook: Outlook, time_to_contain_ms: Option<u64>) -> String {
    match (outlook, RunState::from_word(state), time_to_contain_ms) {
        (Outlook::Soon, _, _) => "Being worked on".to_owned(),
        (Outlook::Person, _, _) => "Waiting for a person".to_owned(),
        (Outlook::Final(_), Some(state), time) => ended(state, time),
        // Not a run's state, so the delivery's own.
        (Outlook::Final(_), None, _) if state == "quarantined" => {
            "Kept aside, because it could not be understood. A person must look".to_owned()
        }
        (Outlook::Final(_), None, _) => "Taken; nothing follows from it".to_owned(),
    }
}

fn ended(state: RunState, time_to_contain_ms: Option<u64>) -> String {
    let words = match (state, time_to_contain_ms) {
        (RunState::Contained, Some(ms)) => {
            return format!("Contained in {}.{} s", ms / 1000, ms % 1000 / 100);
        }
        (RunState::Contained, None) => "Contained",
        (RunState::Partial, _) => "Stopped only in part. A person must look",
        (RunState::Failed, _) => "Not stopped. A person must act now",
        (RunState::Unknown, _) => {
            "Sent and not confirmed: the effect is unknown. A person must look"
        }
        (RunState::Stuck, _) => "Stuck. A person must look",
        (RunState::Observed, _) => "Observed only, nothing was changed",
        (RunState::Undone, _) => "Put back as it was",
        (RunState::Expired, _) => "Nobody released it in time, nothing was done",
        (RunState::Stopped, _) => "Ended by a person before it was done",
        (RunState::Queued | RunState::Waiting | RunState::Running | RunState::Undoing, _) => {
            "Being worked on"
        }
    };
    words.to_owned()
}

const fn is_left_open(state: RunState) -> bool {
    match state {
        RunState::Partial
        | RunState::Failed
        | RunState::Unknown
        | RunState::Stuck
        | RunState::Expired
        | RunState::Stopped => true,
        RunState::Queued
        | RunState::Observed
        | RunState::Waiting
        | RunState::Running
        | RunState::Contained
        | RunState::Undoing
        | RunState::Undone => false,
    }
}

fn name(run: &Run) -> String {
    run.entity.to_string()
}

fn residue(report: &DoorReport) -> String {
    let door = serde_json::to_value(report.door).ok();
    let door = door
        .as_ref()
        .and_then(|door| door.as_str())
        .unwrap_or_default();
    let mut text = format!("{}: {}", door.replace('_', " "), report.state.words());
    if let Some(until) = report.until {
        let _ = write!(text, " until {until}");
    }
    text
}

/// Writes one line for each, and how many were left out.
fn lines(text: &mut String, (label, most): (&str, usize), items: impl Iterator<Item = String>) {
    let mut left_out = 0_usize;
    for (n, item) in items.enumerate() {
        let line = format!("\n- {label}: {item}");
        if n < most && text.chars().count() + line.chars().count() <= COMMENT_MAX {
            text.push_str(&line);
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        let _ = write!(text, "\n- {label}: {left_out} more");
    }
}

/// A reason may quote a sender; it must not become a link or a heading in the incident.
fn plain(text: &str) -> String {
    let kept = text.chars().map(|c| match c {
        '[' | ']' | '(' | ')' | '<' | '>' | '*' | '#' | '|' | '!' | '`' | '\\' => ' ',
        c if disturbs(c) => ' ',
        c => c,
    });
    kept.take(500).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{COMMENT_MAX, comment};
    use crate::domain::coverage::{Coverage, Door, DoorReport, DoorState};
    use crate::domain::delivery::DeliveryState;
    use crate::domain::detection::SourceName;
    use crate::domain::entity::{Entity, ObjectId};
    use crate::domain::id::RunId;
    use crate::domain::moment::Moment;
    use crate::domain::playbook::{Mode, PlaybookName};
    use crate::domain::run::{Run, RunState};
    use crate::notify::outlook::{Ended, Outlook};
    use crate::store::Status;

    /// One of a storm: every door says at length, in letters of three bytes, how it is known.
    fn run(number: u128) -> Run {
        let id = Uuid::from_u128(number);
        let door = DoorReport {
            door: Door::IssuedTokens,
            id: Some(ObjectId::from_uuid(id)),
            state: DoorState::MayWork,
            until: None,
            proof: "証".repeat(400),
        };
        Run {
            id: RunId::from_uuid(id),
            detection: None,
            order: None,
            source: None,
            playbook: PlaybookName::by_hand(),
            entity: Entity::agent(ObjectId::from_uuid(id)),
            mode: Mode::Enforce,
            state: RunState::Contained,
            because: None,
            plan_digest: String::new(),
            received_at: Moment::from_millis(0),
            begun_at: None,
            struck_at: None,
            contained_at: None,
            ended_at: None,
            coverage: Some(Coverage { doors: vec![door] }),
        }
    }

    #[test]
    fn a_storm_fits_into_a_comment_by_whole_lines_and_keeps_the_way_to_the_rest() {
        let status = Status {
            source: SourceName::new("lab").unwrap(),
            delivery_state: DeliveryState::Read,
            why: None,
            detection: None,
            runs: (0..300).map(run).collect(),
            held_until: None,
        };
        let page = "https://estop.example/d/1";

        let told = ("contained", Outlook::Final(Ended::Well));
        let text = comment(&status, told, Some(1_600), Some(page));

        let length = text.chars().count();
        assert!((20_000..COMMENT_MAX + 500).contains(&length), "{length}");
        assert!(text.ends_with(&format!("\n- Details and undo: {page}")));
        for wanted in ["\n- Stopped: 280 more", "\n- Still possible: 280 more"] {
            assert!(text.contains(wanted), "{wanted}");
        }
        let more = text
            .lines()
            .find(|line| line.starts_with("- Coverage: ") && line.ends_with(" more"));
        assert!(more.is_some(), "what is left out is counted");
        let mut covered = text
            .lines()
            .filter(|line| line.starts_with("- Coverage: issued"));
        assert!(
            covered.all(|line| line.ends_with(&"証".repeat(400))),
            "a line is cut"
        );
    }
}
