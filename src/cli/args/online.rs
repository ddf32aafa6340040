//! Words that ask the server.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::safety::OfflineArgs;
use super::span;
use crate::domain::entity::{EntityKind, ObjectId};
use crate::domain::id::{ApprovalId, RunId};
use crate::domain::moment::Span;
use crate::domain::step::PriorWord;

/// What to contain, and how.
#[derive(Debug, Args)]
pub struct ContainArgs {
    /// Object id of an agent, a blueprint's principal or an agent's user account; or a
    /// blueprint's app id. Several are contained together, with one question.
    #[arg(value_name = "GUID", required_unless_present = "file")]
    pub targets: Vec<ObjectId>,
    /// A file with more of them, one in each line; what follows a # is left out.
    #[arg(long, value_name = "LIST")]
    pub file: Option<PathBuf>,
    /// Contain each agent of the blueprint GUID, and leave the blueprint itself.
    #[arg(long, conflicts_with = "kind")]
    pub agents: bool,
    /// What it is; found out when left away.
    #[arg(long, value_parser = entity_kind, value_name = "agent|blueprint|agent_user")]
    pub kind: Option<EntityKind>,
    /// Leave the agent's user accounts alone.
    #[arg(long)]
    pub only: bool,
    /// Why; kept in the record. Asked for on a terminal when left away.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The entity's name or GUID, where a blueprint is contained; "CONTAIN n" for more than ten.
    #[arg(long, value_name = "TEXT")]
    pub confirm: Option<String>,
    /// Show the plan and stop there.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// How long to wait for the proof; 0s for not at all.
    #[arg(long, value_parser = span, default_value = "60s", value_name = "TIME")]
    pub wait: Span,
    /// Without the server.
    #[command(flatten)]
    pub offline: OfflineArgs,
}

/// What to put back, and how.
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// The run.
    #[arg(value_name = "RUN")]
    pub run: RunId,
    /// What Entra is told about the risk, where the run confirmed a compromise.
    #[arg(long, value_enum)]
    pub risk: Option<RiskWord>,
    /// What its switch was, where read and write left together and nobody can tell.
    #[arg(long, value_parser = prior_word, value_name = "enabled|disabled")]
    pub was: Option<PriorWord>,
    /// Why; kept in the record. Asked for on a terminal when left away.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Show what would be put back and stop there.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// How long to wait for the proof; 0s for not at all.
    #[arg(long, value_parser = span, default_value = "60s", value_name = "TIME")]
    pub wait: Span,
}

