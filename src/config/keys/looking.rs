//! Keys of what we ask for ourselves, and of those who ask us.

use super::{Key, key};

pub(super) const KEYS: &[Key] = &[
    key(
        "pull.source",
        "`entra`",
        "The name pulled detections go under.",
    ),
    key(
        "pull.lists",
        "all",
        "Which risk lists of ID Protection are asked: see pull.md. The section is left out where nothing is pulled.",
    ),
    key("pull.every", "`1m`", "How often."),
    key(
        "pull.overlap",
        "`6h`",
        "How far back each look begins behind the last.",
    ),
    key(
        "pull.first",
        "`1h`",
        "How far back the very first look begins.",
    ),
    key(
        "pull.may",
        "as of sources",
        "What a pulled detection may ask for, as `sources.NAME.may`.",
    ),
    key(
        "heartbeat.source",
        "needed",
        "The source whose door a synthetic detection goes through.",
    ),
    key(
        "heartbeat.key_file",
        "needed",
        "The secret it is signed with, one of that source.",
    ),
    key("heartbeat.every", "`5m`", "How often."),
    key(
        "heartbeat.to",
        "our own door",
        "Where it is posted: the way senders take, to test the way, too.",
    ),
    key(
        "copilot.verify.audience",
        "needed",
        "A list: what the tokens of Power Platform are made out for.",
    ),
    key(
        "copilot.verify.applications",
        "needed",
        "Ids of the applications that may ask.",
    ),
    key(
        "copilot.environments.NAME.environment_id",
        "none",
        "The environment whose bots ask at this name.",
    ),
    key(
        "copilot.environments.NAME.agents",
        "`{}`",
        "Bot id to the object id of the agent it acts as.",
    ),
    key(
        "copilot.unmapped",
        "`allow`",
        "What a bot is told that nobody knows: `allow`, `block` or `error`.",
    ),
    key(
        "copilot.cannot_tell",
        "`error`",
        "What is said where we cannot tell.",
    ),
];
