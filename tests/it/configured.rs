//! What is written into the configuration: no boundary is stepped over in silence, and no secret it
//! names is ever said.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use estop::signature::Secret;

use crate::program::{Site, exchange};

/// What a small configuration says beside the line in question.
fn around(line: &str) -> String {
    let usual =
        "tenant: { id: 3f9e88bf-86f1-41af-91ab-2d7cd01177aa, credential: managed_identity }\n";
    let protected = if line.starts_with("protected") {
        ""
    } else {
        "protected: []\n"
    };
    format!("{usual}{protected}{line}\n")
}

fn said(ended: &Output) -> String {
    let [out, talk] = [&ended.stdout, &ended.stderr].map(|it| String::from_utf8_lossy(it));
    format!("{out}{talk}")
}

/// How a check of a configuration with this line ends, and what it says.
async fn checked(site: &Site, line: &str) -> (Option<i32>, String) {
    site.write("estop.yaml", &around(line));
    let ended = site.types(&["config", "check"]).output().await.unwrap();
    (ended.status.code(), said(&ended))
}

const CANARY: &str = "canary: 5d2b0a7e-3c1f-4e88-9a60-7f1b2c3d4e5f";

/// What is refused, by what it must be told where it stands and what may be written there.
const REFUSED: [(&str, &[&str]); 40] = [
    ("caps: { tenant: -1 }", &["line 3", "u32"]),
    ("caps: { tenant: 4294967296 }", &["line 3", "u32"]),
    (
        "caps: { tenant: 10001 }",
        &["`caps.tenant`", "at most 10000"],
    ),
    (
        "caps: { source: 4294967295 }",
        &["`caps.source`", "at most 10000"],
    ),
    (
        "caps: { reserve: 10001 }",
        &["`caps.reserve`", "at most 10000"],
    ),
    (
        "caps: { fleet_percent: 101 }",
        &["`caps.fleet_percent`", "0 to 100"],
    ),
    (
        "caps: { window: 0s }",
        &["`caps.window` is 0ms", "1s to 30d"],
    ),
    (
        "caps: { window: 31d }",
        &["`caps.window` is 31d", "1s to 30d"],
    ),
    ("caps: { window: -5m }", &["line 3", "10s, 60m, 24h or 7d"]),
    ("caps: { window: 5 }", &["line 3"]),
    ("caps: { window: 18446744073709551615d }", &["line 3"]),
    ("caps: []", &["line 3"]),
    ("caps: { per_day: 5 }", &["line 3", "per_day"]),
    ("limits: { connections: 0 }", &["`limits`", "1 to 100000"]),
    (
        "limits: { connections: 100001 }",
        &["`limits`", "1 to 100000"],
    ),
    (
        "limits: { connections: 2, connections_per_address: 3 }",
        &["`limits`", "no more than that"],
    ),
    ("limits: { source_per_second: 0 }", &["line 3", "nonzero"]),
    ("limits: { total_per_second: -1 }", &["line 3"]),
    ("token_lifetime: 0s", &["`token_lifetime`", "5m to 7d"]),
    (
        "token_lifetime: 8d",
        &["`token_lifetime` is 8d", "5m to 7d"],
    ),
    ("token_lifetime: -1h", &["line 3", "10s, 60m, 24h or 7d"]),
    (
        "inventory: { every: 1ms }",
        &["`inventory.every` is 1ms", "1s to 7d"],
    ),
    (
        "inventory: { every: 8d }",
        &["`inventory.every` is 8d", "0s turns it off"],
    ),
    ("drift: { every: 8d }", &["`drift.every` is 8d", "1s to 7d"]),
    (
        "evidence: { within: 8d }",
        &["`evidence.within` is 8d", "1s to 7d"],
    ),
    (
        "retention: { deliveries: 0s }",
        &["`retention.deliveries`", "30d"],
    ),
    (
        "retention: { runs: 1d }",
        &["`retention.runs`", "`retention.deliveries`"],
    ),
    (
        "retention: { audit: 1d }",
        &["`retention.audit`", "`retention.runs`"],
    ),
    (
        "drill: { CANARY, hold: 61m }",
        &["`drill.hold`", "at most 1h"],
    ),
    ("drill: { CANARY, max_age: 0s }", &["`drill.max_age`", "8d"]),
    ("drill: {}", &["line 3", "canary"]),
    (
        "protected:",
        &["`protected` must be written", "protected: []"],
    ),
    ("protected: [everyone]", &["line 2", "not a GUID"]),
    ("callback_hosts: [\"\"]", &["`callback_hosts`", "host name"]),
    (
        "callback_hosts: [\"*.com\"]",
        &["`callback_hosts`", "labels"],
    ),
    (
        "activation: { signed_by: {} }",
        &[
            "`activation.signed_by` names nobody",
            "activation: required",
        ],
    ),
    ("pull: { every: 0s }", &["`pull`", "10s"]),
    ("listen: 127.0.0.1:65536", &["line 3", "socket address"]),
    ("mode: nuke", &["line 3"]),
    (
        "sources: { lab: { reader: estop, verify: { standard_webhooks: { secret_files: [] } } } }",
        &["`sources.lab"],
    ),
];

