//! Words that announce a change, stop everything, or prove that it can be stopped.

use std::path::PathBuf;

use clap::Args;

use super::span;
use crate::domain::entity::ObjectId;
use crate::domain::id::{ExpectationId, RunId};
use crate::domain::moment::Span;
use crate::domain::retention::CaseName;

/// What change to announce, list or end.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["blueprint", "list", "end"])))]
pub struct ExpectArgs {
    /// The blueprint whose agents will look suspicious, by any of its ids.
    #[arg(long, value_name = "GUID", requires_all = ["span", "because"])]
    pub blueprint: Option<ObjectId>,
    /// For how long, up to 24h.
    #[arg(long = "for", id = "span", value_parser = span, value_name = "TIME")]
    pub span: Option<Span>,
    /// The change, in a few words; kept in the record.
    #[arg(long, value_name = "TEXT")]
    pub because: Option<String>,
    /// Only these detection types; all that may be announced when left away.
    #[arg(
        long,
        value_name = "TYPE",
        value_delimiter = ',',
        requires = "blueprint"
    )]
    pub detection: Vec<String>,
    /// The announced changes that have not ended.
    #[arg(long)]
    pub list: bool,
    /// This one is over.
    #[arg(long, value_name = "EXPECTATION", requires = "because")]
    pub end: Option<ExpectationId>,
}

/// What a case keeps, or keeps no longer.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["run", "list"])))]
pub struct HoldArgs {
    /// The run; its detection, delivery, evidence and records stay with it.
    #[arg(value_name = "RUN", requires_all = ["case", "reason"])]
    pub run: Option<RunId>,
    /// The case, as your case system names it.
    #[arg(long, value_name = "ID", value_parser = case)]
    pub case: Option<CaseName>,
    /// The case needs it no longer.
    #[arg(long, requires = "run")]
    pub release: bool,
    /// Why; kept in the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// What cases keep now.
    #[arg(long)]
    pub list: bool,
}

fn case(text: &str) -> Result<CaseName, String> {
    text.to_owned().try_into()
}

/// How all writes are stopped.
#[derive(Debug, Args)]
pub struct PauseArgs {
    /// Why; kept in the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// By the file alone, without asking the server.
    #[arg(long)]
    pub file: bool,
    /// The configuration that names the file.
    #[arg(long, env = "ESTOP_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// How to contain without the server.
#[derive(Debug, Args)]
pub struct OfflineArgs {
    /// The break-glass: contain from here, with the server or its database away. What is done is
    /// written down first, and told to the record later.
    #[arg(long, conflicts_with_all = ["file", "agents", "only", "dry_run"])]
    pub offline: bool,
    /// The configuration that says which tenant, and how to get in.
    #[arg(long, env = "ESTOP_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Another place for the journal.
    #[arg(long, value_name = "FILE", requires = "offline")]
    pub journal: Option<PathBuf>,
}

/// Which canary, and how long to wait.
#[derive(Debug, Args)]
pub struct DrillArgs {
    /// The canary, for those who want to be sure: any other id is refused.
    #[arg(long, value_name = "GUID")]
    pub canary: Option<ObjectId>,
    /// Show how the last one ended, and begin none.
    #[arg(long)]
    pub last: bool,
    /// How long to wait for its end.
    #[arg(long, value_parser = span, default_value = "5m", value_name = "TIME")]
    pub wait: Span,
}
