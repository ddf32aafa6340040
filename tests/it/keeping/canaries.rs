//! Every secret of a deployment, searched for in everything that leaves it (threat L02): logs at their
//! most talkative, the database, what is handed on, every answer.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use estop::sim::INVOICE_BOT;

use crate::cluster::is_only_for_sqlite;
use crate::program::{Answer, Program, Site, exchange};

const FOREIGN_KEY: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f90";
const BODY_KEY: [u8; 32] = *b"what closes the bodies at rest !";
/// Longest wait for anything.
const LIMIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What the service writes, and nobody else.
const OUTPUTS: [&str; 5] = [
    "serve.log",
    "estop.db",
    "estop.db-wal",
    "ocsf.ndjson",
    "anchors.ndjson",
];
const PATHS: [&str; 13] = [
    "/metrics",
    "/readyz",
    "/v1/runs",
    "/v1/detections",
    "/v1/notices",
    "/v1/audit",
    "/v1/audit/export",
    "/v1/audit/head",
    "/v1/heard",
    "/v1/doctor",
    "/v1/mode",
    "/v1/tokens",
    "/v1/agents",
];

fn configured(site: &Site) {
    site.write("page.secret", &fresh(site));
    site.write("anchor.secret", &fresh(site));
    site.write("pd.key", FOREIGN_KEY);
    site.write("bodies.keys", &STANDARD.encode(BODY_KEY));
    let mut yaml = site.configuration();
    yaml.push_str(
        "store_key_file: bodies.keys\nocsf: { file: ocsf.ndjson }\n\
         anchors: { file: anchors.ndjson, webhook: { url: \"http://127.0.0.1:9/a\", secret_file: anchor.secret } }\n\
         page:\n  pd: { pagerduty: { routing_key_file: pd.key, url: \"http://127.0.0.1:9\" } }\n  \
         hook: { webhook: { url: \"http://127.0.0.1:9/p\", secret_file: page.secret } }\n",
    );
    site.write("estop.yaml", &yaml);
}

fn fresh(site: &Site) -> String {
    let secret = estop::signature::Secret::fresh(site.clock.random());
    secret.reveal().to_string()
}

async fn get(site: &Site, address: &str, path: &str, token: &str) -> Answer {
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    let answer = exchange(&site.clock, address, &request).await;
    answer.unwrap_or_else(|| panic!("{address}{path} does not answer:\n{}", site.log()))
}

/// A containment, its undo, and what a stranger tries; answers all that was answered.
async fn story(site: &Site, program: &mut Program, token: &str) -> String {
    let door = program.doors().await.unwrap();
    let control = program.control().unwrap().replace("http://", "");
    let mut answers = String::new();
    let taken = exchange(&site.clock, &door, &site.signed("msg_1", &site.detection())).await;
    let taken = taken.unwrap();
    assert_eq!(taken.status, 202, "{}", taken.text);
    let location = taken.header("location").unwrap();
    let path = location.splitn(4, '/').nth(3).unwrap().to_owned();
    answers.push_str(&taken.text);
    let contained = async {
        loop {
            let status = get(site, &door, &format!("/{path}"), "x").await;
            if status.member("state").as_deref() == Some("contained") {
                return status.text;
            }
            site.clock.sleep(LOOK_EVERY).await;
        }
    };
    let contained = site.clock.within(LIMIT, contained).await;
    answers.push_str(&contained.unwrap());
    let forged = site
        .signed("msg_2", "{\"nonsense\": true}")
        .replace("webhook-signature: v1,", "webhook-signature: v1,AAAA");
    let unread = site.signed("msg_3", "{\"nonsense\": true}");
    for request in [forged, unread] {
        let answer = exchange(&site.clock, &door, &request).await;
        answers.push_str(&answer.unwrap().text);
    }
    for path in PATHS {
        answers.push_str(&get(site, &control, path, token).await.text);
        answers.push_str(&get(site, &control, path, "not-a-token").await.text);
    }
    for path in [format!("/v1/agents/{INVOICE_BOT}"), "/v1/runs/x".to_owned()] {
        answers.push_str(&get(site, &control, &path, token).await.text);
    }
    answers
}

