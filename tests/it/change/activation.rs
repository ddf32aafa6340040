//! Bytes that nobody activated only observe, until two people or a signer let them act.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use estop::domain::person::Role;
use estop::domain::restraint::{ChangeName, statement};
use estop::signature::{Purpose, Secret, SigningKey};
use http::StatusCode;
use serde_json::json;

use super::{acting, code, name, with};
use crate::power::{DAY, Desk};
use crate::world::invoice_bot;

const REQUIRED: &str = "activation: required\n";
const TI: &str = "threatIntelligenceAccount";

async fn unactivated() -> (Desk, String) {
    let desk = Desk::with(with(REQUIRED, acting("enforce", "Stop it."))).await;
    let digest = desk.playbook().await["digest"].as_str().unwrap().to_owned();
    (desk, digest)
}

#[tokio::test]
async fn p05_what_nobody_activated_observes_and_a_person_is_told() {
    let (desk, _) = unactivated().await;

    let decided = desk.decided(TI).await;

    assert_eq!(decided["verdict"]["verdict"], "observe", "{decided}");
    assert_eq!(decided["verdict"]["because"], "not_activated");
    assert_eq!(
        decided["considered"][0]["held_back"]["held_back"],
        "not_activated"
    );
    assert!(desk.world.writes().is_empty());
    assert_eq!(desk.playbook().await["held_back"], "not_activated");
    assert_eq!(desk.told_of("nobody activated these playbooks").await, 1);
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn p05_two_leads_activate_the_same_bytes_by_the_same_change() {
    let (desk, digest) = unactivated().await;
    let (ada, bo) = (desk.lead(1).await, desk.lead(2).await);

    let first = desk.activates(&ada, &digest, "CHG1").await;
    let again = desk.activates(&ada, &digest, "CHG1").await;
    let other_change = desk.activates(&bo, &digest, "CHG2").await;
    let between = desk.decided(TI).await;
    let second = desk.activates(&bo, &digest, "CHG1").await;
    let after = desk.decided(TI).await;
    let late = desk.activates(&ada, &digest, "CHG1").await;

    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text);
    let half = &first.body["half_activated"];
    assert_eq!(
        (&half["change"], &half["by"]),
        (&json!("CHG1"), &json!(["person:person-1"]))
    );
    assert!(again.body["activated"].is_null() && other_change.body["activated"].is_null());
    assert_eq!(between["verdict"]["verdict"], "observe");
    let by = &second.body["activated"]["by"];
    assert_eq!(
        by,
        &json!(["person:person-1", "person:person-2"]),
        "{}",
        second.text
    );
    assert_eq!(after["verdict"]["verdict"], "respond", "{after}");
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
    assert_eq!(code(&late), "not-now", "{}", late.text);
    let shown = desk.playbook().await;
    assert!(shown["held_back"].is_null() && shown["activated"]["change"] == "CHG1");
    assert_eq!(desk.recorded("playbook.activated").await, 1);
    assert_eq!(desk.told_of("is active by CHG1").await, 1);
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn p05_one_changed_byte_is_another_playbook_that_nobody_activated() {
    let (desk, digest) = unactivated().await;
    for number in [1, 2] {
        let lead = desk.lead(number).await;
        desk.activates(&lead, &digest, "CHG1").await;
    }

    let world = desk.leave().restart_as(|setting| {
        setting.playbooks = vec![("stop.yaml", acting("enforce", "Stop it!"))];
    });
    let world = world.await;
    world.pass(Duration::from_secs(1)).await;
    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    assert_eq!(world.only_run().await.state.word(), "observed");
    assert!(world.writes().is_empty());
    let told = world.told().await;
    let paged = told.iter().filter(|text| text.contains("nobody activated"));
    assert_eq!(paged.count(), 2, "{told:?}");
}

#[tokio::test]
async fn a_token_a_responder_and_a_stale_word_activate_nothing() {
    let (desk, digest) = unactivated().await;
    let responder = desk.person(1, Role::Responder, "soc-leads").await;
    let (ada, bo) = (desk.lead(2).await, desk.lead(3).await);

    let token = desk.activates(&desk.token.clone(), &digest, "CHG1").await;
    let junior = desk.activates(&responder, &digest, "CHG1").await;
    let unfit = desk.activates(&ada, "0123", "CHG1").await;
    let nameless = desk.activates(&ada, &digest, "CHG 1").await;
    desk.activates(&ada, &digest, "CHG1").await;
    desk.world.leap(8 * DAY).await;
    let late = desk.activates(&bo, &digest, "CHG1").await;

    assert_eq!(
        (token.status, code(&token)),
        (StatusCode::FORBIDDEN, "not-a-person")
    );
    assert_eq!(
        (junior.status, code(&junior)),
        (StatusCode::FORBIDDEN, "role-missing")
    );
    assert_eq!(code(&unfit), "digest-unfit", "{}", unfit.text);
    assert_eq!(code(&nameless), "change-unfit", "{}", nameless.text);
    assert!(late.body["activated"].is_null(), "{}", late.text);
    assert_eq!(
        late.body["half_activated"]["by"],
        json!(["person:person-3"])
    );
}

fn key(first: u8) -> SigningKey {
    let drawn = std::array::from_fn(|n| first.wrapping_add((n as u8).wrapping_mul(97)));
    SigningKey::new(&Secret::fresh(drawn), Purpose::Evidence).unwrap()
}

#[tokio::test]
async fn a_signature_over_exactly_these_bytes_stands_for_two_people() {
    let yaml = format!(
        "activation: {{ signed_by: {{ release: \"{}\" }} }}\n",
        key(1).public()
    );
    let desk = Desk::with(with(&yaml, acting("enforce", "Stop it."))).await;
    let digest = desk.playbook().await["digest"].as_str().unwrap().to_owned();
    let change = ChangeName::new("CHG1").unwrap();
    let text = statement(&name(), &digest, &change);
    let says = async |change: &str, signer: &str, signature: String| {
        let body = json!({
            "digest": digest, "change": change,
            "signature": { "signer": signer, "signature": signature },
        });
        desk.says(&desk.token, "/v1/playbooks/stop/activate", body)
            .await
    };

    for (change, signer, signature) in [
        ("CHG1", "release", key(2).sign(text.as_bytes())),
        ("CHG2", "release", key(1).sign(text.as_bytes())),
        ("CHG1", "other", key(1).sign(text.as_bytes())),
        ("CHG1", "release", String::new()),
    ] {
        let refused = says(change, signer, signature).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
        assert_eq!(code(&refused), "signature-refused");
    }
    let active = says("CHG1", "release", key(1).sign(text.as_bytes())).await;

    assert_eq!(
        active.body["activated"]["by"],
        json!(["signer:release"]),
        "{}",
        active.text
    );
    assert_eq!(desk.decided(TI).await["verdict"]["verdict"], "respond");
}

/// Carries out, in this folder, the one line of the authoring page that begins so.
fn as_the_page_says(folder: &Path, begins: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/README.md");
    let page = std::fs::read_to_string(page).unwrap();
    let line = page.lines().find(|line| line.starts_with(begins));
    let line = line.unwrap_or_else(|| panic!("the page has no line `{begins}`"));
    let done = Command::new("sh")
        .args(["-c", line])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "{line}: {done:?}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
async fn what_openssl_signs_as_the_page_says_is_activated_by_hand() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: this machine has no openssl, whose signatures this test is about");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    as_the_page_says(at, "openssl genpkey ");
    let public = as_the_page_says(at, "openssl pkey ");
    let yaml = format!("activation: {{ signed_by: {{ release: \"{public}\" }} }}\n");
    let desk = Desk::with(with(&yaml, acting("enforce", "Stop it."))).await;
    let shown = |name: &str| at.join(name).display().to_string();
    let file = shown("stop.yaml");
    std::fs::write(&file, acting("enforce", "Stop it.")).unwrap();
    let words = ["playbook", "statement", &file, "--change", "CHG0042"];
    let statement = desk.types(&words).await;
    std::fs::write(at.join("statement"), &statement.output).unwrap();
    as_the_page_says(at, "openssl pkeyutl ");
    let signature = shown("signature");
    let activate = async |change: &str| {
        let words = [
            "playbook",
            "activate",
            &file,
            "--yes",
            "--signer",
            "release",
            "--signature",
            &signature,
            "--change",
            change,
        ];
        desk.types(&words).await
    };

    let other = activate("CHG0043").await;
    let between = desk.decided(TI).await;
    let active = activate("CHG0042").await;
    let after = desk.decided(TI).await;

    assert_eq!(other.exit.code(), 4, "{other:?}");
    assert_eq!(between["verdict"]["verdict"], "observe", "{between}");
    assert_eq!(active.exit.code(), 0, "{active:?}");
    assert_eq!(
        active.output,
        "ACTIVE  stop  by CHG0042, on the word of signer:release\n"
    );
    assert_eq!(after["verdict"]["verdict"], "respond", "{after}");
}

#[tokio::test]
async fn what_is_typed_activates_the_bytes_that_were_read() {
    let (mut desk, digest) = unactivated().await;
    let file = desk.path("stop.yaml");
    std::fs::write(&file, acting("enforce", "Stop it.")).unwrap();
    let words = ["playbook", "activate", &file, "--change", "CHG1", "--yes"];

    let statement = desk
        .types(&["playbook", "statement", &file, "--change", "CHG1"])
        .await;
    let listed = desk.types(&["playbook", "list"]).await;
    let token = desk.types(&words).await;
    desk.token = desk.lead(1).await;
    let first = desk.types(&words).await;
    let half = desk.types(&["playbook", "list"]).await;
    desk.token = desk.lead(2).await;
    let second = desk.types(&words).await;
    let after = desk.types(&["playbook", "list"]).await;

    assert_eq!(
        statement.output,
        format!("estop activate\nstop\n{digest}\nCHG1\n")
    );
    assert!(
        listed.output.contains("observes: not activated"),
        "{listed:?}"
    );
    assert_eq!(token.exit.code(), 4, "{token:?}");
    assert_eq!(first.exit.code(), 5, "{first:?}");
    assert!(first.output.contains("another lead's word is needed"));
    let alone = "observes: activated by person:person-1 alone (CHG1)";
    assert!(half.output.contains(alone), "{half:?}");
    assert_eq!(second.exit.code(), 0, "{second:?}");
    assert!(
        second.output.starts_with("ACTIVE  stop  by CHG1"),
        "{second:?}"
    );
    assert!(!after.output.contains("observes"), "{after:?}");
    assert!(after.talk.contains("in force since"), "{after:?}");
}
