//! Keys of what is decided, how much of it, and what it leaves behind.

use super::{Key, key};

pub(super) const KEYS: &[Key] = &[
    key(
        "playbooks",
        "the shipped ones",
        "The folder of playbooks; it is watched.",
    ),
    key(
        "activation",
        "`optional`",
        "`optional`, `required`, or `{ signed_by: { NAME: PUBLIC_KEY } }`: must people activate a playbook's bytes before it acts?",
    ),
    key(
        "protected",
        "needed",
        "Ids that are touched only when two people agree; an empty list is accepted with a warning.",
    ),
    key(
        "self",
        "`[]`",
        "What we are and depend on beside what our token says: never touched.",
    ),
    key(
        "caps.tenant",
        "`5`",
        "Most entities contained without a person within the window, to 10000; with 0 a person decides each time.",
    ),
    key("caps.source", "`5`", "The same, on one source's word."),
    key("caps.window", "`10m`", "The window, `1s` to `30d`."),
    key(
        "caps.fleet_percent",
        "`5`",
        "Most of the fleet, in percent (to 100), once there is an inventory.",
    ),
    key(
        "caps.reserve",
        "`2`",
        "On top, for threat intelligence and what people confirmed.",
    ),
    key(
        "automatic_blueprints",
        "`false`",
        "May a blueprint be contained without a person, where its playbook says so too?",
    ),
    key(
        "drift.every",
        "`1m`",
        "How often what is held is looked at again, `1s` to `7d`; `0s` is never.",
    ),
    key(
        "inventory.every",
        "`5m`",
        "How often the tenant is listed, `1s` to `7d`; `0s` is never.",
    ),
    key(
        "inventory.attributes",
        "none",
        "The set of custom security attributes that are read beside the tags.",
    ),
    key(
        "evidence.within",
        "`1h`",
        "How long each part of evidence is tried, `1s` to `7d`; `0s` gathers none.",
    ),
    key(
        "evidence.key_file",
        "beside the database",
        "The secret of the key that signs evidence.",
    ),
    key(
        "drill.canary",
        "none",
        "The agent that drills stop: object id of an agent identity.",
    ),
    key(
        "drill.schedule",
        "none",
        "When a drill is due by itself: five cron fields, UTC.",
    ),
    key(
        "drill.max_age",
        "`8d`",
        "How old the last good drill may be.",
    ),
    key(
        "drill.hold",
        "`0s`",
        "How long the canary stays contained, at most `1h`: whoever works as it must ask for a token meanwhile to be seen refused.",
    ),
    key(
        "azure.subscription",
        "none",
        "Where the tenant's logs go; `estop doctor` asks Azure whether they do.",
    ),
    key(
        "actions.tag",
        "none",
        "`{ set, attribute, value }`: what `tag_entity` sets.",
    ),
    key(
        "actions.foundry.api_version",
        "needed",
        "The version of Foundry's data plane.",
    ),
    key(
        "actions.foundry.scope",
        "`https://ai.azure.com/.default`",
        "What a token for Foundry is asked for.",
    ),
    key(
        "actions.foundry.agents",
        "needed",
        "Object id of an agent to the places where it runs: `[{ project, name }]`.",
    ),
    key(
        "token_lifetime",
        "`24h`",
        "How long an issued access token may live, `5m` to `7d`, for what a containment does not stop.",
    ),
    key(
        "callback_hosts",
        "`[]`",
        "Hosts on which workflows that wait may be called back; a leading `*.` takes every name below.",
    ),
    key(
        "ticket_key_file",
        "beside the database",
        "The key of status addresses, made at the first start.",
    ),
    key(
        "pause_file",
        "beside the database",
        "As long as this file is there, nothing is written to the tenant.",
    ),
    key(
        "offline_journal",
        "beside the database",
        "Where `estop contain --offline` writes what it does; the service tells it to its record.",
    ),
];
