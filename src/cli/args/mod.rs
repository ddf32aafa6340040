//! The words the command line understands. `clap` makes help and errors from them.

mod evidence;
mod examples;
mod holds;
mod init;
mod manner;
mod motions;
mod notices;
mod offline;
mod online;
mod playbook;
mod safety;
mod senders;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use url::Url;

pub use evidence::EvidenceCommand;
pub use holds::HoldsCommand;
pub use init::{InitCommand, SentinelArgs, ShellWord};
pub use manner::Manner;
pub use motions::{CapsCommand, FreezeCommand, FreezeWord, MotionsCommand};
pub use notices::{NoticesCommand, PageCommand};
pub use offline::{
    AuditCommand, ConfigArgs, ConfigCommand, DatabaseArgs, MigrateArgs, PersonCommand, ProofArgs,
    StoreArgs, StoreCommand, TokenCommand,
};
pub use online::{
    AgentsCommand, ApprovalsCommand, ApproveArgs, BrakeCommand, BrakeWord, ContainArgs,
    DetectionsCommand, ModeCommand, RiskWord, RunsCommand, UndoArgs,
};
pub use playbook::{
    ActivateArgs, DiffArgs, ExplainArgs, Format, NewArgs, PlaybookCommand, RunPlaybookArgs,
    SetArgs, SimulateArgs, TestFormat, Which,
};
pub use safety::{DrillArgs, ExpectArgs, HoldArgs, OfflineArgs, PauseArgs};
pub use senders::{ListenArgs, SendArgs, SignArgs, Tamper, TriggerArgs, VerifyArgs, WayArgs};

use super::demo::DemoArgs;
use super::doctor::DoctorArgs;
use super::lab::LabArgs;
use super::serve::ServeArgs;
use crate::domain::moment::Span;
use crate::domain::role::ServiceRole;

/// The emergency stop for AI agents in Microsoft Entra.
#[derive(Debug, Parser)]
#[command(name = "estop", version, after_help = examples::ALL, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Where the server is.
    #[command(flatten)]
    pub reach: Reach,
    /// Write JSON to standard output: a stable contract, unlike the tables.
    #[arg(long, global = true)]
    pub json: bool,
    /// No colours, as with NO_COLOR.
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// Where the server is, and what proves who asks.
#[derive(Clone, Debug, Args)]
pub struct Reach {
    /// The control API: https, or http on this machine.
    #[arg(
        long,
        global = true,
        env = "ESTOP_SERVER",
        default_value = "http://127.0.0.1:8788",
        value_name = "URL"
    )]
    pub server: Url,
    /// A file that holds the token and that only you can read (mode 0600).
    #[arg(long, global = true, env = "ESTOP_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

