//! Playbooks at a desk: written, checked, proved, explained, simulated, compared.

mod bad;
mod lint;
mod prove;
mod shipped;
mod weigh;

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser as _;
use estop::cli::{Cli, Ends, Errand, Exit, Room, Terminal, run};
use estop::clock::Clock;
use estop::config::Environment;
use estop::domain::moment::Moment;
use serde_json::Value;

use crate::paper::Paper;
use crate::world::World;

/// How a command ended, and what it wrote.
#[derive(Debug)]
pub struct Ended {
    pub exit: Exit,
    pub output: String,
    pub talk: String,
}

impl Ended {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.output)
            .unwrap_or_else(|why| panic!("{why}: {} {}", self.output, self.talk))
    }
}

/// A terminal whose standard error a person sees.
const WATCHED: Ends = Ends {
    input: false,
    output: false,
    talk: true,
};

fn room(clock: Clock, ends: Ends) -> (Room, Paper, Paper) {
    let (output, talk) = (Paper::default(), Paper::default());
    let room = Room {
        terminal: Terminal::of(Cursor::new(""), output.clone(), talk.clone(), ends),
        environment: Environment::default(),
        clock,
        transport: None,
    };
    (room, output, talk)
}

/// Types `estop playbook …` where there is neither a service nor a store.
async fn types(words: &[&str]) -> Ended {
    types_as(words, Ends::default()).await
}

async fn types_as(words: &[&str], ends: Ends) -> Ended {
    // It stands still, so that what is told about time can be compared.
    let (clock, _hand) = Clock::by_hand(Moment::from_millis(1_790_000_000_000));
    let (mut room, output, talk) = room(clock, ends);
    let errand = run(cli(words), &mut room).await;
    ended(errand, &output, &talk)
}

/// Types it beside a service, whose world goes on meanwhile.
async fn types_beside(world: &World, words: &[&str]) -> Ended {
    let (mut room, output, talk) = room(world.clock.clone(), Ends::default());
    let errand = tokio::select! {
        errand = run(cli(words), &mut room) => errand,
        () = world.pass_in(Duration::from_secs(120), Duration::from_millis(100)) => panic!("{words:?} does not end"),
    };
    ended(errand, &output, &talk)
}

fn cli(words: &[&str]) -> Cli {
    Cli::try_parse_from(["estop", "playbook"].iter().chain(words)).unwrap()
}

fn ended(errand: Errand, output: &Paper, talk: &Paper) -> Ended {
    let Errand::Done(exit) = errand else {
        panic!("{errand:?}");
    };
    Ended {
        exit,
        output: output.text(),
        talk: talk.text(),
    }
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A folder of the repository.
fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A playbook that stops agents, in this mode.
fn playbook(name: &str, mode: &str) -> String {
    format!(
        "playbook: {name}\nsummary: Stop the agent.\n\
         trigger:\n  detection: [threatIntelligenceAccount]\n\
         entity: agent\nmode: {mode}\n\
         guardrail: {{ entities_max: 5, window: 10m, on_breach: ask }}\n\
         steps:\n  - disable_agent\n"
    )
}

/// Its tests: one that acts, one that stays quiet.
fn tests(name: &str) -> String {
    format!(
        "playbook: {name}\ncases:\n  \
         - case: it acts\n    \
         detection: {{ type: threatIntelligenceAccount, severity: high, entity: invoice-bot }}\n    \
         expect: {{ decision: respond, state: contained }}\n  \
         - case: it stays quiet\n    \
         detection: {{ type: signInSpike, severity: high, entity: invoice-bot }}\n    \
         expect: {{ decision: stand_down }}\n"
    )
}
