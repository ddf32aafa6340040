//! The catalogue page: every playbook of a set with what calls it, what it does and why, written
//! from the playbooks themselves so that it cannot say anything else.

use super::read::Loaded;
use super::set::Catalog;
use crate::domain::playbook::{Call, Playbook};
use crate::domain::trigger::Counted;

const HEAD: &str = "\
# The shipped playbooks

This page is written from the playbooks in this folder; a test holds it to them. All of them ship in
`observe`: everything runs, nothing is touched. The column *recommended* is what a quiet week of
watching earns them. Tests lie beside each one.

What Entra tells us because we told it ourselves (`adminConfirmedAgentCompromised` after our own
`confirm_compromised`) is recognised before any playbook is asked, and answered by none. Stopping all
agents of the tenant is no playbook but an order of two people: `estop freeze`.

| Playbook | Called by | Acts on | Does | Recommended |
|---|---|---|---|---|
";

impl Catalog {
    /// The catalogue page of this set, as `playbooks/CATALOG.md` holds it for the shipped one.
    pub fn page(&self) -> String {
        let rows = self.all().map(|loaded| row(&loaded.playbook));
        let mut page = HEAD.to_owned();
        page.extend(rows);
        for loaded in self.all() {
            page.push_str(&section(loaded));
        }
        page
    }
}

fn row(playbook: &Playbook) -> String {
    let recommended = playbook.recommended.unwrap_or(playbook.mode);
    let steps: Vec<String> = playbook
        .steps
        .iter()
        .map(|step| format!("`{}`", step.action))
        .collect();
    format!(
        "| [{name}](#{name}) | {} | {} | {} | `{recommended}` |\n",
        called_by(playbook),
        acts_on(playbook),
        steps.join(", "),
        name = playbook.name
    )
}

fn called_by(playbook: &Playbook) -> String {
    let trigger = &playbook.trigger;
    let types: Vec<String> = trigger
        .detection
        .iter()
        .map(|one| format!("`{one}`"))
        .collect();
    let mut types = types.join(", ");
    if let Some(band) = trigger.severity {
        types.push_str(&format!(", {band}"));
    }
    match &trigger.call {
        Call::Each => types,
        Call::Together(together) => {
            let what = match together.of {
                Counted::Agents => "agents",
                Counted::Detections => "detections",
            };
            let (least, within) = (together.least, together.within);
            format!("{least} {what} of one blueprint within {within}: {types}")
        }
        Call::Schedule { at, find, .. } => format!("the clock, `{at}`: `{find}`"),
        Call::Manual { params } => {
            let names: Vec<&str> = params.keys().map(String::as_str).collect();
            format!("people: {}", names.join(", "))
        }
    }
}

fn acts_on(playbook: &Playbook) -> String {
    let ways: Vec<&str> = playbook.via.iter().map(|way| way.word()).collect();
    if ways.is_empty() {
        return format!("`{}`", playbook.entity);
    }
    format!("`{}` by {}", playbook.entity, ways.join(", "))
}

fn section(loaded: &Loaded) -> String {
    let playbook = &loaded.playbook;
    let why = why(&loaded.text);
    format!("\n## {}\n\n{}\n\n{why}\n", playbook.name, playbook.summary)
}

/// The comment at the head of the file that says why, as one paragraph.
fn why(text: &str) -> String {
    let head = text.lines().take_while(|line| line.starts_with('#'));
    let said = head.skip_while(|line| !line.starts_with("# Why: "));
    let words: Vec<&str> = said
        .map(|line| line.trim_start_matches('#').trim())
        .collect();
    let said = words.join(" ");
    let said = said.strip_prefix("Why: ").unwrap_or(&said);
    let mut letters = said.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