/// A verdict on the risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RiskWord {
    /// A false alarm: Entra stops flagging similar activity.
    Safe,
    /// Real but harmless: Entra keeps flagging similar activity.
    Dismiss,
    /// Keep it at high risk: a policy may go on blocking it.
    Leave,
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// The newest runs.
    List {
        /// Only this state; may stand several times.
        #[arg(long, value_name = "STATE")]
        state: Vec<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u32,
    },
    /// One run with its steps, and what it did not stop.
    Show {
        /// The run.
        run: RunId,
    },
    /// Follow one run to its end, or all runs until Ctrl-C.
    Watch {
        /// The run; all when left away.
        run: Option<RunId>,
    },
    /// Release runs that wait for a person: exactly those that are listed.
    Resume {
        /// The runs.
        #[arg(value_name = "RUN", required = true)]
        runs: Vec<RunId>,
        /// Why; kept in the record.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Stop a run after the calls in flight.
    Stop {
        /// The run.
        run: RunId,
        /// Why; kept in the record.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// What to do with agents.
#[derive(Debug, Subcommand)]
pub enum AgentsCommand {
    /// What the inventory holds, in the order of object ids.
    List {
        /// What to list: agent, blueprint, agent_user or service_principal.
        #[arg(long, default_value = "agent", value_name = "KIND")]
        kind: String,
        /// Only agents of this blueprint, by any of its ids.
        #[arg(long, value_name = "GUID")]
        blueprint: Option<ObjectId>,
        /// At most so many.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u32,
        /// Only those behind this object id.
        #[arg(long, value_name = "GUID")]
        after: Option<ObjectId>,
    },
    /// What a GUID is, what hangs together with it, and what its switch stops.
    Show {
        /// Any id: object id, app id, application object id, agent registry id.
        #[arg(value_name = "GUID")]
        id: ObjectId,
    },
    /// Agents and user accounts that lost what they hang from, or that nobody answers for.
    Orphans,
}

/// What to do with approvals.
#[derive(Debug, Subcommand)]
pub enum ApprovalsCommand {
    /// The newest questions to people.
    List {
        /// Only this state: asked, approved, denied, expired, void; may stand several times.
        #[arg(long, value_name = "STATE")]
        state: Vec<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u32,
    },
    /// One approval: why, what it would do now, what changed, what is smaller.
    Show {
        /// The approval.
        approval: ApprovalId,
    },
    /// Say yes, with a credential of your own: shows the plan, then asks.
    Approve(ApproveArgs),
    /// Say no: nothing is done, or what is held is put back.
    Deny {
        /// The approval.
        approval: ApprovalId,
        /// Why; kept in the record.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Ask for more time, before the end.
    Extend {
        /// The approval.
        approval: ApprovalId,
        /// How much more.
        #[arg(long, value_parser = span, default_value = "10m", value_name = "TIME")]
        by: Span,
        /// Why; kept in the record.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

/// To what to say yes.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The approval.
    pub approval: ApprovalId,
    /// Approve the first smaller plan rather than the whole one.
    #[arg(long, conflicts_with = "plan")]
    pub smaller: bool,
    /// Approve exactly the plan of this digest, as it was shown before.
    #[arg(long, value_name = "DIGEST")]
    pub plan: Option<String>,
    /// Why; kept in the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Do not ask.
    #[arg(long, short = 'y')]
    pub yes: bool,
}

/// What to do with detections.
#[derive(Debug, Subcommand)]
pub enum DetectionsCommand {
    /// The newest deliveries and what they became.
    List {
        /// Only this state: received, read, ignored, quarantined.
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u32,
    },
    /// One detection with what was decided and why.
    Show {
        /// Its name: det_... or dlv_...
        id: String,
    },
    /// Read a quarantined delivery again, after a fix.
    Replay {
        /// Its name: dlv_... or det_...
        id: String,
    },
}

/// Show or set the mode.
#[derive(Debug, Subcommand)]
pub enum ModeCommand {
    /// The mode in force, and on whose word.
    Show,
    /// Change it.
    Set {
        /// How far the service may go.
        #[arg(value_parser = ["off", "observe", "enforce"])]
        mode: String,
        /// Why; kept in the record.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// Look at the brake or move it.
#[derive(Debug, Subcommand)]
pub enum BrakeCommand {
    /// Where it is, and on whose word.
    Status,
    /// Stop all writes to the tenant now.
    Trip(BrakeWord),
    /// Allow writes again.
    Reset(BrakeWord),
}

/// Why the brake is moved.
#[derive(Debug, Args)]
pub struct BrakeWord {
    /// Why; kept in the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

fn prior_word(word: &str) -> Result<PriorWord, String> {
    PriorWord::from_word(word).ok_or_else(|| "it is one of: enabled, disabled".to_owned())
}

fn entity_kind(word: &str) -> Result<EntityKind, String> {
    match EntityKind::from_word(&word.replace('-', "_")) {
        Some(kind @ (EntityKind::Agent | EntityKind::Blueprint | EntityKind::AgentUser)) => {
            Ok(kind)
        }
        Some(EntityKind::ServicePrincipal | EntityKind::User) | None => {
            Err("it is one of: agent, blueprint, agent_user".to_owned())
        }
    }
}
