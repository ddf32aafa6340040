//! Many seeds, on every core: seeds know nothing of each other.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use estop::clock::Clock;

use super::stage::play;
use super::tally::Tally;

/// What came of many seeds.
pub struct Round {
    pub played: usize,
    /// Seeds that broke a law, the first one first, each with what happened and which law.
    pub broken: Vec<(u64, String)>,
    pub tally: Tally,
}

impl Round {
    /// Plays these seeds; begins no other once it has taken so long.
    pub fn of(seeds: &[u64], within: Duration) -> Self {
        let (next, played) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (broken, tally) = (Mutex::new(Vec::new()), Tally::default());
        let (clock, cores) = (Clock::system(), std::thread::available_parallelism());
        let turns = || {
            while clock.elapsed() < within
                && let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed))
            {
                let play = play(*seed, None);
                played.fetch_add(1, Ordering::Relaxed);
                tally.add(&play.tally);
                if let Err(why) = play.ended {
                    let told = format!("{}\n{why}", play.trace.shown());
                    broken.lock().unwrap().push((*seed, told));
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..cores.map_or(1, usize::from) {
                scope.spawn(turns);
            }
        });
        let mut broken = broken.into_inner().unwrap();
        broken.sort();
        Self {
            played: played.into_inner(),
            broken,
            tally,
        }
    }

    /// Whichever broke a law, each in one line.
    pub fn which(&self) -> Vec<(u64, &str)> {
        let broken = self.broken.iter();
        let told = broken.map(|(seed, why)| (*seed, why.lines().last().unwrap_or_default()));
        told.collect()
    }
}
