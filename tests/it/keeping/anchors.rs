//! The record against its signed heads: any change, deletion, swap, insertion, cut or new chain is
//! seen, and an old copy of the store does not act.

use std::path::{Path, PathBuf};
use std::time::Duration;

use estop::audit::{Anchors, Bad, Head, Noted, Verified, verify_export, verify_store};
use estop::cli::Exit;
use estop::domain::order::OrderKind;
use estop::domain::playbook::ServiceMode;
use estop::domain::record::{Broken, Record, Seal, seal};
use estop::domain::retention::CaseName;
use estop::domain::run::Run;
use estop::signature::{KeyRing, verify};
use estop::sim::Tenant;
use estop::store::Brake;
use http::StatusCode;
use serde_json::{Value, json};

use crate::cluster::is_only_for_sqlite;
use crate::notices::far_end::FarEnd;
use crate::notices::webhook_secret;
use crate::power::{DAY, Desk};
use crate::world::{Setting, World, invoice_bot};

fn setting(anchors: &str) -> Setting {
    let usual = Setting::default();
    Setting {
        yaml: format!("{}anchors: {anchors}\n", usual.yaml),
        ..usual
    }
}

async fn anchored() -> Desk {
    let desk = Desk::with(setting("{ file: anchors.ndjson }")).await;
    desk.contained("agent", invoice_bot()).await;
    anchor(&desk).await;
    desk
}

/// Lets the head be anchored and written to the file, which the disk does at a pace of its own.
async fn anchor(desk: &Desk) {
    desk.world.pass(Duration::from_secs(70)).await;
    let store = &desk.world.service.store;
    let last = store.last_anchor().await.unwrap().unwrap().number;
    let written = || async { store.shipped("anchors.file".to_owned()).await.unwrap() >= last };
    assert!(desk.world.until(written).await, "{last} is not written");
}

/// The world without its control API, which holds the store open.
fn ended(desk: Desk) -> World {
    let Desk { world, api, .. } = desk;
    drop(api);
    world
}

fn file(desk: &Desk) -> PathBuf {
    desk.world.folder.path().join("anchors.ndjson")
}

fn read(path: &Path) -> Result<Anchors, Bad> {
    Anchors::read(std::fs::read(path).unwrap().as_slice(), None)
}

async fn export(desk: &Desk) -> String {
    desk.get("/v1/audit/export").await.text
}

fn verified(export: &str, anchors: &Anchors) -> Result<Verified, Bad> {
    verify_export(export.as_bytes(), anchors.beside(Noted::default())?)
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The export again with every seal made anew, as whoever owns the store could.
fn written_anew(export: &str) -> String {
    let mut before = Seal::GENESIS;
    let lines = export.lines().zip(1..).map(|(line, number)| {
        let read: Value = serde_json::from_str(line).unwrap();
        let at = line.find("\"record\":").unwrap() + "\"record\":".len();
        let record = &line[at..line.len() - 1];
        assert!(read["record"].is_object());
        before = seal(before, record);
        let sealed = before.hex();
        format!("{{\"number\":{number},\"seal\":\"{sealed}\",\"record\":{record}}}")
    });
    joined(&lines.collect::<Vec<_>>())
}

#[tokio::test]
async fn d03_any_change_deletion_swap_insertion_or_cut_is_named_against_the_anchors() {
    let desk = anchored().await;
    let anchors = read(&file(&desk)).unwrap();
    let good = export(&desk).await;
    let lines: Vec<String> = good.lines().map(str::to_owned).collect();
    let bad_record = |export: &str| match verified(export, &anchors) {
        Err(Bad::Record(
            Broken::Changed { number }
            | Broken::OutOfPlace {
                expected: number, ..
            },
        )) => Some(number),
        Err(_) | Ok(_) => None,
    };

    assert!(anchors.count() >= 1);
    assert!(verified(&good, &anchors).is_ok());
    for at in 0..lines.len() - 1 {
        let number = i64::try_from(at).unwrap() + 1;
        let mut changed = lines.clone();
        changed[at] = changed[at].replacen("\"who\":\"", "\"who\":\"x", 1);
        assert_eq!(bad_record(&joined(&changed)), Some(number), "changed {at}");
        let mut deleted = lines.clone();
        deleted.remove(at);
        assert_eq!(bad_record(&joined(&deleted)), Some(number), "deleted {at}");
        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        assert_eq!(bad_record(&joined(&swapped)), Some(number), "swapped {at}");
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at].clone());
        let second = Some(number + 1);
        assert_eq!(bad_record(&joined(&doubled)), second, "doubled {at}");
        let cut = verified(&joined(&lines[..at]), &anchors);
        assert!(matches!(cut, Err(Bad::Shorter { .. })), "cut at {at}");
    }
    let forged = written_anew(&good.replacen("leaked", "nothing", 1));
    assert!(verify_export(forged.as_bytes(), Noted::default()).is_ok());
    let forged = verified(&forged, &anchors);
    assert!(matches!(forged, Err(Bad::OtherSeal { .. })), "{forged:?}");
}

