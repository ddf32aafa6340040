//! How a detection stands, in one word for all its runs, and whether that is the last word.

use crate::domain::delivery::DeliveryState;
use crate::domain::run::{Run, RunState, Standing};
use crate::store::Status;

/// Whether there is more to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// A worker is at it: ask again in a second.
    Soon,
    /// A person was asked: ask again in ten.
    Person,
    /// This is the end of it.
    Final(Ended),
}

/// How it ended, as far as an HTTP status cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As it should, or on purpose without effect.
    Well,
    /// Something is still open.
    Badly,
    /// Nobody knows.
    Unknown,
}

/// The one word for all runs together, and whether it is the last word.
pub fn outlook(status: &Status) -> (&'static str, Outlook) {
    let well = Outlook::Final(Ended::Well);
    match status.delivery_state {
        DeliveryState::Received => return (DeliveryState::Received.word(), Outlook::Soon),
        DeliveryState::Ignored => return (DeliveryState::Ignored.word(), well),
        DeliveryState::Quarantined => return (DeliveryState::Quarantined.word(), well),
        DeliveryState::Read => {}
    }
    let open = |standing| {
        status
            .runs
            .iter()
            .find(|run| run.state.standing() == standing)
    };
    if let Some(run) = open(Standing::AtWork) {
        return (run.state.word(), Outlook::Soon);
    }
    if let Some(run) = open(Standing::NeedsPerson) {
        return (run.state.word(), Outlook::Person);
    }
    let states: Vec<_> = status.runs.iter().map(|run| run.state).collect();
    match summed_up(&states) {
        Some(state) => (state.word(), Outlook::Final(ended(state))),
        // Read, and nothing answers it: on purpose nothing follows.
        None => (DeliveryState::Ignored.word(), well),
    }
}

/// One state for several ended runs: what a person must look at outweighs what went well, and
/// `contained` needs every run that was to contain something.
fn summed_up(states: &[RunState]) -> Option<RunState> {
    use RunState as S;

    let has = |state| states.contains(&state);
    let some_closed = has(S::Contained) || has(S::Partial);
    let some_open = has(S::Failed) || has(S::Expired) || has(S::Stopped) || has(S::Undone);
    let mixed = some_closed && some_open;
    [S::Stuck, S::Unknown]
        .into_iter()
        .find(|state| has(*state))
        .or((mixed || has(S::Partial)).then_some(S::Partial))
        .or_else(|| {
            [
                S::Failed,
                S::Contained,
                S::Expired,
                S::Stopped,
                S::Undone,
                S::Observed,
            ]
            .into_iter()
            .find(|state| has(*state))
        })
        .or(states.first().copied())
}

const fn ended(state: RunState) -> Ended {
    match state {
        RunState::Failed | RunState::Partial | RunState::Stuck => Ended::Badly,
        RunState::Unknown => Ended::Unknown,
        RunState::Queued
        | RunState::Observed
        | RunState::Waiting
        | RunState::Running
        | RunState::Contained
        | RunState::Undoing
        | RunState::Undone
        | RunState::Expired
        | RunState::Stopped => Ended::Well,
    }
}

/// From receipt until the last entity was read back closed; only where all is contained.
pub fn time_to_contain(state: &str, runs: &[Run]) -> Option<u64> {
    if state != RunState::Contained.word() {
        return None;
    }
    let took = |run: &Run| {
        run.contained_at
            .map(|at| at.since(run.received_at).as_millis())
    };
    let slowest = runs.iter().filter_map(took).max()?;
    u64::try_from(slowest).ok()
}
