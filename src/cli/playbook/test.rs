//! `estop playbook test`: the tests beside playbooks, played and told.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::json;

use super::super::Room;
use super::super::answers::{Answer, Failure};
use super::super::args::TestFormat;
use super::super::exit::Exit;
use super::super::terminal::{Terminal, Tint};
use super::formats::{JunitCase, junit_of, message, property};
use super::lint;
use crate::catalog::{Cases, Proved, detection_types, proved};
use crate::rehearse::{CaseReport, rehearse};

/// What became of one file's tests.
struct Outcome {
    file: String,
    name: String,
    reports: Vec<CaseReport>,
    /// Why it could not be played, or not to its end.
    not_played: Option<String>,
}

impl Outcome {
    fn wrong(&self) -> usize {
        let wrong = |report: &&CaseReport| !report.wrong.is_empty();
        self.reports.iter().filter(wrong).count()
    }

    fn holds(&self) -> bool {
        self.not_played.is_none() && self.wrong() == 0
    }
}

pub(super) async fn test(room: &mut Room, paths: &[PathBuf], format: TestFormat) -> Answer {
    let files = match proved(paths) {
        Ok(files) => files,
        Err(faults) => {
            lint::tell(&mut room.terminal, &faults, format.into());
            return Ok(Exit::Failed);
        }
    };
    if files.iter().all(|one| one.cases.is_none()) {
        return Err(Failure::new(Exit::Failed, "there is no test here")
            .fix("tests lie beside their playbook: NAME.test.yaml"));
    }
    let started = room.clock.elapsed();
    let mut outcomes = Vec::new();
    for one in &files {
        if let Some((tests, cases)) = &one.cases {
            let outcome = play(&mut room.terminal, one, (tests, cases)).await;
            if format == TestFormat::Text && !room.terminal.wants_json() {
                tell_file(&mut room.terminal, &outcome);
            }
            outcomes.push(outcome);
        }
    }
    let took = room.clock.elapsed().saturating_sub(started);
    tell(&mut room.terminal, &outcomes, format);
    if format == TestFormat::Text && !room.terminal.wants_json() {
        coverage(&mut room.terminal, &files);
        let cases: usize = outcomes.iter().map(|one| one.reports.len()).sum();
        let wrong: usize = outcomes.iter().map(Outcome::wrong).sum();
        let took = took.as_secs_f64();
        room.terminal.say(&format!(
            "{cases} cases, {} ok, {wrong} failed, {took:.1} s",
            cases - wrong
        ));
    }
    Ok(if outcomes.iter().all(Outcome::holds) {
        Exit::Done
    } else {
        Exit::Failed
    })
}

async fn play(terminal: &mut Terminal, one: &Proved, (tests, cases): (&str, &Cases)) -> Outcome {
    let name = one.loaded.playbook.name.to_string();
    let (mut reports, all) = (Vec::new(), cases.cases.len());
    terminal.progress(&format!("{name}: {all} cases"));
    let played = rehearse((&one.file, &one.loaded.text), cases, |report| {
        reports.push(report.clone());
        terminal.progress(&format!("{name}: {} of {all} cases", reports.len()));
    })
    .await;
    terminal.progress_over();
    Outcome {
        file: tests.to_owned(),
        name,
        reports,
        not_played: played.err().map(|why| why.to_string()),
    }
}

fn tell_file(terminal: &mut Terminal, outcome: &Outcome) {
    let cases = outcome.reports.len();
    if outcome.holds() {
        let ok = terminal.tinted("ok  ", Tint::Good);
        terminal.raw(&format!("{ok}  {}  {cases} cases\n", outcome.name));
        return;
    }
    let failed = terminal.tinted("FAIL", Tint::Look);
    let wrong = outcome.wrong();
    terminal.raw(&format!(
        "{failed}  {}  {wrong} of {cases} cases\n",
        outcome.name
    ));
    for report in outcome.reports.iter().filter(|one| !one.wrong.is_empty()) {
        terminal.line(&format!(
            "      case \"{}\" ({}:{})",
            report.name, outcome.file, report.line
        ));
        for line in differences(report).lines() {
            terminal.line(&format!("        {line}"));
        }
    }
    if let Some(why) = &outcome.not_played {
        for line in why.lines() {
            terminal.line(&format!("      not played: {line}"));
        }
    }
}

