//! Everything that reads bytes of others, one entry each: a plain function that takes any bytes and
//! holds what was read against a law.
//!
//! `cargo test` plays the corpus through them and mutates it (the module above); the package
//! `tests/fuzz` hands them to libFuzzer. An entry shares nothing between two inputs that could
//! change what the second one is told.

mod chance;

mod signatures;
mod texts;
mod tokens;

mod json;
mod readers;

mod yaml;

mod graph;
mod outside;

mod proof;

mod doors;

use estop::domain::moment::Moment;
use estop::domain::reading::ReaderKind;

/// The moment of every entry, in Unix seconds.
pub const NOW: i64 = 1_790_000_000;

/// One thing that reads bytes.
#[derive(Clone, Copy)]
pub struct Entry {
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Plain(&'static str, Play),
    /// Named by the code's own list, so that a new reader is an entry by itself.
    Reader(ReaderKind),
}

/// Reads any bytes, and panics where a law does not hold.
type Play = fn(&[u8]);

/// All but the readers.
const PLAIN: [(&str, Play); 45] = [
    ("standard_webhooks", signatures::standard_webhooks),
    ("standard_webhooks_v1a", signatures::standard_webhooks_v1a),
    ("svix", signatures::svix),
    ("github", signatures::github),
    ("slack", signatures::slack),
    ("teams", signatures::teams),
    ("stripe", signatures::stripe),
    ("hmac", signatures::hmac),
    ("hmac_description", signatures::hmac_description),
    ("shared_secret", signatures::shared_secret),
    ("access_token", tokens::access_token),
    ("access_token_claims", tokens::access_token_claims),
    ("signing_keys", tokens::signing_keys),
    ("ids", texts::ids),
    ("moments", texts::moments),
    ("keys", texts::keys),
    ("callback_address", texts::callback_address),
    ("incident_path", texts::incident_path),
    ("json", json::json),
    ("playbook", yaml::playbook),
    ("playbook_test", yaml::playbook_test),
    ("playbook_format", yaml::playbook_format),
    ("clause", yaml::clause),
    ("configuration", yaml::configuration),
    ("graph_objects", graph::objects),
    ("graph_lists", graph::lists),
    ("graph_held", graph::held),
    ("graph_logs", graph::logs),
    ("graph_rolls", graph::rolls),
    ("graph_incidents", graph::incidents),
    ("graph_batch", graph::batch),
    ("graph_refusal", graph::refusal),
    ("retry_after", graph::retry_after),
    ("minted_token", outside::minted_token),
    ("azure", outside::azure),
    ("sentinel_incident_read", outside::sentinel_incident),
    ("foundry", outside::foundry),
    ("audit_export", proof::audit_export),
    ("anchors", proof::anchors),
    ("evidence_bundle", proof::evidence_bundle),
    ("break_glass_journal", proof::break_glass_journal),
    ("body_at_rest", proof::body_at_rest),
    ("door_for_senders", doors::for_senders),
    ("door_for_copilot", doors::for_copilot),
    ("door_for_control", doors::for_control),
];

impl Entry {
    /// Its name, and that of its folder in the corpus.
    pub fn name(self) -> String {
        match self.what {
            What::Plain(name, _) => name.to_owned(),
            What::Reader(reader) => format!("reader_{}", reader.word()),
        }
    }

    /// Reads these bytes, and panics where a law does not hold.
    pub fn play(self, bytes: &[u8]) {
        match self.what {
            What::Plain(_, play) => play(bytes),
            What::Reader(reader) => readers::read_as(reader, bytes),
        }
    }
}

/// Every entry.
pub fn all() -> Vec<Entry> {
    let plain = PLAIN.into_iter().map(|(name, play)| Entry {
        what: What::Plain(name, play),
    });
    let readers = ReaderKind::ALL.into_iter().map(|reader| Entry {
        what: What::Reader(reader),
    });
    plain.chain(readers).collect()
}

/// The moment of every entry.
fn now() -> Moment {
    Moment::from_millis(NOW * 1000)
}
