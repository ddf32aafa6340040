//! Words about what is held.

use clap::Subcommand;

use crate::domain::entity::ObjectId;
use crate::domain::id::RunId;

/// What to do with holds.
#[derive(Debug, Subcommand)]
pub enum HoldsCommand {
    /// Everything that is held, in the order of object ids.
    List {
        /// Only what this run holds.
        #[arg(long, value_name = "RUN")]
        run: Option<RunId>,
        /// Only those behind this object id.
        #[arg(long, value_name = "GUID")]
        after: Option<ObjectId>,
        /// At most so many.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u32,
    },
    /// One held entity: every hold on it, and what was seen to differ since.
    Show {
        /// Its object id.
        #[arg(value_name = "GUID")]
        id: ObjectId,
    },
}
