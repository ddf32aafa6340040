//! Log lines: a sentence for people, fields for machines, always on standard error.

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer};

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
    let lines = lines(form, std::io::stderr);
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
}

/// Lines in this form, to this writer.
fn lines<S, W>(form: LogForm, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let usual = tracing_subscriber::fmt::layer().with_writer(writer);
    match form {
        LogForm::Pretty => usual.with_target(false).boxed(),
        LogForm::Json => usual
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .boxed(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::{LogForm, lines};

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn written(form: LogForm) -> String {
        let paper = Paper::default();
        let pen = paper.clone();
        let subscriber = tracing_subscriber::registry().with(lines(form, move || pen.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(run.id = "run_1", "it was \n\u{1b}[2J throttled");
        });
        let bytes = paper.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn machines_read_one_json_object_a_line_and_people_a_sentence() {
        let (json, pretty) = (written(LogForm::Json), written(LogForm::Pretty));

        assert_eq!(json.lines().count(), 1, "{json}");
        let line: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (&line["level"], &line["run.id"]),
            (&"WARN".into(), &"run_1".into())
        );
        assert_eq!(line["message"], "it was \n\u{1b}[2J throttled");
        assert!(
            pretty.contains("WARN") && pretty.contains("throttled"),
            "{pretty}"
        );
        assert!(
            !pretty.starts_with('{') && !pretty.contains("\u{1b}[2J"),
            "{pretty}"
        );
    }
}
