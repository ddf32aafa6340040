//! Named places where a test may make the process die.
//!
//! Only a debug build can die here, and only at the one point that the roof armed from the
//! environment. In a release these calls are nothing.

/// Every crash point there is, in the order in which a detection that is stored before it is read passes
/// them. The crash matrix checks that it hits each of them.
pub const POINTS: [&str; 15] = [
    "ingress.verified",
    "ingress.stored",
    "store.commit.before",
    "store.commit.after",
    "triage.read",
    "triage.decided",
    "run.claimed",
    "run.begun",
    "step.looked",
    "step.started",
    "step.performed",
    "step.ended",
    "run.verified",
    "run.ended",
    "undo.performed",
];

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static POINT: OnceLock<(String, AtomicU32)> = OnceLock::new();

    pub(super) fn arm(point: &str, passes: u32) {
        let _ = POINT.set((point.to_owned(), AtomicU32::new(passes)));
    }

    pub(super) fn reach(point: &str) {
        let Some((armed, passes)) = POINT.get() else {
            return;
        };
        if armed == point && passes.fetch_sub(1, Ordering::SeqCst) == 1 {
            // No destructor runs and nothing is flushed: as near to a power cut as a process gets.
            std::process::abort();
        }
    }
}

/// Arms one point: the process dies when it is reached for the `passes`th time.
#[cfg(debug_assertions)]
pub fn arm_crash_point(point: &str, passes: u32) {
    armed::arm(point, passes);
}

/// Marks a place where the process may be made to die.
#[inline]
pub fn crash_point(point: &'static str) {
    debug_assert!(POINTS.contains(&point), "{point} is not on the list");
    #[cfg(debug_assertions)]
    armed::reach(point);
}
