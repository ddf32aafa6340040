//! Every key of `estop.yaml`, for the page of reference. A test holds it against the parser.

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Where it stands; a name in capitals is the writer's own.
    pub path: &'static str,
    /// What counts where it is left out, as Markdown; `needed` and `none` say that nothing does.
    pub fallback: &'static str,
    /// What it is, for people.
    pub means: &'static str,
}

const fn key(path: &'static str, fallback: &'static str, means: &'static str) -> Key {
    Key {
        path,
        fallback,
        means,
    }
}

/// Every key, in the order people write them.
pub const KEYS: &[Key] = &[
    key("listen", "`127.0.0.1:8787`", "Where deliveries are taken."),
    key(
        "public_url",
        "by the listening address",
        "How senders reach us; `Location` is built from it.",
    ),
    key(
        "control.listen",
        "`127.0.0.1:8788`",
        "Where orders, `/metrics` and `/readyz` are taken: never on the internet.",
    ),
    key("store", "`sqlite:estop.db`", "The database."),
    key(
        "mode",
        "`observe`",
        "`off`, `observe` or `enforce`; `estop mode set` stands over it.",
    ),
    key("tenant.id", "needed", "Our tenant."),
    key(
        "tenant.cloud",
        "`global`",
        "`global`, `usgov`, `usgov_dod` or `china`.",
    ),
    key(
        "tenant.graph_url",
        "by the cloud",
        "Another Graph: https, or http on loopback.",
    ),
    key(
        "tenant.login_url",
        "by the cloud",
        "Another login service: https, or http on loopback.",
    ),
    key(
        "tenant.credential",
        "needed",
        "`managed_identity`, `workload_identity`, `{ certificate: … }` or `{ client_secret_file: FILE }`.",
    ),
    key(
        "tenant.credential.certificate.key_file",
        "needed",
        "PEM of the private RSA key, mode 0600.",
    ),
    key(
        "tenant.credential.certificate.certificate_file",
        "needed",
        "PEM of the certificate.",
    ),
    key(
        "tenant.client_id",
        "none",
        "Our app id, where the credential needs one.",
    ),
    key(
        "tenant.profile",
        "`agents`",
        "`agents`, `classic` or `eradicate`: which permissions the deployment grants.",
    ),
    key(
        "tenant.size",
        "`small`",
        "`small`, `medium` or `large`: how many users, for the limit of reads.",
    ),
    key(
        "sources.NAME.reader",
        "needed",
        "How its bodies are read: `sentinel`, `estop` or another of senders.md.",
    ),
    key(
        "sources.NAME.verify.standard_webhooks.secret_files",
        "needed",
        "One file of mode 0600 with `whsec_` and base64, or two while they are rotated.",
    ),
    key(
        "sources.NAME.may.entities",
        "`[agent, agent_user]`",
        "The kinds of entity it may name.",
    ),
    key(
        "sources.NAME.may.mode",
        "`enforce`",
        "The strongest mode a run on its word may have.",
    ),
    key(
        "sources.NAME.may.playbooks",
        "`[\"*\"]`",
        "The playbooks it may call.",
    ),
    key(
        "sources.NAME.types",
        "`{}`",
        "Analytic rule id to detection type, for senders that name none.",
    ),
    key(
        "sources.NAME.map.rows",
        "by the reader",
        "Where the row or rows stand, such as `/result`; for readers of templates. See senders.md.",
    ),
    key(
        "sources.NAME.map.columns",
        "`{}`",
        "A name of the contract to the column that holds it, or to `=` and a fixed value.",
    ),
    key(
        "sources.NAME.map.rule",
        "by the reader",
        "Where the rule's name or id stands; `types` may give it a detection type.",
    ),
    key(
        "sources.NAME.map.id",
        "by the reader",
        "Where the alert's id stands.",
    ),
    key(
        "sources.NAME.map.severity",
        "by the reader",
        "Where the severity stands, or the severity itself.",
    ),
    key(
        "sources.NAME.map.severities",
        "by the reader",
        "The sender's words for severities.",
    ),
    key(
        "sources.NAME.map.at",
        "by the reader",
        "Where the time of the alert stands.",
    ),
    key(
        "sources.NAME.map.ended.at",
        "by the reader",
        "Where it stands whether the alert is over; `ended.is` lists the words that say so.",
    ),
    key(
        "sources.NAME.map.test.is",
        "by the reader",
        "What the sender's test begins with, at the place `test.at`.",
    ),
    key(
        "sources.NAME.enabled",
        "`true`",
        "`false` refuses everything it sends.",
    ),
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
        "Most entities contained without a person within the window.",
    ),
    key("caps.source", "`5`", "The same, on one source's word."),
    key("caps.window", "`10m`", "The window."),
    key(
        "caps.fleet_percent",
        "`5`",
        "Most of the fleet, in percent, once there is an inventory.",
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
        "How often what is held is looked at again; `0s` is never.",
    ),
    key(
        "inventory.every",
        "`5m`",
        "How often the tenant is listed; `0s` is never.",
    ),
    key(
        "inventory.attributes",
        "none",
        "The set of custom security attributes that are read beside the tags.",
    ),
    key(
        "evidence.within",
        "`1h`",
        "How long each part of evidence is tried; `0s` gathers none.",
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
        "How long an issued access token may live, for what a containment does not stop.",
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
