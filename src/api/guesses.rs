//! How many credentials are refused in a second (threat C05).
//!
//! A guess costs the store one look-up, so only so many are made. Beyond that, a credential that
//! was believed lately is asked about as ever, so that whoever guesses locks nobody out, and
//! everybody else hears *later* before anything is looked up.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// What one refusal takes of the room there is, given back by time alone: ten in a second.
const ONE: Duration = Duration::from_millis(100);
/// How much room there is when nothing was refused for a while: fifty refusals at once.
const ROOM: Duration = Duration::from_secs(5);
/// Credentials remembered as believed; the one used longest ago is forgotten.
const BELIEVED_MAX: usize = 64;

/// Refusals so far, and who was believed.
#[derive(Debug, Default)]
pub struct Guesses(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When all room is given back, by the clock that only goes on.
    free_at: Duration,
    /// Digests of whole credentials, the last used in front. None opens anything.
    believed: VecDeque<[u8; 32]>,
}

impl Guesses {
    /// Whether this credential is looked up now.
    pub(super) fn may_try(&self, credential: &str, elapsed: Duration) -> bool {
        let digest = digest(credential);
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.free_at.saturating_sub(elapsed) <= ROOM - ONE || state.believed.contains(&digest)
    }

    /// It was believed.
    pub(super) fn believed(&self, credential: &str) {
        let digest = digest(credential);
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.believed.retain(|known| *known != digest);
        state.believed.push_front(digest);
        state.believed.truncate(BELIEVED_MAX);
    }

    /// It was refused, and is worth no more than a stranger's from now on.
    pub(super) fn refused(&self, credential: &str, elapsed: Duration) {
        let digest = digest(credential);
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.believed.retain(|known| *known != digest);
        state.free_at = state.free_at.max(elapsed) + ONE;
    }
}

fn digest(credential: &str) -> [u8; 32] {
    Sha256::digest(credential).into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BELIEVED_MAX, Guesses};

    #[test]
    fn c05_room_is_given_back_by_time_and_only_the_last_believed_are_remembered() {
        let guesses = Guesses::default();
        let at = Duration::from_secs(7);
        let tried = |at| {
            let tries = (0..1000).take_while(|n| {
                let guess = format!("guess {n}");
                let may = guesses.may_try(&guess, at);
                guesses.refused(&guess, at);
                may
            });
            tries.count()
        };
        guesses.believed("first");
        (1..BELIEVED_MAX).for_each(|n| guesses.believed(&n.to_string()));

        assert_eq!(tried(at), 50);
        assert!(guesses.may_try("first", at) && !guesses.may_try("stranger", at));
        guesses.believed("one more");
        assert!(!guesses.may_try("first", at) && guesses.may_try("1", at));
        guesses.refused("1", at);
        assert!(!guesses.may_try("1", at));
        let later = at + Duration::from_secs(2);
        assert!((17..=20).contains(&tried(later)));
    }
}
