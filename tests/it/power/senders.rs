//! The words for whoever connects a sender: make a detection up, sign it in any manner, and hear
//! why it was refused.

use std::path::Path;

use estop::cli::Exit;
use estop::sim::{AppToken, TokenVersion};
use serde_json::Value;
use uuid::Uuid;

use super::Desk;
use super::typed::write_private;
use crate::world::{Setting, invoice_bot};

fn hex_of(seed: u8) -> String {
    hex::encode::<[u8; 20]>(std::array::from_fn(|n| (n as u8).wrapping_mul(83) ^ seed))
}

#[tokio::test]
async fn a_detection_of_a_type_is_made_up_sent_and_followed() {
    let desk = Desk::new().await;
    let (key, bot) = (desk.path("lab.key"), invoice_bot().to_string());
    let tenant = desk.world.entra.tenant().id.to_string();
    let words = [
        "trigger",
        "threatintelligenceaccount",
        "--agent",
        &bot,
        "--tenant",
        &tenant,
        "--key",
        &key,
        "--wait",
        "60s",
    ];

    let first = desk.types(&words).await;
    let second = desk.types(&words).await;

    assert_eq!(first.exit, Exit::Done, "{first:?}");
    assert!(first.output.contains("contained"), "{first:?}");
    // Another occasion, not a repeat of the first.
    assert_ne!(first.output.lines().next(), second.output.lines().next());
}

#[tokio::test]
async fn what_can_be_made_up_is_listed_and_a_near_miss_is_named() {
    let desk = Desk::new().await;

    let listed = desk.types(&["trigger", "--list", "--json"]).await.json();
    let near = desk.types(&["trigger", "signInSpik", "--print"]).await;
    let bent = desk
        .types(&["trigger", "signInSpike", "--set", "severity", "--print"])
        .await;
    let printed = desk
        .types(&["trigger", "signInSpike", "--set", "severity=low", "--print"])
        .await;

    let types = listed["types"].as_array().unwrap().len();
    assert_eq!(types, estop::catalog::detection_types().count());
    assert!(listed["bodies"].as_array().unwrap().len() >= 16);
    assert_eq!(near.exit, Exit::NotFound);
    assert!(near.talk.contains("did you mean `signInSpike`"), "{near:?}");
    assert_eq!(bent.exit, Exit::Usage);
    let body = printed.json();
    assert_eq!(
        (&body["type"], &body["severity"]),
        (&"signInSpike".into(), &"low".into())
    );
}

#[tokio::test]
async fn a_senders_own_body_is_made_up_about_whom_one_wishes_and_contains_it() {
    for (body, reader, kind) in [
        ("sentinel_alert", "sentinel", "Status=New"),
        (
            "azure_monitor_log_alert",
            "azure_monitor",
            "data.essentials.severity=Sev0",
        ),
        (
            "ocsf_finding",
            "ocsf",
            "finding_info.types.0=threatIntelligenceAccount",
        ),
        (
            "splunk_alert",
            "splunk",
            "result.DetectionType=threatIntelligenceAccount",
        ),
    ] {
        let setting = Setting {
            reader: reader.to_owned(),
            ..Setting::default()
        };
        let desk = Desk::with(setting).await;
        let (key, bot) = (desk.path("lab.key"), invoice_bot().to_string());
        let tenant = desk.world.entra.tenant().id.to_string();
        let whom = ["--agent", &bot, "--tenant", &tenant];
        let how = ["--key", &key, "--set", kind, "--wait", "60s"];

        let words: Vec<_> = ["trigger", body]
            .into_iter()
            .chain(whom)
            .chain(how)
            .collect();
        let ended = desk.types(&words).await;

        assert_eq!(ended.exit, Exit::Done, "{body}: {ended:?}");
        assert!(ended.output.contains("contained"), "{body}: {ended:?}");
    }
}

const BRIDGE: Uuid = Uuid::from_u128(0x9a2b_0001_0000_4000_8000_0000_0000_0001);