/// What a person can ask for.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// See an agent being stopped, on a simulated tenant, in a few seconds.
    #[command(after_help = examples::DEMO)]
    Demo(DemoArgs),
    /// A service on a simulated tenant, in a folder of yours, to learn and to try playbooks on.
    #[command(after_help = examples::LAB)]
    Lab(LabArgs),
    /// Run the service.
    #[command(after_help = examples::SERVE)]
    Serve(ServeArgs),
    /// Stop an agent, a blueprint or an agent's user account: shows the plan, then asks.
    #[command(alias = "kill", after_help = examples::CONTAIN)]
    Contain(ContainArgs),
    /// Put back what a run changed: shows what will be put back, then asks.
    #[command(after_help = examples::UNDO)]
    Undo(UndoArgs),
    /// Runs: list, show, watch, resume, stop.
    #[command(after_help = examples::RUNS)]
    Runs {
        /// What to do with runs.
        #[command(subcommand)]
        command: RunsCommand,
    },
    /// Holds: what is contained, by whose word, until when, and whether it still is.
    #[command(after_help = examples::HOLDS)]
    Holds {
        /// What to do with holds.
        #[command(subcommand)]
        command: HoldsCommand,
    },
    /// Approvals: list, show, approve, deny, extend.
    #[command(alias = "approval", after_help = examples::APPROVALS)]
    Approvals {
        /// What to do with approvals.
        #[command(subcommand)]
        command: ApprovalsCommand,
    },
    /// What people were told: list, show, acknowledge, resolve.
    #[command(after_help = examples::NOTICES)]
    Notices {
        /// What to do with notices.
        #[command(subcommand)]
        command: NoticesCommand,
    },
    /// Page people on call, to see that it arrives.
    #[command(after_help = examples::PAGE)]
    Page {
        /// What to do with pages.
        #[command(subcommand)]
        command: PageCommand,
    },
    /// Detections: list, show, replay.
    #[command(alias = "det", after_help = examples::DETECTIONS)]
    Detections {
        /// What to do with detections.
        #[command(subcommand)]
        command: DetectionsCommand,
    },
    /// Is everything there that a containment needs? Only reads, and says what to do.
    #[command(after_help = examples::DOCTOR)]
    Doctor(DoctorArgs),
    /// Agents and blueprints as they were last listed: list, show, orphans.
    #[command(after_help = examples::AGENTS)]
    Agents {
        /// What to do with agents.
        #[command(subcommand)]
        command: AgentsCommand,
    },
    /// Stop the canary for real, put it back, and time every hop.
    #[command(after_help = examples::DRILL)]
    Drill(DrillArgs),
    /// How far the service may go: off, observe, enforce.
    #[command(after_help = examples::MODE)]
    Mode {
        /// Show or set it.
        #[command(subcommand)]
        command: ModeCommand,
    },
    /// How many entities may be contained without a person; raising that takes two people.
    #[command(after_help = examples::CAPS)]
    Caps {
        /// Show, raise or lower them.
        #[command(subcommand)]
        command: CapsCommand,
    },
    /// Contain every agent of the tenant but the protected; takes two people, undone as a whole.
    #[command(after_help = examples::FREEZE)]
    Freeze {
        /// Plan, propose, follow, stop or undo it.
        #[command(subcommand)]
        command: FreezeCommand,
    },
    /// What one person proposed and another must second.
    #[command(alias = "motion", after_help = examples::MOTIONS)]
    Motions {
        /// What to do with motions.
        #[command(subcommand)]
        command: MotionsCommand,
    },
    /// Stop all writes to the tenant, or allow them again.
    #[command(after_help = examples::BRAKE)]
    Brake {
        /// Look at the brake or move it.
        #[command(subcommand)]
        command: BrakeCommand,
    },
    /// Announce a change: noisy detections about a blueprint's agents are asked about meanwhile.
    #[command(after_help = examples::EXPECT)]
    Expect(ExpectArgs),
    /// Keep a run and all that belongs to it for a case, whatever its age.
    #[command(after_help = examples::HOLD)]
    Hold(HoldArgs),
    /// Stop all writes to the tenant: by the server, or where it does not answer, by a file.
    #[command(after_help = examples::PAUSE)]
    Pause(PauseArgs),
    /// Mode, brake, health and open work.
    #[command(after_help = examples::STATUS)]
    Status,
    /// The store, while no service works on it.
    #[command(after_help = examples::STORE)]
    Store {
        /// What to do with it.
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// API tokens, at the machine that holds the store.
    #[command(after_help = examples::TOKEN)]
    Token {
        /// What to do with tokens.
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// People's own credentials, which decide approvals; at the machine that holds the store.
    #[command(after_help = examples::PERSON)]
    Person {
        /// What to do with people's credentials.
        #[command(subcommand)]
        command: PersonCommand,
    },
    /// Watch what senders deliver, and why what is refused is refused.
    #[command(after_help = examples::LISTEN)]
    Listen(ListenArgs),
    /// Make up a detection of any type, as any sender sends it, and send it.
    #[command(after_help = examples::TRIGGER)]
    Trigger(TriggerArgs),
    /// Print the signature headers for a delivery.
    #[command(after_help = examples::SIGN)]
    Sign(SignArgs),
    /// Sign a delivery and send it.
    #[command(after_help = examples::SEND)]
    Send(SendArgs),
    /// Find out why a delivery was refused.
    #[command(after_help = examples::VERIFY)]
    Verify(VerifyArgs),
    /// What was gathered beside a strike: show, export, verify.
    #[command(after_help = examples::EVIDENCE)]
    Evidence {
        /// What to do with evidence.
        #[command(subcommand)]
        command: EvidenceCommand,
    },
    /// The permanent record: list, export, verify.
    #[command(after_help = examples::AUDIT)]
    Audit {
        /// What to do with the record.
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// The configuration: show, check.
    #[command(after_help = examples::CONFIG)]
    Config(ConfigArgs),
    /// Scripts that prepare a tenant; nothing is run.
    #[command(after_help = examples::INIT)]
    Init {
        /// What to prepare.
        #[command(subcommand)]
        command: InitCommand,
    },
    /// The pages of reference, as Markdown.
    #[command(after_help = examples::REFERENCE)]
    Reference {
        /// Which page.
        #[arg(value_enum)]
        page: Page,
    },
    /// Playbooks: write, check, prove, explain, simulate, compare, activate, permissions.
    #[command(after_help = examples::PLAYBOOK)]
    Playbook {
        /// What to do with playbooks.
        #[command(subcommand)]
        command: PlaybookCommand,
    },
}

/// A page of reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Page {
    /// Every key of a playbook and of its tests.
    Playbooks,
    /// Every command with its arguments.
    Commands,
    /// Every key of the configuration.
    Configuration,
}

pub(super) fn service_role(word: &str) -> Result<ServiceRole, String> {
    let known = ServiceRole::ALL.map(ServiceRole::word).join(", ");
    ServiceRole::from_word(word).ok_or_else(|| format!("write one of {known}"))
}

fn span(text: &str) -> Result<Span, String> {
    Span::parse(text).ok_or_else(|| "one number and one unit: 500ms, 10s, 60m, 24h, 7d".to_owned())
}
