//! How the story looks: dots that lead to what was observed, colour only for a terminal.

use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use super::Colour;
use super::stage::Stage;
use super::story::was;
use crate::domain::action::Action;
use crate::domain::coverage::Door;
use crate::domain::id::DetectionId;
use crate::domain::run::Run;
use crate::domain::step::{Outcome, Step};
use crate::sim::Entra;

/// The column where results begin.
const RESULT_AT: usize = 66;

pub(super) struct Teller<'a> {
    out: &'a mut (dyn Write + Send),
    colour: Colour,
}

impl<'a> Teller<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), colour: Colour) -> Self {
        Self { out, colour }
    }

    /// A reader who has gone away ends nothing: the exit code still tells.
    fn line(&mut self, text: impl Display) {
        let _ = writeln!(self.out, "{text}");
        let _ = self.out.flush();
    }

    fn paint(&self, code: &str, text: &str) -> String {
        match self.colour {
            Colour::On => format!("\x1b[{code}m{text}\x1b[0m"),
            Colour::Off => text.to_owned(),
        }
    }

    fn scene(&mut self, number: u8, name: &str, what: &str, result: &str) {
        let left = format!("  {number} {name:<8} {what} ");
        let dots = ".".repeat(RESULT_AT.saturating_sub(left.chars().count()).max(3));
        let dots = self.paint("2", &dots);
        let result = self.paint("1", result);
        self.line(format!("{left}{dots} {result}"));
    }

    pub(super) fn opening(&mut self, stage: &Stage, entra: &Entra) {
        let tenant = entra.tenant();
        let version = env!("CARGO_PKG_VERSION");
        self.line(format!(
            "estop {version} demo: everything below is local and simulated. Nothing leaves this machine."
        ));
        self.line(format!(
            "  simulated Entra  {}   \"{}\": {} blueprints, {} agents, {} agent users",
            stage.tenant_url,
            tenant.name,
            tenant.blueprints.len(),
            tenant.agents.len(),
            tenant
                .users
                .values()
                .filter(|user| user.identity_parent_id.is_some())
                .count(),
        ));
        self.line(format!(
            "  service          {}   the shipped playbooks, as they recommend",
            stage.deliveries_url.trim_end_matches('/')
        ));
        self.line("");
    }

    pub(super) fn before(&mut self) {
        self.scene(
            1,
            "before",
            "invoice-bot asks Entra for a token",
            "200, token issued",
        );
    }

    pub(super) fn attack(&mut self, detection: DetectionId, bytes: usize, took: Duration) {
        let result = format!("202 in {:.1} ms", took.as_secs_f64() * 1000.0);
        self.scene(
            2,
            "attack",
            "a Sentinel incident, signed, is posted",
            &result,
        );
        self.line(format!(
            "             threatIntelligenceAccount, {bytes} bytes, {detection}"
        ));
    }

    pub(super) fn matched(&mut self, run: &Run, steps: &[Step]) {
        let acts = steps
            .iter()
            .filter(|step| step.plan.action != Action::Verify)
            .count();
        self.scene(
            3,
            "match",
            &format!("playbook {}", run.playbook),
            &format!("{acts} steps, then proof"),
        );
    }

    pub(super) fn steps(&mut self, run: &Run, steps: &[Step]) {
        self.scene(4, "contain", &run.id.to_string(), run.state.word());
        for step in steps {
            let after = step
                .ended_at
                .map_or(Duration::ZERO, |at| at.since(run.received_at));
            let outcome = step.outcome.map_or("not ended", Outcome::word);
            let was = was(step).map(|was| format!("{was}; ")).unwrap_or_default();
            let evidence = step.evidence.as_deref().unwrap_or("");
            let evidence = evidence.split(", request-id").next().unwrap_or(evidence);
            self.line(format!(
                "     +{:.3} s  {:<20} {outcome:<13} {was}{evidence}",
                after.as_secs_f64(),
                step.plan.action.word(),
            ));
        }
    }

    pub(super) fn after(&mut self, run: &Run) {
        self.scene(
            5,
            "after",
            "invoice-bot asks Entra for a token",
            "refused, disabled (AADSTS7000112)",
        );
        if let Some(at) = run.contained_at {
            let took = at.since(run.received_at).as_secs_f64();
            let said = format!("CONTAINED {took:.2} s after receipt");
            let said = self.paint("1;32", &said);
            self.line(format!(
                "     {said} (simulated latencies; a real tenant takes longer)"
            ));
        }
        let residual: Vec<_> = run
            .coverage
            .iter()
            .flat_map(|coverage| coverage.residual())
            .collect();
        for door in residual
            .iter()
            .filter(|door| door.door == Door::IssuedTokens)
        {
            let until = door
                .until
                .map_or("unknown".to_owned(), |until| until.to_string());
            self.line(format!(
                "     still possible: tokens already issued, until {until} at the latest"
            ));
        }
    }

    pub(super) fn undone(&mut self, run: &Run, before: (bool, Option<bool>)) {
        let word = |enabled: bool| if enabled { "enabled" } else { "disabled" };
        let user = before.1.map_or("no user account", word);
        let what = format!("undo {}", run.id);
        self.scene(
            6,
            "undo",
            &what,
            &format!("agent {}, its user {user}, as before", word(before.0)),
        );
        self.line("             Entra is told: safe. invoice-bot gets a token again: 200");
    }

    pub(super) fn audit(&mut self, records: i64, head: &str) {
        let what = format!("{records} sealed records, chain intact");
        self.scene(
            7,
            "audit",
            &what,
            &format!("head {}", head.get(..12).unwrap_or(head)),
        );
    }

    pub(super) fn next_steps(&mut self) {
        self.line("");
        self.line("  Next:  cargo run -- demo --serve                  keep it up and look around");
        self.line(
            "         cargo run -- demo --scenario throttled     the same while Entra throttles",
        );
        self.line(
            "         cargo run -- demo --scenario false-alarm   undo restores exactly what was",
        );
    }

    pub(super) fn still_up(&mut self, stage: &Stage) {
        let folder = stage.folder.path().display();
        self.line("");
        self.line(format!(
            "  Up until Ctrl-C. Deliveries: {}  control: {}",
            stage.deliveries_url, stage.control_url
        ));
        self.line(format!(
            "  Configuration, signing key, database and log: {folder}"
        ));
        self.line(format!(
            "         estop runs list --server {}",
            stage.control_url.trim_end_matches('/')
        ));
    }

    pub(super) fn failed(&mut self, what: &str) {
        let said = self.paint("1;31", "NOT OBSERVED");
        self.line(format!("\n  {said}  {what}"));
    }
}
