//! What a command comes to: an exit code, or why there is none better.

use super::exit::Exit;
use super::terminal::Terminal;
use crate::api::Told;

/// Every command's answer.
pub(super) type Answer = Result<Exit, Failure>;

/// Why a command did not do it, told on standard error.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    why: String,
    fix: Option<String>,
    told: Option<Box<Told>>,
}

impl Failure {
    pub(super) fn new(exit: Exit, why: impl Into<String>) -> Self {
        Self {
            exit,
            why: why.into(),
            fix: None,
            told: None,
        }
    }

    pub(super) fn usage(why: impl Into<String>) -> Self {
        Self::new(Exit::Usage, why)
    }

    #[must_use]
    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// A refusal of the server.
    pub(super) fn told(told: Told) -> Self {
        Self {
            exit: Exit::of_problem(told.status, &told.code),
            why: format!("{}: {}", told.title, told.detail),
            fix: Some(told.fix.clone()),
            told: Some(Box::new(told)),
        }
    }

    /// What it was, in words.
    pub(super) fn why(&self) -> &str {
        &self.why
    }

    /// How it ends the command.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    pub(super) fn tell(self, terminal: &mut Terminal) -> Exit {
        terminal.progress_over();
        if terminal.wants_json() {
            let said = match &self.told {
                Some(told) => serde_json::json!(told),
                None => serde_json::json!({ "error": self.why, "fix": self.fix }),
            };
            terminal.say(&said.to_string());
            return self.exit;
        }
        for (line, text) in self.why.lines().enumerate() {
            let begin = if line == 0 { "error: " } else { "  " };
            terminal.say(&format!("{begin}{text}"));
        }
        for change in self.told.iter().flat_map(|told| &told.changes) {
            terminal.say(&format!("  changed: {change}"));
        }
        if let Some(fix) = &self.fix {
            terminal.say(&format!("  fix: {fix}"));
        }
        self.exit
    }
}

impl From<crate::command::Error> for Failure {
    fn from(error: crate::command::Error) -> Self {
        use crate::command::Sort;
        let exit = match error.sort {
            Sort::Unbelieved | Sort::NotAllowed => Exit::NotAllowed,
            Sort::Amend => Exit::Usage,
            Sort::NotFound => Exit::NotFound,
            Sort::Guarded => Exit::Guarded,
            Sort::NotNow | Sort::Stale | Sort::Unfit => Exit::Failed,
            Sort::Later => Exit::Unreachable,
        };
        Self::new(exit, error.why).fix(error.fix)
    }
}