fn differences(report: &CaseReport) -> String {
    let mut told = String::new();
    for one in &report.wrong {
        let _ = writeln!(
            told,
            "{}: expected {}, got {}",
            one.what, one.expected, one.got
        );
        if let Some(hint) = &one.hint {
            let _ = writeln!(told, "  because {hint}");
        }
    }
    told
}

/// How many of the known detection types have a playbook at all.
fn coverage(terminal: &mut Terminal, files: &[Proved]) {
    let answered: BTreeSet<&str> = files
        .iter()
        .flat_map(|one| &one.loaded.playbook.trigger.detection)
        .map(|named| named.as_str())
        .collect();
    let known = detection_types().count();
    let covered = detection_types().filter(|one| answered.contains(one));
    let untested: Vec<_> = files.iter().filter(|one| one.cases.is_none()).collect();
    let mut told = format!(
        "{} of {known} known detection types have a playbook here",
        covered.count()
    );
    if !untested.is_empty() {
        let names: Vec<_> = untested
            .iter()
            .map(|one| one.loaded.playbook.name.as_str())
            .collect();
        let _ = write!(told, "; no tests: {}", names.join(", "));
    }
    terminal.say(&told);
}

fn tell(terminal: &mut Terminal, outcomes: &[Outcome], format: TestFormat) {
    if terminal.wants_json() || format == TestFormat::Json {
        let told: Vec<_> = outcomes.iter().map(as_json).collect();
        terminal.json(&json!({ "playbooks": told }));
        return;
    }
    match format {
        TestFormat::Junit => terminal.raw(&junit_of(&as_junit(outcomes))),
        TestFormat::Github => {
            for outcome in outcomes {
                terminal.raw(&as_github(outcome));
            }
        }
        TestFormat::Text | TestFormat::Json => {}
    }
}

fn as_json(outcome: &Outcome) -> serde_json::Value {
    let cases: Vec<_> = outcome
        .reports
        .iter()
        .map(|report| {
            let wrong: Vec<_> = report
                .wrong
                .iter()
                .map(|one| {
                    json!({
                        "what": one.what, "expected": one.expected, "got": one.got,
                        "because": one.hint,
                    })
                })
                .collect();
            json!({ "case": report.name, "line": report.line, "wrong": wrong })
        })
        .collect();
    json!({
        "playbook": outcome.name, "file": outcome.file, "cases": cases,
        "not_played": outcome.not_played,
    })
}

fn as_junit(outcomes: &[Outcome]) -> Vec<JunitCase> {
    let mut cases = Vec::new();
    for outcome in outcomes {
        cases.extend(outcome.reports.iter().map(|report| JunitCase {
            suite: outcome.name.clone(),
            name: report.name.clone(),
            failure: (!report.wrong.is_empty()).then(|| differences(report)),
        }));
        cases.extend(outcome.not_played.iter().map(|why| JunitCase {
            suite: outcome.name.clone(),
            name: "every case can be played".to_owned(),
            failure: Some(why.clone()),
        }));
    }
    cases
}

fn as_github(outcome: &Outcome) -> String {
    let mut told = String::new();
    let file = property(&outcome.file);
    for report in outcome.reports.iter().filter(|one| !one.wrong.is_empty()) {
        let said = format!("{}\n{}", report.name, differences(report));
        let line = report.line;
        let _ = writeln!(told, "::error file={file},line={line}::{}", message(&said));
    }
    if let Some(why) = &outcome.not_played {
        let _ = writeln!(told, "::error file={file}::{}", message(why));
    }
    told
}
