//! Does Graph answer?

use super::report::{Line, State};
use crate::graph::{Error, Probe};

pub(super) const CHECK: &str = "reach";

pub(super) fn judge(read: &Result<Probe, Error>) -> Line {
    match read {
        Ok(probe) => Line::ok(CHECK, format!("Graph answers: {}", probe.receipt.call)),
        // Whoever refuses us has been reached.
        Err(Error::Refused {
            status: Some(status),
            ..
        }) => Line::ok(CHECK, format!("Graph answers, with {status}")),
        Err(Error::NotFound { because }) => {
            Line::ok(CHECK, format!("Graph answers, with 404: {because}"))
        }
        Err(error @ (Error::TryAgain { .. } | Error::Refused { status: None, .. })) => {
            let fix = "Open the way out to Graph and its login (443), or set tenant.cloud";
            Line::of(CHECK, State::Fail, error.to_string(), fix)
        }
        Err(error @ Error::Unknown { .. }) => {
            let fix = "Is a proxy answering in Graph's place? See tenant.graph_url";
            Line::of(CHECK, State::Fail, error.to_string(), fix)
        }
    }
}
