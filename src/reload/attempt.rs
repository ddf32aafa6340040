//! One try of a folder: everything that may be wrong with it is found before any of it counts.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::catalog::{Catalog, Fault, Level, Proved, proved, unproved};
use crate::clock::Clock;
use crate::rehearse::{CaseReport, rehearse};

/// Longest time the tests of a set may take.
const REHEARSAL_MAX: Duration = Duration::from_secs(300);
/// Faults that are told; the rest is for `estop playbook lint` and `test`.
const TOLD_MAX: usize = 5;

/// Why a set is not taken: each with its place, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) Vec<String>);

impl Refused {
    /// The first faults in one text.
    pub(super) fn told(&self) -> String {
        let first: Vec<&str> = self.0.iter().take(TOLD_MAX).map(String::as_str).collect();
        let more = self.0.len().saturating_sub(TOLD_MAX);
        let more = match more {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        format!("{}{more}", first.join("; "))
    }
}

/// Where sets are tried, and who wakes the loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trials {
    /// On a thread of its own, whenever the file system tells of a change.
    #[default]
    Apart,
    /// On the thread that asks, and only at the loop's own looks: for who plays the machine.
    Here,
}

/// Reads, checks and rehearses a folder.
pub(super) async fn attempt(
    folder: &Path,
    clock: &Clock,
    trials: Trials,
) -> Result<Catalog, Refused> {
    match trials {
        Trials::Apart => on_a_thread(folder, clock).await,
        Trials::Here => apart(folder.to_path_buf()),
    }
}

async fn on_a_thread(folder: &Path, clock: &Clock) -> Result<Catalog, Refused> {
    let (tell, told) = oneshot::channel();
    let folder = folder.to_path_buf();
    let begun = thread::Builder::new()
        .name("rehearsal".to_owned())
        .spawn(move || {
            // Whoever no longer listens has given the set up.
            let _ = tell.send(apart(folder));
        });
    if let Err(why) = begun {
        return Err(refused(format!("no thread for the rehearsal: {why}")));
    }
    match clock.within(REHEARSAL_MAX, told).await {
        Ok(Ok(tried)) => tried,
        Ok(Err(_)) => Err(refused("the rehearsal broke down".to_owned())),
        Err(_) => Err(refused(format!(
            "its tests did not end within {} s",
            REHEARSAL_MAX.as_secs()
        ))),
    }
}

fn apart(folder: PathBuf) -> Result<Catalog, Refused> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|why| refused(format!("no rehearsal: {why}")))?;
    runtime.block_on(tried(folder))
}

async fn tried(folder: PathBuf) -> Result<Catalog, Refused> {
    // Read once: what is checked and rehearsed is what is in force.
    let set = proved(std::slice::from_ref(&folder)).map_err(|faults| all(&faults))?;
    if set.is_empty() {
        return Err(refused(format!(
            "{}: there is no playbook here",
            folder.display()
        )));
    }
    let texts = set.iter();
    let texts = texts.map(|one| (one.file.as_str(), &*one.loaded.text));
    let catalog = Catalog::of_texts(texts).map_err(|faults| all(&faults))?;
    let errors: Vec<Fault> = set
        .iter()
        .filter_map(unproved)
        .filter(|fault| fault.level == Level::Error)
        .collect();
    if !errors.is_empty() {
        return Err(all(&errors));
    }
    let mut wrong = Vec::new();
    for one in &set {
        wrong.extend(rehearsed(one).await);
    }
    if wrong.is_empty() {
        Ok(catalog)
    } else {
        Err(Refused(wrong))
    }
}

/// What the tests beside a playbook found wrong with it.
async fn rehearsed(one: &Proved) -> Vec<String> {
    let Some((tests, cases)) = &one.cases else {
        return Vec::new();
    };
    match rehearse((&one.file, &one.loaded.text), cases, |_| {}).await {
        Ok(reports) => reports
            .iter()
            .filter(|report| !report.wrong.is_empty())
            .map(|report| format!("{tests}:{}: {}", report.line, differs(report)))
            .collect(),
        Err(why) => vec![format!("{tests}: {why}")],
    }
}

fn differs(report: &CaseReport) -> String {
    let wrong: Vec<_> = report
        .wrong
        .iter()
        .map(|one| format!("{} should be {} and is {}", one.what, one.expected, one.got))
        .collect();
    format!("case \"{}\": {}", report.name, wrong.join(", "))
}

fn all(faults: &[Fault]) -> Refused {
    let said = faults.iter().map(|fault| {
        let (line, column) = (fault.line, fault.column);
        format!("{}:{line}:{column}: {}", fault.file, fault.what)
    });
    Refused(said.collect())
}

fn refused(why: String) -> Refused {
    Refused(vec![why])
}
