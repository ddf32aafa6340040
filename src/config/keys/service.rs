//! Keys of the doors, the store and the tenant.

use super::{Key, key};

pub(super) const KEYS: &[Key] = &[
    key(
        "role",
        "`all`",
        "`all`, or a part that shares PostgreSQL with the others: `ingest`, `worker` or `console` (`deploy/roles.md`).",
    ),
    key("listen", "`127.0.0.1:8787`", "Where deliveries are taken."),
    key(
        "public_url",
        "by the listening address",
        "How senders reach us; `Location` is built from it.",
    ),
    key(
        "tls.certificate_file",
        "none",
        "PEM chain shown to senders, our own first; looked at every minute.",
    ),
    key("tls.key_file", "none", "PEM of its private key, mode 0600."),
    key(
        "limits.connections",
        "`1024`",
        "Most connections of senders at a time.",
    ),
    key(
        "limits.connections_per_address",
        "`512`",
        "Most of them from one address; behind a proxy all senders are one.",
    ),
    key(
        "limits.source_per_second",
        "`20000`",
        "Most verified deliveries of one source in a second.",
    ),
    key(
        "limits.total_per_second",
        "`50000`",
        "The same for all sources.",
    ),
    key(
        "control.listen",
        "`127.0.0.1:8788`",
        "Where orders, `/metrics` and `/readyz` are taken: never on the internet.",
    ),
    key(
        "store",
        "`sqlite:estop.db`",
        "The database: `sqlite:PATH` for one service, `postgres://ROLE@HOST/DATABASE` for several (`deploy/postgres.md`).",
    ),
    key(
        "store_password_file",
        "none",
        "The password of our role in PostgreSQL. Without it the server knows us by its socket.",
    ),
    key(
        "store_ca_file",
        "those this machine believes",
        "Whose certificates the PostgreSQL server may show, in PEM.",
    ),
    key(
        "store_key_file",
        "none",
        "The keys that close the bodies of deliveries in it: 32 bytes in base64 a line, the first for new ones, mode 0600.",
    ),
    key(
        "retention.deliveries",
        "`90d`",
        "How long a delivery is kept with its bytes; at least `30d`.",
    ),
    key(
        "retention.runs",
        "`400d`",
        "How long a run is kept after its end, with its detection, steps and evidence. What holds anything stays.",
    ),
    key(
        "retention.audit",
        "`400d`",
        "How long the record is kept; it is cut only at an anchor, so never without `anchors`.",
    ),
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
];
