//! Keys of who is told, and what is handed on.

use super::{Key, key};

pub(super) const KEYS: &[Key] = &[
    key(
        "page.NAME.pagerduty.routing_key_file",
        "needed",
        "A place where people on call are told; the key of the integration, mode 0600. See notices.md.",
    ),
    key(
        "page.NAME.pagerduty.url",
        "`https://events.pagerduty.com`",
        "Another region's address.",
    ),
    key(
        "page.NAME.opsgenie.api_key_file",
        "needed",
        "The same with Opsgenie.",
    ),
    key(
        "page.NAME.opsgenie.url",
        "`https://api.opsgenie.com`",
        "Another region's address.",
    ),
    key(
        "page.NAME.webhook.url",
        "needed",
        "The same with a webhook of your own, signed as Standard Webhooks.",
    ),
    key(
        "page.NAME.webhook.secret_file",
        "needed",
        "The secret it is signed with.",
    ),
    key(
        "page.NAME.takes",
        "by the place",
        "What it is told: `pages`, `notices`, `sponsors`.",
    ),
    key(
        "page.NAME.after",
        "at once",
        "How long a page must lie unacknowledged before it goes here.",
    ),
    key(
        "incidents.sentinel.workspaces",
        "none",
        "Resource ids of the workspaces whose incidents we write to.",
    ),
    key(
        "incidents.sentinel.begin",
        "`false`",
        "Is an incident that nobody has begun made active?",
    ),
    key(
        "incidents.defender.classify",
        "`false`",
        "Does a person's verdict become the classification of an incident of Defender?",
    ),
    key(
        "ocsf.file",
        "none",
        "A file that the record is handed on to, one event of OCSF a line.",
    ),
    key(
        "ocsf.table.endpoint",
        "needed",
        "The Logs Ingestion endpoint of a table the record is handed on to.",
    ),
    key(
        "ocsf.table.rule",
        "needed",
        "The immutable id of the data collection rule.",
    ),
    key("ocsf.table.stream", "needed", "Its stream."),
    key(
        "ocsf.table.scope",
        "`https://monitor.azure.com/.default`",
        "What a token for it is asked for.",
    ),
    key(
        "anchors.file",
        "none",
        "A file that signed heads of the record are added to, best on another machine's disk; a start is held against its last line.",
    ),
    key(
        "anchors.webhook.url",
        "none",
        "A webhook that they are sent to, signed as Standard Webhooks.",
    ),
    key(
        "anchors.webhook.secret_file",
        "needed",
        "The secret it is signed with.",
    ),
    key(
        "anchors.table.endpoint",
        "needed",
        "The Logs Ingestion endpoint of a table they are added to.",
    ),
    key(
        "anchors.table.rule",
        "needed",
        "The immutable id of the data collection rule.",
    ),
    key("anchors.table.stream", "needed", "Its stream."),
    key(
        "anchors.table.scope",
        "`https://monitor.azure.com/.default`",
        "What a token for it is asked for.",
    ),
    key(
        "anchors.key_file",
        "beside the database",
        "The secret of the key that signs them.",
    ),
    key(
        "traces.otlp",
        "none",
        "A collector that traces go to, by OTLP over HTTP: the whole address, as a rule ending in `/v1/traces`.",
    ),
    key(
        "traces.headers_file",
        "none",
        "A file of headers it wants, one `Name: value` a line, that only estop can read.",
    ),
];
