//! Which kinds of fault were really played, and how often.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A kind of fault, of people's acts or of an adversary's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    DiesBeforeCommit,
    DiesAfterCommit,
    PowerFails,
    Pause,
    Zombie,
    RestartHerd,
    GraphCut,
    LoginCut,
    OutwardCut,
    Swizzle,
    NameUnknown,
    RequestLost,
    AnswerLost,
    Delayed,
    Doubled,
    Reordered,
    StepTwice,
    CommitUnknown,
    WriteFails,
    DiskFull,
    DiskSlow,
    ClockStep,
    ClockDrift,
    LateTimers,
    ThrottledWithPause,
    ThrottledWithout,
    ServerError,
    Garbled,
    StaleRead,
    Challenged,
    Forbidden,
    NotFound,
    Conflict,
    TokenExpired,
    TokenRefused,
    TokensRevoked,
    SetTorn,
    ConfigurationSwapped,
    PersonApproves,
    PersonDenies,
    PersonContains,
    PersonUndoes,
    PersonMoves,
    PersonStopsAll,
    Replay,
    SameKeyOtherBody,
    Flood,
    Unreadable,
    OwnerReenables,
    OwnerCloses,
    Rename,
}

impl Kind {
    /// Those that must come.
    pub const ALL: [Self; 51] = [
        Self::DiesBeforeCommit,
        Self::DiesAfterCommit,
        Self::PowerFails,
        Self::Pause,
        Self::Zombie,
        Self::RestartHerd,
        Self::GraphCut,
        Self::LoginCut,
        Self::OutwardCut,
        Self::Swizzle,
        Self::NameUnknown,
        Self::RequestLost,
        Self::AnswerLost,
        Self::Delayed,
        Self::Doubled,
        Self::Reordered,
        Self::StepTwice,
        Self::CommitUnknown,
        Self::WriteFails,
        Self::DiskFull,
        Self::DiskSlow,
        Self::ClockStep,
        Self::ClockDrift,
        Self::LateTimers,
        Self::ThrottledWithPause,
        Self::ThrottledWithout,
        Self::ServerError,
        Self::Garbled,
        Self::StaleRead,
        Self::Challenged,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::TokenExpired,
        Self::TokenRefused,
        Self::TokensRevoked,
        Self::SetTorn,
        Self::ConfigurationSwapped,
        Self::PersonApproves,
        Self::PersonDenies,
        Self::PersonContains,
        Self::PersonUndoes,
        Self::PersonMoves,
        Self::PersonStopsAll,
        Self::Replay,
        Self::SameKeyOtherBody,
        Self::Flood,
        Self::Unreadable,
        Self::OwnerReenables,
        Self::OwnerCloses,
        Self::Rename,
    ];
}

/// How often each kind was played. Cheap to clone; every clone counts together.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<Kind, u64>>>);

impl Tally {
    pub fn count(&self, kind: Kind) {
        *self.0.lock().unwrap().entry(kind).or_default() += 1;
    }

    pub fn add(&self, other: &Self) {
        let theirs = other.0.lock().unwrap().clone();
        let mut ours = self.0.lock().unwrap();
        for (kind, times) in theirs {
            *ours.entry(kind).or_default() += times;
        }
    }

    /// Kinds that never came.
    pub fn missing(&self) -> Vec<Kind> {
        let played = self.0.lock().unwrap();
        let missing = Kind::ALL.iter().filter(|kind| !played.contains_key(kind));
        missing.copied().collect()
    }

    pub fn shown(&self) -> String {
        let played = self.0.lock().unwrap();
        let lines: Vec<_> = played
            .iter()
            .map(|(kind, times)| format!("{times:>8} {kind:?}"))
            .collect();
        lines.join("\n")
    }
}
