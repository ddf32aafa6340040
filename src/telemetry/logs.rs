//! Log lines: a sentence for people, fields for machines, always on standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// What is logged when nobody says otherwise.
const USUAL: &str = "info,hyper=warn,reqwest=warn,azure_core=warn,azure_identity=warn";

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogForm {
    /// For a person at a terminal.
    Pretty,
    /// One JSON object a line, control characters escaped (threat L01).
    Json,
}

/// Starts logging for the whole process. `filter` is in the form of `RUST_LOG`.
pub fn start_logging(form: LogForm, filter: Option<&str>) -> Result<(), TryInitError> {
    let filter = EnvFilter::try_new(filter.unwrap_or(USUAL)).unwrap_or_else(|_| USUAL.into());
    let registry = tracing_subscriber::registry().with(filter);
    match form {
        LogForm::Pretty => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .with_writer(std::io::stderr)
                    .with_target(false),
            )
            .try_init(),
        LogForm::Json => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(false)
                    .with_writer(std::io::stderr),
            )
            .try_init(),
    }
}
