//! Words about playbooks.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::StoreArgs;
use super::offline::{moment, profile};
use super::{service_role, span};
use crate::domain::entity::ObjectId;
use crate::domain::moment::{Moment, Span};
use crate::domain::permission::Profile;
use crate::domain::playbook::PlaybookName;
use crate::domain::restraint::ChangeName;
use crate::domain::role::ServiceRole;

/// What to do with playbooks.
#[derive(Debug, Subcommand)]
pub enum PlaybookCommand {
    /// The playbooks in force, from the server.
    List,
    /// Call a playbook that people call, for the entities named.
    Run(RunPlaybookArgs),
    /// Write a playbook that is valid from the first minute, with its tests beside it.
    New(NewArgs),
    /// Check files and folders; tells every error, warning and note.
    Lint {
        /// Files and folders.
        #[arg(value_name = "PATH", default_value = "playbooks")]
        paths: Vec<PathBuf>,
        /// Let warnings fail, too.
        #[arg(long, value_parser = ["warnings"])]
        deny: Option<String>,
        /// In which form to tell it.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Play the tests beside playbooks, on a simulated tenant and a clock moved by hand.
    Test {
        /// Playbooks, their test files, or folders.
        #[arg(value_name = "PATH", default_value = "playbooks")]
        paths: Vec<PathBuf>,
        /// In which form to tell it.
        #[arg(long, value_enum, default_value_t = TestFormat::Text)]
        format: TestFormat,
    },
    /// What every playbook makes of a detection, and why or why not.
    Explain(ExplainArgs),
    /// What would be done about detections, looked up in the tenant; no write is sent.
    Simulate(SimulateArgs),
    /// Replay stored detections through two sets of playbooks.
    Diff(DiffArgs),
    /// The JSON Schema that editors use.
    Schema {
        /// Of which files.
        #[arg(value_enum, default_value_t = Which::Playbook)]
        which: Which,
    },
    /// The least application permissions that playbooks need, in each profile.
    Permissions {
        /// Folders of playbooks; without any, the shipped ones.
        #[arg(value_name = "FOLDER")]
        paths: Vec<PathBuf>,
        /// Only this profile; ends with 1 when a playbook needs more.
        #[arg(long, value_parser = profile, value_name = "PROFILE")]
        profile: Option<Profile>,
        /// all, ingest, worker or console: the part of a service that is to hold them.
        #[arg(long, value_parser = service_role, default_value = "all", value_name = "ROLE")]
        role: ServiceRole,
    },
    /// Let the bytes of these files act: one of two leads' words, or a signature.
    Activate(ActivateArgs),
    /// The exact bytes a signer signs to activate a playbook.
    Statement {
        /// The playbook.
        #[arg(value_name = "FILE")]
        path: PathBuf,
        /// By which change.
        #[arg(long, value_parser = change, value_name = "CHANGE")]
        change: ChangeName,
    },
    /// Let a playbook act again that demoted itself.
    Lift {
        /// Its name.
        #[arg(value_parser = playbook_name, value_name = "NAME")]
        name: PlaybookName,
        /// Why; kept in the record.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Write playbooks and their tests in the one form; comments stay.
    Fmt {
        /// Files and folders.
        #[arg(value_name = "PATH", default_value = "playbooks")]
        paths: Vec<PathBuf>,
        /// Change nothing; fail when something would change.
        #[arg(long)]
        check: bool,
    },
}

/// What to call, and for whom.
#[derive(Debug, Args)]
pub struct RunPlaybookArgs {
    /// The playbook: one with `trigger: { manual: ... }`.
    #[arg(value_name = "NAME", value_parser = playbook_name)]
    pub name: PlaybookName,
    /// An entity of the kind it acts on, by object id; again for each.
    #[arg(long = "entity", required = true, value_name = "GUID")]
    pub entities: Vec<ObjectId>,
    /// One of its parameters.
    #[arg(long = "param", value_parser = pair, value_name = "NAME=VALUE")]
    pub params: Vec<(String, String)>,
    /// Why; kept in the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=');
    let (name, value) = pair.ok_or_else(|| "write NAME=VALUE".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

/// What to activate, and on whose word.
#[derive(Debug, Args)]
pub struct ActivateArgs {
    /// Playbooks, or folders of them.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// By which change.
    #[arg(long, value_parser = change, value_name = "CHANGE")]
    pub change: ChangeName,
    /// A file with a signature over the statement, rather than two people; for one playbook.
    #[arg(long, value_name = "FILE", requires = "signer")]
    pub signature: Option<PathBuf>,
    /// Who signed, by the configured name.
    #[arg(long, value_name = "NAME", requires = "signature")]
    pub signer: Option<String>,
    /// Why; kept in the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Do not ask.
    #[arg(long, short = 'y')]
    pub yes: bool,
}

fn change(text: &str) -> Result<ChangeName, String> {
    ChangeName::new(text).ok_or_else(|| "1 to 64 visible ASCII characters".to_owned())
}

fn playbook_name(text: &str) -> Result<PlaybookName, String> {
    let unfit = "1 to 64 lower-case letters, digits and `-`";
    PlaybookName::new(text).ok_or_else(|| unfit.to_owned())
}

/// In which form findings are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// JUnit XML.
    Junit,
}

/// In which form the outcome of tests is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// Annotations of GitHub Actions.
    Github,
    /// JUnit XML.
    Junit,
}

impl From<TestFormat> for Format {
    fn from(form: TestFormat) -> Self {
        match form {
            TestFormat::Text => Self::Text,
            TestFormat::Json => Self::Json,
            TestFormat::Github => Self::Github,
            TestFormat::Junit => Self::Junit,
        }
    }
}

/// Which schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// Of playbooks.
    Playbook,
    /// Of their test files.
    Test,
}

/// Which playbooks are asked, and by whose configuration.
#[derive(Clone, Debug, Args)]
pub struct SetArgs {
    /// A folder or a file; the configured ones when left away, else the shipped ones.
    #[arg(long, value_name = "PATH")]
    pub playbooks: Option<PathBuf>,
    /// Ask them in the mode they recommend.
    #[arg(long)]
    pub as_recommended: bool,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// What to explain.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A stored detection (det_...), or a file with a body as its sender writes it.
    #[arg(value_name = "DETECTION|FILE")]
    pub what: String,
    /// How a file is read: sentinel or estop. Each is tried when left away.
    #[arg(long, value_name = "READER")]
    pub reader: Option<String>,
    /// Who is said to have sent a file.
    #[arg(long, value_name = "NAME", default_value = "sentinel")]
    pub source: String,
    /// The time it is asked at; now for a file, its receipt for a stored detection.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<Moment>,
    /// Only playbooks that matched, and those that nearly did.
    #[arg(long)]
    pub short: bool,
    /// Which playbooks.
    #[command(flatten)]
    pub set: SetArgs,
}

/// What to simulate.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Files with bodies as their senders write them.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Stored detections of so long, too.
    #[arg(long, value_parser = span, value_name = "TIME")]
    pub since: Option<Span>,
    /// Look at the simulated tenant rather than at the configured one.
    #[arg(long)]
    pub on_sim: bool,
    /// Which playbooks.
    #[command(flatten)]
    pub set: SetArgs,
}

/// What to compare.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The playbooks as they are: a folder or a file, or `shipped`.
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The playbooks as they would be.
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Replay the stored detections of so long.
    #[arg(long, value_parser = span, value_name = "TIME", default_value = "7d")]
    pub since: Span,
    /// Compare both in the modes they recommend.
    #[arg(long)]
    pub as_recommended: bool,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// What to write.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Its name: lower-case letters, digits and `-`.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The detection types it answers.
    #[arg(long, value_name = "TYPE", required = true, value_delimiter = ',')]
    pub detection: Vec<String>,
    /// The kind of entity it acts on.
    #[arg(long, value_name = "KIND", default_value = "agent", value_parser = ["agent", "agent_user", "blueprint"])]
    pub entity: String,
    /// The folder it is written into.
    #[arg(long = "in", value_name = "FOLDER", default_value = "playbooks")]
    pub folder: PathBuf,
}
