//! Words that need no server.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::span;
use crate::audit::Head;
use crate::domain::entity::ObjectId;
use crate::domain::id::{PersonId, TokenId};
use crate::domain::moment::{Moment, Span};
use crate::domain::permission::Profile;
use crate::domain::person::{GroupName, Role};
use crate::signature::PublicKey;

/// Which configuration, and what to do with it.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// Show or check it.
    #[command(subcommand)]
    pub command: ConfigCommand,
    /// The configuration.
    #[arg(long, env = "ESTOP_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Every value in force, and where it comes from.
    Show {
        /// Accepted for those who type it: origins are always shown.
        #[arg(long, hide = true)]
        origin: bool,
    },
    /// Read it and say what is wrong; nothing is contacted.
    Check,
}

/// Where the store is.
#[derive(Clone, Debug, Args)]
pub struct StoreArgs {
    /// The store itself, above the configuration's word.
    #[arg(long, value_name = "sqlite:PATH")]
    pub store: Option<String>,
    /// The configuration that names the store.
    #[arg(long, env = "ESTOP_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What to do with the store.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Move it out of its SQLite file into an empty PostgreSQL database: proved, or not at all.
    Migrate(MigrateArgs),
    /// Bring the schema of a PostgreSQL database up to this version, as the role that owns it.
    Prepare(DatabaseArgs),
}

/// Out of which file, and into which database.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// The file; without it the one that the configuration names.
    #[arg(long, value_name = "sqlite:PATH")]
    pub from: Option<String>,
    /// Into which.
    #[command(flatten)]
    pub into: DatabaseArgs,
}

/// Which PostgreSQL database, and how it is reached.
#[derive(Debug, Args)]
pub struct DatabaseArgs {
    /// The database; without it the one that the configuration names.
    #[arg(long, value_name = "postgres://ROLE@HOST/DATABASE")]
    pub to: Option<String>,
    /// Holds the password of our role there.
    #[arg(long, value_name = "FILE", requires = "to")]
    pub password_file: Option<PathBuf>,
    /// Whose certificates the server may show, in PEM.
    #[arg(long, value_name = "FILE", requires = "to")]
    pub ca_file: Option<PathBuf>,
    /// The configuration that names what is not named here.
    #[arg(long, env = "ESTOP_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make one. Its text is shown this once.
    Create {
        /// What it is called in the record.
        #[arg(long)]
        name: String,
        /// What it allows: view, respond or ingest:NAME.
        #[arg(long, default_value = "view")]
        scope: String,
        /// How long it lives, up to 90d.
        #[arg(long, value_parser = span, default_value = "30d", value_name = "TIME")]
        expires: Span,
        /// Write it into this new file (mode 0600) and not to standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Where the store is.
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Every token, newest first.
    List {
        /// Where the store is.
        #[command(flatten)]
        store: StoreArgs,
    },
    /// End one; the next request that shows it is refused.
    Revoke {
        /// Its name: tok_...
        id: TokenId,
        /// Where the store is.
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// What to do with people's own credentials.
#[derive(Debug, Subcommand)]
pub enum PersonCommand {
    /// Make one for a person. Its text is shown this once.
    Add {
        /// What the record calls them.
        name: String,
        /// What they may: viewer, responder or lead.
        #[arg(long, value_parser = role, value_name = "ROLE")]
        role: Role,
        /// A group of approvers they belong to; may stand several times.
        #[arg(long, value_parser = group, value_name = "GROUP")]
        group: Vec<GroupName>,
        /// The object id of their user in Entra: who they are when people are counted.
        #[arg(long, value_name = "OBJECT_ID")]
        entra: ObjectId,
        /// How long it lives, up to 90d.
        #[arg(long, value_parser = span, default_value = "30d", value_name = "TIME")]
        expires: Span,
        /// Write it into this new file (mode 0600) and not to standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Where the store is.
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Every person's credential, newest first.
    List {
        /// Where the store is.
        #[command(flatten)]
        store: StoreArgs,
    },
    /// End one; the next request that shows it is refused.
    Revoke {
        /// Its name: per_...
        id: PersonId,
        /// Where the store is.
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// What to do with the record.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// The newest records, from the server.
    List {
        /// The records after this number, rather than the newest.
        #[arg(long, value_name = "NUMBER")]
        after: Option<u32>,
        /// At most so many.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u32,
    },
    /// Every record, one a line, from the server.
    Export {
        /// Into this new file, rather than to standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Prove an export or a store, and name the first bad record. Needs no server.
    Verify(ProofArgs),
}

/// What is proved, and what it is held against.
#[derive(Debug, Args)]
pub struct ProofArgs {
    /// An export; the store when left away.
    #[arg(value_name = "FILE", conflicts_with = "store")]
    pub file: Option<PathBuf>,
    /// A head that was noted before: NUMBER:SEAL. Without it or anchors, a missing end cannot be seen.
    #[arg(long, value_name = "NUMBER:SEAL")]
    pub head: Option<Head>,
    /// Anchors: signed heads, as `anchors.file` has them.
    #[arg(long, value_name = "FILE")]
    pub anchors: Option<PathBuf>,
    /// Who must have signed them; the service logs it when it starts.
    #[arg(long, value_name = "PUBLIC", requires = "anchors")]
    pub key: Option<PublicKey>,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreArgs,
}

pub(super) fn profile(word: &str) -> Result<Profile, String> {
    Profile::from_word(word).ok_or_else(|| "it is one of: agents, classic, eradicate".to_owned())
}

pub(super) fn moment(text: &str) -> Result<Moment, String> {
    Moment::parse(text).ok_or_else(|| "a time such as 2026-09-20T14:02:07Z".to_owned())
}

fn role(word: &str) -> Result<Role, String> {
    Role::from_word(word).ok_or_else(|| "it is one of: viewer, responder, lead".to_owned())
}

fn group(name: &str) -> Result<GroupName, String> {
    GroupName::new(name).ok_or_else(|| "1 to 64 lower-case letters, digits and `-`".to_owned())
}
