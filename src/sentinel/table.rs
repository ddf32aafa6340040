//! Lines into a table of a workspace, by the Logs Ingestion API and a data collection rule.

use http::Method;
use serde_json::Value;
use url::Url;

use super::call::{Asking, Call, Error, unreadable};
use crate::clock::Clock;
use crate::entra::TokenSource;
use crate::transport::Transport;

/// Which version of the API is spoken.
const API_VERSION: &str = "2023-01-01";
/// Longest name of a rule or a stream.
const NAME_MAX: usize = 128;

/// Where lines go, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableTerms {
    endpoint: Url,
    rule: String,
    stream: String,
}

/// The way there. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Table {
    /// Where lines go.
    pub terms: TableTerms,
    /// The way there.
    pub transport: Transport,
    /// What lets us in, for `https://monitor.azure.com/.default`.
    pub tokens: TokenSource,
    /// Time.
    pub clock: Clock,
}

impl TableTerms {
    /// Takes the endpoint of a rule of kind `Direct` (or of a data collection endpoint), the rule's
    /// immutable id and the name of the stream.
    pub fn new(endpoint: Url, rule: &str, stream: &str) -> Result<Self, String> {
        let plain = |text: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            (1..=NAME_MAX).contains(&text.len()) && text.chars().all(fits)
        };
        if !rule.starts_with("dcr-") || !plain(rule) {
            return Err("`rule` is the immutable id of the data collection rule: dcr-…".to_owned());
        }
        if !stream.starts_with("Custom-") || !plain(stream) {
            return Err("`stream` is one of the rule's own streams: Custom-…".to_owned());
        }
        Ok(Self {
            endpoint,
            rule: rule.to_owned(),
            stream: stream.to_owned(),
        })
    }
}

impl Table {
    /// Adds these lines. A repeat adds them again; each carries an id of its own to find that by.
    /// Needs the role Monitoring Metrics Publisher on the rule.
    pub async fn add(&self, lines: Vec<Value>) -> Result<(), Error> {
        let TableTerms {
            endpoint,
            rule,
            stream,
        } = &self.terms;
        let host = endpoint.as_str().trim_end_matches('/');
        let call = Call {
            method: Method::POST,
            address: format!(
                "{host}/dataCollectionRules/{rule}/streams/{stream}?api-version={API_VERSION}"
            ),
            body: Some(Value::Array(lines)),
            spoken: "POST Logs Ingestion",
        };
        let asking = Asking {
            transport: &self.transport,
            tokens: &self.tokens,
            clock: &self.clock,
        };
        let answer = asking.send(&call).await?;
        // It answers without content; anything else comes from somebody on the way.
        match (answer.status().as_u16(), answer.body().is_empty()) {
            (204, true) => Ok(()),
            _ => Err(unreadable(call.spoken)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TableTerms;

    #[test]
    fn a_rule_and_a_stream_cannot_bend_the_address() {
        let at = || "https://x.ingest.monitor.azure.com".parse().unwrap();

        assert!(TableTerms::new(at(), "dcr-0a1b", "Custom-Estop").is_ok());
        for (rule, stream) in [
            ("0a1b", "Custom-Estop"),
            ("dcr-0a/b", "Custom-Estop"),
            ("dcr-0a1b", "Estop"),
            ("dcr-0a1b", "Custom-a?b"),
        ] {
            assert!(
                TableTerms::new(at(), rule, stream).is_err(),
                "{rule} {stream}"
            );
        }
    }
}
