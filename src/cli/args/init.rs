//! What `estop init` writes, and for whom.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use url::Url;

use super::offline::profile;
use super::service_role;
use crate::domain::entity::ObjectId;
use crate::domain::permission::Profile;
use crate::domain::role::ServiceRole;

/// What `estop init` prepares.
#[derive(Debug, Subcommand)]
pub enum InitCommand {
    /// Print the script that grants estop's identity its application permissions.
    Entra {
        /// Folders of playbooks; without any, the shipped ones.
        #[arg(value_name = "FOLDER")]
        paths: Vec<PathBuf>,
        /// agents, classic or eradicate.
        #[arg(long, value_parser = profile, default_value = "agents", value_name = "PROFILE")]
        profile: Profile,
        /// all, worker or console: the part of a service whose identity it is.
        #[arg(long, value_parser = service_role, default_value = "all", value_name = "ROLE")]
        role: ServiceRole,
        /// For which shell.
        #[arg(long, value_enum, default_value = "az")]
        shell: ShellWord,
        /// Grant what estop only looks with, too: evidence, drift, inventory, doctor and the like.
        #[arg(long)]
        optional: bool,
    },
    /// Write the templates for Microsoft Sentinel and Azure Monitor, filled in.
    Sentinel(SentinelArgs),
}

/// What the templates are filled with.
#[derive(Debug, Args)]
pub struct SentinelArgs {
    /// The folder to write to; it is made where it is not there.
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// The Log Analytics workspace with Microsoft Sentinel.
    #[arg(long, value_name = "NAME")]
    pub workspace: String,
    /// Where estop takes deliveries.
    #[arg(long, value_name = "URL")]
    pub url: Url,
    /// Application ID URI of estop's app registration.
    #[arg(long, value_name = "URI")]
    pub audience: String,
    /// The name of the source in estop.yaml.
    #[arg(long, value_name = "NAME", default_value = "sentinel")]
    pub source: String,
    /// Object id of estop's own service principal.
    #[arg(long, value_name = "ID")]
    pub principal: Option<ObjectId>,
}

/// The shells a script can be written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ShellWord {
    /// A POSIX shell with the Azure CLI.
    Az,
    /// PowerShell with the Microsoft Graph module.
    Powershell,
}
