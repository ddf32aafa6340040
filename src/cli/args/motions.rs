//! Words about what takes two people.

use clap::{Args, Subcommand};

use super::span;
use crate::domain::id::{FreezeId, MotionId};
use crate::domain::moment::Span;

/// What to do with a freeze of the tenant.
#[derive(Debug, Subcommand)]
pub enum FreezeCommand {
    /// Show whom it would contain, in the order of their turns, and stop there.
    Plan,
    /// Propose to contain every agent but the protected; a second person must agree.
    Propose {
        /// Why; kept in the record.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// "KILL n AGENTS", with the number the plan shows.
        #[arg(long, value_name = "TEXT")]
        confirm: Option<String>,
    },
    /// The newest freezes.
    List,
    /// One freeze, and how far it has come.
    Show {
        /// The freeze.
        freeze: FreezeId,
    },
    /// Give no further agent its turn; what is contained stays so.
    Stop(FreezeWord),
    /// Propose to put back everything it contained; a second person must agree.
    Undo(FreezeWord),
}

/// A word about one freeze.
#[derive(Debug, Args)]
pub struct FreezeWord {
    /// The freeze.
    pub freeze: FreezeId,
    /// Why; kept in the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// What to do with motions.
#[derive(Debug, Subcommand)]
pub enum MotionsCommand {
    /// The newest motions.
    List,
    /// One motion: what it does, who proposed it, until when it may be seconded.
    Show {
        /// The motion.
        motion: MotionId,
    },
    /// Agree, with a credential of your own; never the one who proposed it.
    Second {
        /// The motion.
        motion: MotionId,
        /// Why; kept in the record.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Do not ask.
        #[arg(long, short = 'y')]
        yes: bool,
    },
    /// Say no, which ends it.
    Deny {
        /// The motion.
        motion: MotionId,
        /// Why; kept in the record.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// What to do with the caps.
#[derive(Debug, Subcommand)]
pub enum CapsCommand {
    /// As configured, as raised, as in force.
    Show,
    /// Propose higher caps for a time; a second person must agree.
    Raise {
        /// Most entities contained in the tenant within the window.
        #[arg(long, value_name = "N")]
        tenant: Option<u32>,
        /// Most entities contained on one source's word within the window.
        #[arg(long, value_name = "N")]
        source: Option<u32>,
        /// Most of the fleet, in percent.
        #[arg(long, value_name = "N")]
        fleet_percent: Option<u32>,
        /// For how long, at most 24h.
        #[arg(long = "for", value_parser = span, value_name = "TIME")]
        lasts: Span,
        /// Why; kept in the record.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// End raised caps before their time.
    Lower {
        /// Why; kept in the record.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}
