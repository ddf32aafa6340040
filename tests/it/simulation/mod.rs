//! Deterministic simulation: the real service on one thread, a played disk, a played network, a
//! simulated tenant, people and adversaries, all drawn from a seed (threats.md §4.3).
//!
//! Every event is followed by the laws (I1 to I16); then everything is made whole, and liveness is
//! asked for. The same seed gives the same events. No failure in N seeds bounds the rate of failing
//! seeds by about 3/N (95 %); it proves nothing.
//!
//! `ESTOP_SEEDS=200000 cargo test --release --test it simulation` plays more,
//! `ESTOP_SEED=N cargo test --test it simulation` plays one and shows it.
//!
//! Read next: `stage`, `plot`, `acts`, `wire`, `disk`, `laws`.

mod acts;
mod agenda;
mod book;
mod chance;
mod crew;
mod disk;
mod laws;
mod plot;
mod stage;
mod trace;
mod wire;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use stage::play;

/// Seeds played where nobody asks for more.
const USUAL: u64 = 40;
/// Seeds in which a planted fault must be found.
const FOUND_WITHIN: u64 = 120;

/// Something that is wrong on purpose, so that it is seen whether the watchers watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// What the disk said it keeps is gone with the power.
    DiskThatLies,
    /// Writes to one agent reach another.
    WritesGoAstray,
    /// The service was not told whom to spare.
    NobodyIsProtected,
    /// The service was told larger caps than the watchers.
    NoCaps,
    /// Senders are thanked before their delivery is on the disk.
    ThanksBeforeDisk,
}

/// What is asked of a store on one thread is answered at once.
fn now<F: Future>(asked: F) -> F::Output {
    let mut asked = std::pin::pin!(asked);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1_000 {
        if let Poll::Ready(answer) = asked.as_mut().poll(&mut context) {
            return answer;
        }
    }
    panic!("a store on one thread did not answer");
}

/// The playbooks of the play: one that acts, one that asks, one that acts until somebody keeps it,
/// one that watches. The other set acts where the first one asks.
fn playbooks(other: bool) -> Vec<(&'static str, String)> {
    let asks = if other { "enforce" } else { "ask" };
    let approval = "from: [soc-leads], quorum: 1, within: 2m, on_timeout: ";
    let book = |name: &str, trigger: &str, mode: &str, more: &str| {
        format!(
            "playbook: {name}\nsummary: It is stopped.\nowner: soc\ntrigger:\n  \
             detection: [{trigger}]\nentity: agent\nalso: [agent_users]\nmode: {mode}\n{more}\
             steps:\n  - disable_agent\n  - disable_agent_user: {{ optional: true }}\n  \
             - confirm_compromised: {{ optional: true }}\nhold: {{ for: 7d, then: keep }}\nnotify: []\n"
        )
    };
    let asked = match other {
        true => String::new(),
        false => format!("approval: {{ {approval}keep }}\n"),
    };
    let provisional = format!("approval: {{ {approval}undo }}\n");
    vec![
        (
            "stop.yaml",
            book("stop", "threatIntelligenceAccount", "enforce", ""),
        ),
        (
            "asked.yaml",
            book("asked", "unfamiliarResourceAccess", asks, &asked),
        ),
        (
            "until.yaml",
            book(
                "until",
                "earlyLifeMaliciousActivity",
                "provisional",
                &provisional,
            ),
        ),
        ("watch.yaml", book("watch", "signInSpike", "observe", "")),
    ]
}

/// Seeds that failed once. They are played for ever, before any other.
fn kept() -> Vec<u64> {
    let lines = include_str!("seeds.txt").lines();
    lines
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect()
}

#[allow(clippy::disallowed_methods, reason = "the tests are their own roof")]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Plays these seeds on every core; answers what broke, the first seed first.
fn play_all(seeds: &[u64]) -> Vec<(u64, String)> {
    let next = AtomicU64::new(0);
    let broken = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    let (played, trace) = play(*seed, None);
                    if let Err(why) = played {
                        let shown = trace.shown();
                        broken
                            .lock()
                            .unwrap()
                            .push((*seed, format!("{shown}\n{why}")));
                    }
                }
            });
        }
    });
    let mut broken = broken.into_inner().unwrap();
    broken.sort();
    broken
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "whoever asks for one seed wants to see it"
)]
fn whatever_a_seed_has_in_store_the_laws_hold_and_it_comes_to_an_end() {
    if let Some(seed) = asked("ESTOP_SEED") {
        let (played, trace) = play(seed, None);
        println!(
            "{}\n{} events, {}",
            trace.shown(),
            trace.count(),
            trace.hash()
        );
        played.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        return;
    }
    let mut seeds = kept();
    seeds.extend(0..asked("ESTOP_SEEDS").unwrap_or(USUAL));

    let broken = play_all(&seeds);

    let which: Vec<_> = broken
        .iter()
        .map(|(seed, why)| (seed, why.lines().last().unwrap_or_default()))
        .collect();
    assert!(
        broken.is_empty(),
        "{}\n{} of {} seeds broke a law: {which:#?}\nplay one again: ESTOP_SEED={} cargo test --test it \
         simulation; keep it in tests/it/simulation/seeds.txt",
        broken[0].1,
        broken.len(),
        seeds.len(),
        broken[0].0,
    );
}

#[test]
fn the_same_seed_gives_the_same_events() {
    for seed in 1_000..1_006 {
        let (_, first) = play(seed, None);
        let (_, second) = play(seed, None);

        assert!(first.count() > 20, "seed {seed} has no story");
        assert_eq!(first.hash(), second.hash(), "seed {seed}");
    }
}

#[test]
fn what_is_planted_is_found() {
    use Planted as P;
    let all = [
        P::DiskThatLies,
        P::WritesGoAstray,
        P::NobodyIsProtected,
        P::NoCaps,
        P::ThanksBeforeDisk,
    ];
    for planted in all {
        let found = (0..FOUND_WITHIN).find_map(|seed| play(seed, Some(planted)).0.err());

        assert!(found.is_some(), "{planted:?} was not found");
    }
}

/// A wait that takes whichever branch the runtime likes would make two plays of one seed.
#[test]
fn no_choice_between_two_waits_is_left_to_the_runtime() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut waits) = (vec![root], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("src/cli") && !path.ends_with("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for (_, after) in text
                    .match_indices("select! {")
                    .map(|(at, it)| (at, &text[at + it.len()..]))
                {
                    let ordered = after.trim_start().starts_with("biased;");
                    assert!(ordered, "{}: say `biased;`", path.display());
                    waits += 1;
                }
            }
        }
    }
    assert!(waits > 10, "the walk found only {waits}");
}