/// Waits until the record has been handed on.
async fn handed_on(site: &Site) {
    let there = async {
        let size = || std::fs::metadata(site.folder().join("ocsf.ndjson")).map(|it| it.len());
        while size().is_ok_and(|size| size == 0) {
            site.clock.sleep(LOOK_EVERY).await;
        }
    };
    site.clock.within(LIMIT, there).await.unwrap();
}

/// A secret as it may be written: as it is, in base64, in hex, in an address.
fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut in_address = String::new();
    for byte in secret {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                in_address.push(char::from(*byte));
            }
            byte => write!(in_address, "%{byte:02X}").unwrap(),
        }
    }
    [
        secret.to_vec(),
        STANDARD.encode(secret).trim_end_matches('=').into(),
        URL_SAFE_NO_PAD.encode(secret).into(),
        hex::encode(secret).into(),
        hex::encode_upper(secret).into(),
        in_address.into(),
    ]
    .into()
}

/// Every secret of this deployment by name, as text and as the bytes behind it.
fn secrets(site: &Site, token: &str) -> Vec<(String, Vec<u8>)> {
    let mut secrets: Vec<(String, Vec<u8>)> = vec![
        ("the token".to_owned(), token.into()),
        ("PagerDuty's key".to_owned(), FOREIGN_KEY.into()),
        ("the key of bodies".to_owned(), BODY_KEY.into()),
    ];
    let header = site.entra.tenant().client.identity_header.clone();
    secrets.push(("the identity header".to_owned(), header.into()));
    // What every access token begins with: its header.
    let issued = site.entra.access_token().unwrap();
    let begins = issued.split('.').next().unwrap();
    secrets.push(("an access token".to_owned(), begins.into()));
    for file in std::fs::read_dir(site.folder()).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let keeps = name.ends_with("key") || name.ends_with(".secret");
        if let (true, Ok(text)) = (keeps, std::fs::read_to_string(&path)) {
            let text = text.trim().to_owned();
            if let Some(coded) = text.strip_prefix("whsec_") {
                secrets.push((name.clone(), STANDARD.decode(coded).unwrap()));
            }
            secrets.push((name, text.into()));
        }
    }
    secrets
}

#[tokio::test]
async fn l02_no_secret_of_a_deployment_stands_in_anything_that_leaves_it() {
    if is_only_for_sqlite("every file that it writes") {
        return;
    }
    let site = Site::new().await;
    configured(&site);
    let mut program = site.start(&[("RUST_LOG", "trace")]);
    program.doors().await.unwrap();
    let visit = site.visit().await;
    let token = site.token(&visit.store).await;
    visit.leave().await;

    let answers = story(&site, &mut program, &token).await;
    handed_on(&site).await;
    program.ask_to_stop().await;

    let secrets = secrets(&site, &token);
    assert!(secrets.len() >= 14, "{secrets:?}");
    let mut said = vec![("answers".to_owned(), answers.into_bytes())];
    for name in OUTPUTS {
        if let Ok(bytes) = std::fs::read(site.folder().join(name)) {
            said.push((name.to_owned(), bytes));
        }
    }
    for name in ["answers", "serve.log", "estop.db", "ocsf.ndjson"] {
        let written = said.iter().find(|(output, _)| output == name);
        assert!(
            written.is_some_and(|(_, bytes)| bytes.len() > 1_000),
            "{name}"
        );
    }
    for (output, bytes) in &said {
        for (name, secret) in &secrets {
            for spelling in spellings(secret) {
                let found = bytes
                    .windows(spelling.len())
                    .position(|part| part == spelling);
                assert_eq!(found, None, "{name} stands in {output}");
            }
        }
    }
}