/// The last that is taken on each side.
const TAKEN: [&str; 16] = [
    "caps: { tenant: 0, source: 0, reserve: 0, fleet_percent: 0 }",
    "caps: { tenant: 10000, source: 10000, reserve: 10000, fleet_percent: 100 }",
    "caps: { window: 1s }",
    "caps: { window: 30d }",
    "limits: { connections: 1, connections_per_address: 1 }",
    "limits: { connections: 100000, source_per_second: 1 }",
    "token_lifetime: 5m",
    "token_lifetime: 7d",
    "inventory: { every: 0s }",
    "inventory: { every: 7d }",
    "drift: { every: 1s }",
    "evidence: { within: 0s }",
    "drill: { CANARY, hold: 1h, max_age: 1d }",
    "protected: []",
    "callback_hosts: []",
    "pull: { every: 10s }",
];

#[tokio::test]
async fn f05_every_boundary_of_the_configuration_is_refused_with_what_where_and_what_next() {
    let site = Site::in_file().await;
    let mut wrong = Vec::new();
    for (line, parts) in REFUSED {
        let (code, said) = checked(&site, &line.replace("CANARY", CANARY)).await;
        if code != Some(2) || !parts.iter().all(|part| said.contains(part)) {
            wrong.push(format!("{line}: {code:?} {said}, not {parts:?}"));
        }
    }
    for line in TAKEN {
        let (code, said) = checked(&site, &line.replace("CANARY", CANARY)).await;

        if code != Some(0) {
            wrong.push(format!("{line}: {code:?} {said}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A site with a secret of each kind that a file holds; answers their texts.
fn with_secrets(site: &Site) -> [(&'static str, String); 4] {
    let secret = || Secret::fresh(site.clock.random()).reveal().to_string();
    let plain = |name: &str| format!("{name}-{}", site.clock.uuid().simple());
    let written = [
        ("lab.key", site.key_text()),
        ("hook.key", secret()),
        ("pager.key", plain("pager")),
        ("portal.key", plain("portal")),
    ];
    for (name, text) in &written {
        site.write(name, text);
    }
    let yaml = site.configuration();
    site.write(
        "estop.yaml",
        &format!(
            "{yaml}  portal:\n    reader: defender\n    verify: {{ header: {{ name: x-portal-key, \
             secret_files: [portal.key] }} }}\npage:\n  night: {{ pagerduty: {{ routing_key_file: \
             pager.key, url: \"http://127.0.0.1:9/\" }} }}\nanchors: {{ webhook: {{ url: \
             \"http://127.0.0.1:9/\", secret_file: hook.key }} }}\n"
        ),
    );
    written
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f02_a_secret_that_others_may_read_is_refused_and_no_program_starts() {
    let site = Site::in_file().await;
    for (name, _) in with_secrets(&site) {
        let path = site.folder().join(name);
        for mode in [0o644, 0o640, 0o604] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();

            let ended = site.types(&["serve"]).output().await.unwrap();

            let said = said(&ended);
            assert_ne!(ended.status.code(), Some(0), "{name}: {said}");
            assert!(
                said.contains(name) && said.contains("others may read it"),
                "{said}"
            );
            assert!(said.contains("chmod 600"), "{said}");
        }
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f02_nothing_a_whole_process_says_holds_a_secret() {
    let site = Site::in_file().await;
    let secrets = with_secrets(&site);
    let mut program = site.start(&[("RUST_LOG", "trace"), ("RUST_BACKTRACE", "1")]);
    let door = program.doors().await;
    let door = door.unwrap_or_else(|| panic!("{}", site.log()));
    let request = site.signed("msg_secret", &site.detection());
    let taken = exchange(&site.clock, &door, &request).await.unwrap();
    assert_eq!(taken.status, 202, "{taken:?}");
    let key = &secrets[3].1;
    let shown = format!(
        "POST /v1/ingest/portal HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-portal-key: {key}\r\n\
         content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    exchange(&site.clock, &door, &shown).await.unwrap();

    let mut told = Vec::new();
    for words in [
        &["--help"][..],
        &["serve", "--help"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["config", "check"],
        &["doctor"],
    ] {
        let ended = site.types(words).output().await.unwrap();
        told.push((words.join(" "), said(&ended)));
    }
    let control = program.control().unwrap().replace("http://", "");
    for path in ["/metrics", "/readyz", "/healthz", "/v1/nothing"] {
        let ask = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = exchange(&site.clock, &control, &ask).await;
        told.push((path.to_owned(), format!("{answer:?}")));
    }
    assert_eq!(program.ask_to_stop().await.code(), Some(0));
    told.push(("the log".to_owned(), site.log()));

    assert!(site.log().contains("TRACE"), "the log says little");
    for (where_, text) in &told {
        assert!(!text.is_empty(), "{where_}");
        for (name, secret) in &secrets {
            let bare = secret.trim_start_matches("whsec_");
            assert!(!text.contains(bare), "{where_} says {name}");
        }
        // What the tenant lends us, and what we would show with it.
        assert!(!text.contains("eyJ"), "{where_} says an access token");
    }
}