#[tokio::test]
async fn d03_an_anchor_that_was_changed_or_signed_by_another_is_named_by_its_line() {
    let desk = anchored().await;
    desk.contained("agent", invoice_bot()).await;
    anchor(&desk).await;
    let text = std::fs::read_to_string(file(&desk)).unwrap();
    let signer = Anchors::read(text.as_bytes(), None)
        .unwrap()
        .signer
        .unwrap();
    let line = |text: &str, key| match Anchors::read(text.as_bytes(), key) {
        Err(Bad::Anchor { line, .. }) => Some(line),
        Err(_) | Ok(_) => None,
    };
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() >= 2, "{text}");
    let mut second: Value = serde_json::from_str(lines[1]).unwrap();
    second["number"] = json!(7);
    let changed = format!("{}\n{second}\n", lines[0]);
    let other = estop::signature::SigningKey::new(
        &estop::signature::Secret::fresh(desk.world.clock.random()),
        estop::signature::Purpose::Anchors,
    );

    assert!(Anchors::read(text.as_bytes(), Some(signer)).is_ok());
    assert_eq!(line(&changed, None), Some(2));
    assert_eq!(line(&text, Some(other.unwrap().public())), Some(1));
    assert_eq!(line("not json\n", None), Some(1));
}

#[tokio::test]
async fn d04_an_old_copy_of_the_store_writes_nothing_until_a_person_says_so() {
    if is_only_for_sqlite("a copy of its file") {
        return;
    }
    let desk = anchored().await;
    let folder = desk.world.folder.path().to_owned();
    let names = ["estop.db", "estop.db-wal"];
    let old = names.map(|name| std::fs::read(folder.join(name)).unwrap_or_default());
    desk.contained("agent", invoice_bot()).await;
    anchor(&desk).await;

    let world = ended(desk).restart_as(|_| {
        for (name, bytes) in names.iter().zip(&old) {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
        std::fs::remove_file(folder.join("estop.db-shm")).unwrap_or_default();
    });
    let world = world.await;

    let standing = world.service.store.standing().await.unwrap();
    assert_eq!(standing.brake, Brake::On);
    let told = world.told().await.join("\n");
    assert!(told.contains("an older copy"), "{told}");
}

#[tokio::test]
async fn a_store_that_is_the_one_that_was_anchored_starts_as_it_was() {
    let desk = anchored().await;

    let world = ended(desk).restart().await;

    let standing = world.service.store.standing().await.unwrap();
    assert_eq!(standing.brake, Brake::Off);
}

#[tokio::test]
async fn the_record_is_cut_at_an_anchor_only_and_still_proves_itself() {
    let mut desk = anchored().await;
    let before = desk.get("/v1/audit/head").await.body;
    assert_eq!(before["cut"], Value::Null);

    desk.world.leap(DAY * 401).await;
    desk.world.leap(DAY).await;
    desk.renew().await;

    let said = desk.get("/v1/audit/head").await.body;
    let cut: Head = said["cut"].as_str().unwrap().parse().unwrap();
    let anchors = read(&file(&desk)).unwrap();
    let store = &desk.world.service.store;
    let noted = anchors.beside(Noted::default()).unwrap();
    let proof = verify_store(store, noted, |_| ()).await.unwrap();
    assert_eq!(proof.cut, Some(cut));
    let good = export(&desk).await;
    assert_eq!(verified(&good, &anchors).unwrap().cut, Some(cut));
    assert_eq!(
        good.lines().count() as i64,
        proof.head.number - cut.number + 1
    );
    let beheaded: Vec<String> = good.lines().skip(3).map(str::to_owned).collect();
    let line: Value = serde_json::from_str(good.lines().nth(2).unwrap()).unwrap();
    let (number, seal) = (&line["number"], line["seal"].as_str().unwrap());
    let pretended = format!("{{\"cut\":\"{number}:{seal}\"}}\n{}", joined(&beheaded));
    let pretended = verified(&pretended, &anchors);
    assert!(
        matches!(pretended, Err(Bad::BeginsElsewhere { .. })),
        "{pretended:?}"
    );
}

#[tokio::test]
async fn without_anchors_the_record_is_never_cut() {
    let mut desk = Desk::new().await;
    desk.contained("agent", invoice_bot()).await;

    desk.world.leap(DAY * 500).await;
    desk.renew().await;

    let said = desk.get("/v1/audit/head").await;
    assert_eq!(said.status, StatusCode::OK);
    assert_eq!(said.body["cut"], Value::Null);
    desk.world.chain_holds().await;
}

#[tokio::test]
async fn nothing_is_cut_that_a_kept_run_came_from() {
    // An anchor lies between the delivery and its run: nobody reads before the mode is set.
    let off = setting("{ file: anchors.ndjson }");
    let off = Setting {
        yaml: off.yaml.replace("mode: enforce", "mode: off"),
        ..off
    };
    let desk = Desk::with(off).await;
    desk.world.detect_agent(invoice_bot()).await;
    anchor(&desk).await;
    let mode = ServiceMode::Enforce;
    desk.world.order(OrderKind::Mode { mode }).await.unwrap();
    desk.world.settle().await;
    let run = desk.world.only_run().await;
    let kept = OrderKind::Keep {
        run: run.id,
        case: CaseName::new("LEGAL-14").unwrap(),
    };
    desk.world.order(kept).await.unwrap();
    let told = |run: &Run| {
        let (run, detection) = (run.id.to_string(), run.detection.unwrap().to_string());
        let delivery = detection.replace("det_", "dlv_");
        [run, detection, delivery]
    };
    let before: Vec<_> = lines_about(&desk, &told(&run)).await;

    desk.world.leap(DAY * 401).await;
    desk.world.leap(DAY).await;

    let after = lines_about(&desk, &told(&run)).await;
    assert!(before.len() >= 5, "{before:?}");
    assert!(before.iter().all(|line| after.contains(line)));
}

async fn lines_about(desk: &Desk, ids: &[String; 3]) -> Vec<String> {
    let lines = desk.world.service.store.sealed_lines(0, 10_000).await;
    let lines = lines.unwrap().into_iter().map(|it| it.line);
    lines
        .filter(|line| ids.iter().any(|id| line.contains(id.as_str())))
        .collect()
}

#[tokio::test]
async fn a_start_does_not_wait_for_the_disk_of_the_anchors_and_a_person_is_told() {
    let desk = Desk::with(setting("{ file: not-mounted/anchors.ndjson }")).await;

    desk.contained("agent", invoice_bot()).await;

    let told = desk.world.told().await.join("\n");
    assert!(told.contains("not-mounted/anchors.ndjson"), "{told}");
    assert!(told.contains("Nobody knows"), "{told}");
}

#[tokio::test]
async fn a_thousand_records_do_not_wait_for_their_anchor() {
    let desk = Desk::with(setting("{ file: anchors.ndjson }")).await;
    desk.world.pass(Duration::from_secs(70)).await;
    let store = &desk.world.service.store;
    let first = store.last_anchor().await.unwrap().unwrap().number;
    for number in 0..1_000 {
        let record = Record::new(desk.world.clock.now(), "test", json!({ "n": number }));
        store.record(record).await.unwrap();
    }

    desk.world.pass(Duration::from_secs(2)).await;

    let last = store.last_anchor().await.unwrap().unwrap().number;
    assert!(last >= first + 1_000, "{first} {last}");
}

#[tokio::test]
async fn a_webhook_and_a_table_are_handed_every_anchor_and_can_believe_it() {
    let far = FarEnd::new();
    let mut tenant = Tenant::contoso();
    tenant.cases.declare("dcr-0a1b", "Custom-Anchors");
    let places = "{ webhook: { url: \"https://siem.example/anchors\", secret_file: hook.key }, \
                  table: { endpoint: \"https://x.ingest.monitor.azure.com\", rule: dcr-0a1b, \
                  stream: Custom-Anchors } }";
    let desk = Desk::with(Setting {
        tenant,
        outward: far.transport(),
        keys: vec![("hook.key", webhook_secret())],
        ..setting(places)
    })
    .await;
    desk.contained("agent", invoice_bot()).await;
    desk.world.pass(Duration::from_secs(90)).await;

    let store = &desk.world.service.store;
    let anchors: Vec<Value> = store
        .anchors(0, 100)
        .await
        .unwrap()
        .iter()
        .map(|it| json!(it))
        .collect();
    assert!(!anchors.is_empty());
    let keys = KeyRing::from_files(&[desk.world.folder.path().join("hook.key")]).unwrap();
    let now = desk.world.clock.now();
    for sent in far.sent() {
        assert!(verify(&keys, sent.headers(), sent.body(), now).is_ok());
    }
    let heard: Vec<Value> = far.bodies().iter().map(|it| it["data"].clone()).collect();
    assert_eq!(heard, anchors);
    let rows = desk.world.entra.tenant().cases.tables["dcr-0a1b/Custom-Anchors"].clone();
    let seals: Vec<&Value> = rows.iter().map(|row| &row["seal"]).collect();
    assert_eq!(
        seals,
        anchors.iter().map(|it| &it["seal"]).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_person_exports_proves_holds_and_lets_go_at_the_command_line() {
    let desk = anchored().await;
    let folder = desk.world.folder.path();
    let (export, anchors) = (folder.join("record.ndjson"), file(&desk));
    let [export, anchors] = [&export, &anchors].map(|path| path.to_str().unwrap());
    let signer = read(&file(&desk)).unwrap().signer.unwrap().to_string();
    let run = desk.world.only_run().await.id.to_string();
    let types = async |words: &[&str]| {
        let ended = desk.types(words).await;
        (ended.exit, format!("{}{}", ended.output, ended.talk))
    };

    let exported = types(&["audit", "export", "--out", export]).await;
    let proof = ["audit", "verify", export, "--anchors", anchors];
    let proved = types(&[&proof[..], &["--key", &signer]].concat()).await;
    let unsigned = types(&proof).await;
    let kept = ["hold", &run, "--case", "LEGAL-14", "--reason", "subpoena"];
    let held = types(&kept).await;
    let listed = types(&["hold", "--list"]).await;
    let shown = types(&["runs", "show", &run]).await;
    let released = types(&[&kept[..], &["--release"]].concat()).await;
    let whole = std::fs::read_to_string(export).unwrap();
    std::fs::write(export, whole.replacen("leaked", "nothing", 1)).unwrap();
    let changed = types(&proof).await;

    for (ended, part) in [
        (&exported, "head "),
        (&proved, "chain intact"),
        (&unsigned, "add --key PUBLIC"),
        (&held, "is kept for LEGAL-14"),
        (&listed, "subpoena"),
        (&shown, "kept for LEGAL-14"),
        (&released, "no longer kept"),
    ] {
        assert_eq!(ended.0, Exit::Done, "{ended:?}");
        assert!(ended.1.contains(part), "{part}: {ended:?}");
    }
    assert_eq!(changed.0, Exit::Failed);
    assert!(changed.1.contains("NOT INTACT"), "{changed:?}");
}
