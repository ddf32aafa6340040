//! Keys of those who send.

use super::{Key, key};

pub(super) const KEYS: &[Key] = &[
    key(
        "sources.NAME.reader",
        "needed",
        "How its bodies are read: `sentinel`, `estop` or another of senders.md.",
    ),
    key(
        "sources.NAME.verify.standard_webhooks.secret_files",
        "needed, or keys",
        "One file of mode 0600 with `whsec_` and base64, or two while they are rotated.",
    ),
    key(
        "sources.NAME.verify.standard_webhooks.public_key_files",
        "`[]`",
        "Files with the sender's `whpk_` and base64, for Ed25519.",
    ),
    key(
        "sources.NAME.verify.svix.secret_files",
        "none",
        "The same under the header names of Svix; `public_key_files`, too.",
    ),
    key(
        "sources.NAME.verify.github.secret_files",
        "none",
        "`X-Hub-Signature-256`; the secret as text.",
    ),
    key(
        "sources.NAME.verify.slack.secret_files",
        "none",
        "`X-Slack-Signature`; the secret as text.",
    ),
    key(
        "sources.NAME.verify.teams.secret_files",
        "none",
        "An outgoing webhook of Teams; the secret in base64.",
    ),
    key(
        "sources.NAME.verify.stripe.secret_files",
        "none",
        "`Stripe-Signature`; the whole text is the key.",
    ),
    key(
        "sources.NAME.verify.hmac.secret_files",
        "needed",
        "HMAC in any other manner; see senders.md.",
    ),
    key(
        "sources.NAME.verify.hmac.key",
        "`whsec`",
        "What the files hold: `whsec`, `text` or `base64`.",
    ),
    key(
        "sources.NAME.verify.hmac.algorithm",
        "`sha256`",
        "`sha256` or `sha512`.",
    ),
    key(
        "sources.NAME.verify.hmac.header",
        "needed",
        "The header with the signature.",
    ),
    key(
        "sources.NAME.verify.hmac.encoding",
        "needed",
        "`hex` or `base64`.",
    ),
    key(
        "sources.NAME.verify.hmac.prefix",
        "none",
        "What stands before the code.",
    ),
    key(
        "sources.NAME.verify.hmac.entry",
        "none",
        "The name of the code where the header is a list of `name=value`.",
    ),
    key(
        "sources.NAME.verify.hmac.signed",
        "needed",
        "What is signed: `{body}`, and `{id}` and `{timestamp}` where the sender does.",
    ),
    key(
        "sources.NAME.verify.hmac.id",
        "none",
        "The header with the delivery's id.",
    ),
    key(
        "sources.NAME.verify.hmac.timestamp.header",
        "none",
        "The header with the time of sending; or `entry`, its name in the list.",
    ),
    key(
        "sources.NAME.verify.hmac.timestamp.format",
        "`seconds`",
        "`seconds`, `milliseconds` or `rfc3339`.",
    ),
    key(
        "sources.NAME.verify.hmac.timestamp.tolerance",
        "`300s`",
        "How far it may lie from our clock.",
    ),
    key(
        "sources.NAME.verify.entra_jwt.audience",
        "needed",
        "The App ID URI or the client id of our app registration, exactly; or a list.",
    ),
    key(
        "sources.NAME.verify.entra_jwt.callers",
        "`[]`",
        "Object ids of service principals that may call. One of this and the next two is needed.",
    ),
    key(
        "sources.NAME.verify.entra_jwt.applications",
        "`[]`",
        "Ids of applications that may call.",
    ),
    key(
        "sources.NAME.verify.entra_jwt.roles",
        "`[]`",
        "App roles, any one of which is enough.",
    ),
    key(
        "sources.NAME.verify.entra_jwt.idtyp",
        "`if_present`",
        "`required` where the app registration asks for the claim.",
    ),
    key(
        "sources.NAME.verify.entra_jwt.signed",
        "none",
        "A signature that is due besides the token.",
    ),
    key(
        "sources.NAME.verify.header.name",
        "needed",
        "The header that carries a secret. The weakest way.",
    ),
    key(
        "sources.NAME.verify.header.prefix",
        "none",
        "What stands before the secret, such as `Bearer `.",
    ),
    key(
        "sources.NAME.verify.header.secret_files",
        "needed",
        "The secret as text.",
    ),
    key(
        "sources.NAME.verify.basic.user",
        "needed",
        "The user whose password is the secret. As weak.",
    ),
    key(
        "sources.NAME.verify.basic.secret_files",
        "needed",
        "The password as text.",
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
        "sources.NAME.silent_after",
        "learned",
        "How long it may send nothing before a person is told.",
    ),
];
