//! Exit codes: a contract, never renumbered.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done and verified, or nothing to do.
    Done,
    /// Nothing or not everything was done; see the output.
    Failed,
    /// Usage or configuration error; nothing was sent.
    Usage,
    /// `serve` refused its configuration.
    Config,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Config => 78,
        })
    }
}
