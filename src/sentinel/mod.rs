//! Microsoft Sentinel: comments and tags on an incident, and lines for a table.
//!
//! Knows: three calls of Azure Resource Manager, one of the Logs Ingestion API.
//! Never: what a comment says, whether an incident deserves one, Graph.
//!
//! Laws
//! * A token goes to the configured host only; an incident's path is taken apart and put together
//!   again, and its workspace must be configured.
//! * A comment has a name of ours, so that writing it twice leaves one.
//! * An incident is written only over the state that was read; who changed it meanwhile wins.
//! * We never close an incident, and take away no tag but our own.
//!
//! Read next: `incident`, then `comment`, `marks`, `table`.

mod call;
mod comment;
mod incident;
mod marks;
mod table;

use url::Url;

pub use call::Error;
pub use incident::{IncidentPath, Workspace};
pub use marks::{IncidentRead, Marks};
pub use table::{Table, TableTerms};

use crate::clock::Clock;
use crate::entra::TokenSource;
use crate::transport::Transport;

/// Which version of the API is spoken.
const API_VERSION: &str = "2025-09-01";

/// The way to incidents. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sentinel {
    /// `https://management.azure.com` or its like in another cloud.
    pub base: Url,
    /// The workspaces whose incidents are ours to write to.
    pub workspaces: Vec<Workspace>,
    /// The way there.
    pub transport: Transport,
    /// What lets us in, for `{base}/.default`.
    pub tokens: TokenSource,
    /// Time.
    pub clock: Clock,
}