#[tokio::test]
async fn what_signs_nothing_is_sent_too_and_its_credential_is_shown_to_nobody() {
    let desk = Desk::with(Setting {
        sources: format!(
            "  edr:\n    reader: estop\n    \
             verify: {{ header: {{ name: X-Api-Key, secret_files: [edr.key] }} }}\n  \
             splunk:\n    reader: estop\n    \
             verify: {{ basic: {{ user: splunk, secret_files: [splunk.key] }} }}\n  \
             bridge:\n    reader: estop\n    \
             verify: {{ entra_jwt: {{ audience: api://estop, callers: [{BRIDGE}] }} }}\n"
        ),
        keys: vec![("edr.key", hex_of(4)), ("splunk.key", hex_of(5))],
        ..Setting::default()
    })
    .await;
    let token = desk.world.entra.app_token(AppToken {
        caller: BRIDGE,
        app: BRIDGE,
        audience: "api://estop",
        roles: &[],
        version: TokenVersion::V2,
    });
    write_private(Path::new(&desk.path("bridge.token")), &token);
    let body = desk.path("detection.json");
    std::fs::write(&body, "{\"a\": 1}").unwrap();

    for (source, manner, file) in [
        ("edr", "header:X-Api-Key", "edr.key"),
        ("splunk", "basic:splunk", "splunk.key"),
        ("bridge", "token", "bridge.token"),
    ] {
        let key = desk.path(file);
        let way = ["--scheme", manner, "--key", &key];
        let send = |more: &[&'static str]| {
            let words = ["send", "--source", source].into_iter().chain(way);
            let mut words: Vec<_> = words.map(str::to_owned).collect();
            words.extend(more.iter().map(|word| (*word).to_owned()));
            words.push(body.clone());
            words
        };
        let types = async |words: Vec<String>| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            desk.types(&words).await
        };

        let sent = types(send(&[])).await;
        let bent = types(send(&["--tamper", "sig"])).await;
        let unprovable = types(send(&["--tamper", "body"])).await;
        let elsewhere = types(send(&["--to", "http://estop.example"])).await;
        let signed = desk
            .types(&["sign", way[0], way[1], way[2], way[3], &body])
            .await;

        assert_eq!(sent.exit, Exit::Done, "{source}: {sent:?}");
        assert!(sent.output.starts_with("202 "), "{source}: {sent:?}");
        assert_eq!(bent.exit, Exit::Done, "{source}: {bent:?}");
        assert!(bent.output.starts_with("401 "), "{source}: {bent:?}");
        for refused in [unprovable, elsewhere, signed] {
            assert_eq!(
                (refused.exit, refused.output.as_str()),
                (Exit::Usage, ""),
                "{source}"
            );
        }
    }
}

