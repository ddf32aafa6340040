//! How a command ended, as a number scripts rely on. Never renumbered.

use crate::domain::run::RunState;

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done and verified, or nothing to do.
    Done = 0,
    /// Not, or not all of it, was done; see the output.
    Failed = 1,
    /// A usage or configuration error; nothing was sent.
    Usage = 2,
    /// No such thing.
    NotFound = 3,
    /// Not allowed.
    NotAllowed = 4,
    /// It waits for a person.
    WaitsForPerson = 5,
    /// Some entities are closed, some are not.
    Partial = 6,
    /// Sent, and not proven.
    Unknown = 7,
    /// A guard, the mode, the brake or a missing confirmation stood in the way.
    Guarded = 8,
    /// The server or the tenant cannot be reached; nothing was sent.
    Unreachable = 9,
    /// `serve` refused its configuration.
    Config = 78,
    /// A person pressed Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// How a containment that stands so has ended.
    pub const fn of_containment(state: RunState) -> Self {
        match state {
            RunState::Contained => Self::Done,
            RunState::Observed => Self::Guarded,
            RunState::Waiting => Self::WaitsForPerson,
            RunState::Partial => Self::Partial,
            RunState::Queued | RunState::Running | RunState::Unknown | RunState::Undoing => {
                Self::Unknown
            }
            RunState::Failed
            | RunState::Undone
            | RunState::Stuck
            | RunState::Expired
            | RunState::Stopped => Self::Failed,
        }
    }

    /// How an undo of a run that stands so has ended.
    pub const fn of_undo(state: RunState) -> Self {
        match state {
            RunState::Undone => Self::Done,
            RunState::Undoing => Self::Unknown,
            RunState::Queued
            | RunState::Observed
            | RunState::Waiting
            | RunState::Running
            | RunState::Contained
            | RunState::Partial
            | RunState::Failed
            | RunState::Unknown
            | RunState::Stuck
            | RunState::Expired
            | RunState::Stopped => Self::Failed,
        }
    }

    /// How a refusal of the server ends the command.
    pub fn of_problem(status: u16, code: &str) -> Self {
        match code {
            "brake-tripped" | "pause-file" | "mode-observe" | "protected-target"
            | "never-touched" | "confirm-mismatch" => Self::Guarded,
            "approval-required" => Self::WaitsForPerson,
            "target-unresolved" | "not-found" => Self::NotFound,
            "too-slow" => Self::Unknown,
            "graph-unreachable" => Self::Unreachable,
            _ => match status {
                401 | 403 | 429 => Self::NotAllowed,
                404 => Self::NotFound,
                400 | 405 | 413 | 415 | 422 => Self::Usage,
                503 => Self::Unreachable,
                _ => Self::Failed,
            },
        }
    }
}
