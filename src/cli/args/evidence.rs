//! Words about evidence.

use std::path::PathBuf;

use clap::Subcommand;

use crate::domain::id::RunId;
use crate::signature::PublicKey;

/// What to do with evidence.
#[derive(Debug, Subcommand)]
pub enum EvidenceCommand {
    /// What is gathered for a run so far.
    Show {
        /// Its name: run_...
        run: RunId,
    },
    /// Everything about a run as one signed file.
    Export {
        /// Its name: run_...
        run: RunId,
        /// Write it into this new file and not to standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Does a bundle hold? Needs no server.
    Verify {
        /// The bundle.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The public key that was noted elsewhere; also finds another signer.
        #[arg(long, value_name = "PUBLIC")]
        key: Option<PublicKey>,
    },
}