#[tokio::test]
async fn listen_says_why_a_delivery_was_refused() {
    let desk = Desk::new().await;
    let (key, body) = (desk.path("lab.key"), desk.path("detection.json"));
    std::fs::write(&body, "{\"a\": 1}").unwrap();
    desk.types(&["listen", "--once"]).await;

    let words = ["send", "--key", &key, "--tamper", "body", &body];
    desk.types(&words).await;
    desk.types(&["send", "--key", &key, "--source", "labb", &body])
        .await;
    desk.types(&["send", "--key", &key, &body]).await;
    let heard = desk
        .types(&["listen", "--once", "--json", "--source", "lab"])
        .await;

    assert_eq!(heard.exit, Exit::Done, "{heard:?}");
    let lines: Vec<Value> = heard
        .output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        // What became of it is a line of its own.
        .filter(|line: &Value| line["verdict"].is_string())
        .collect();
    let verdicts: Vec<_> = lines
        .iter()
        .map(|line| line["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["wrong_signature", "unknown_source", "taken"]);
    let hint = lines[0]["hint"].as_str().unwrap();
    assert!(hint.contains("8 bytes were signed and 9 came"), "{hint}");
}

#[tokio::test]
async fn in_every_manner_what_is_signed_verifies_and_what_is_changed_does_not() {
    let desk = Desk::new().await;
    let (body, headers) = (desk.path("body.json"), desk.path("headers.txt"));
    let base64 = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(hex_of(7))
    };
    for (manner, secret) in [
        ("svix", format!("whsec_{base64}")),
        ("github", hex_of(1)),
        ("slack", hex_of(2)),
        ("stripe", hex_of(3)),
        ("teams", base64.clone()),
    ] {
        let key = desk.path("sender.key");
        write_private(Path::new(&key), &secret);
        std::fs::write(&body, "{\"a\":1}").unwrap();
        let signed = desk
            .types(&["sign", "--scheme", manner, "--key", &key, &body])
            .await;
        std::fs::write(&headers, &signed.output).unwrap();
        let words = [
            "verify",
            "--scheme",
            manner,
            "--key",
            &key,
            "--headers",
            &headers,
            "--body",
            &body,
        ];

        let genuine = desk.types(&words).await;
        std::fs::write(&body, "{\"a\":2}").unwrap();
        let changed = desk.types(&words).await;

        assert_eq!(genuine.exit, Exit::Done, "{manner}: {genuine:?}");
        assert_eq!(changed.exit, Exit::Failed, "{manner}: {changed:?}");
    }
}

#[tokio::test]
async fn listen_says_how_old_it_was_how_long_it_took_and_which_playbook_matched() {
    let desk = Desk::new().await;
    desk.types(&["listen", "--once"]).await;
    let key = desk.path("lab.key");
    let body = desk.path("detection.json");
    std::fs::write(&body, "{}").unwrap();
    desk.types(&["send", "--key", &key, "--tamper", "time", &body])
        .await;
    let detection = desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;

    let told = desk.types(&["listen", "--once"]).await;
    let json = desk.types(&["listen", "--once", "--json"]).await;

    let lines: Vec<Value> = json
        .output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [refused, taken, became] = lines.as_slice() else {
        panic!("{json:?}");
    };
    assert_ne!(refused["skew_seconds"], 0, "{refused}");
    assert!(refused["took_millis"].is_u64(), "{refused}");
    assert_eq!(taken["skew_seconds"], 0, "{taken}");
    assert!(taken["took_millis"].is_u64(), "{taken}");
    let run = desk.world.only_run().await;
    assert_eq!(became["detection"], detection.as_str());
    let playbook = "agent-threat-intelligence";
    assert_eq!(became["decisions"][0]["decided"]["playbook"], playbook);
    assert_eq!(became["runs"][0]["id"], run.id.to_string());
    for part in ["sent 0 s ago", " ms  ", &format!("respond by {playbook}")] {
        assert!(told.output.contains(part), "{part}: {}", told.output);
    }
}

#[tokio::test]
async fn a_manner_of_ones_own_is_typed_as_it_is_configured() {
    let manner = "key: text, algorithm: sha512, header: X-Edr-Signature, encoding: base64, \
                  prefix: \"v1:\", signed: \"{id}.{timestamp}.{body}\", id: X-Edr-Id, \
                  timestamp: { header: X-Edr-Time, format: milliseconds }";
    let desk = Desk::with(Setting {
        sources: format!(
            "  own:\n    reader: estop\n    may: {{ entities: [agent], mode: enforce }}\n    \
             verify: {{ hmac: {{ secret_files: [own.key], {manner} }} }}\n"
        ),
        keys: vec![("own.key", hex_of(6))],
        ..Setting::default()
    })
    .await;
    let scheme = format!("hmac: {{ {manner} }}");
    let (key, bot) = (desk.path("own.key"), invoice_bot().to_string());
    let tenant = desk.world.entra.tenant().id.to_string();
    let (body, headers) = (desk.path("body.json"), desk.path("headers.txt"));
    std::fs::write(&body, "{\"a\": 1}").unwrap();
    let way = ["--scheme", &scheme, "--key", &key];
    let types = async |words: &[&str]| desk.types(&[words, &way[..]].concat()).await;

    let signed = types(&["sign", &body]).await;
    std::fs::write(&headers, &signed.output).unwrap();
    let verified = types(&["verify", "--headers", &headers, "--body", &body]).await;
    let sent = types(&["send", "--source", "own", &body]).await;
    let bent = types(&["send", "--source", "own", "--tamper", "body", &body]).await;
    let triggered = types(&[
        "trigger",
        "threatIntelligenceAccount",
        "--source",
        "own",
        "--agent",
        &bot,
        "--tenant",
        &tenant,
        "--wait",
        "60s",
    ])
    .await;

    assert!(signed.output.contains("x-edr-signature: v1:"), "{signed:?}");
    assert_eq!(verified.exit, Exit::Done, "{verified:?}");
    assert!(sent.output.starts_with("202 "), "{sent:?}");
    assert!(bent.output.starts_with("401 "), "{bent:?}");
    assert_eq!(triggered.exit, Exit::Done, "{triggered:?}");
    assert!(triggered.output.contains("contained"), "{triggered:?}");
}
