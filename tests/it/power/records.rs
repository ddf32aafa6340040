//! What there is to see: the record and its proof, detections, playbooks, metrics.

use estop::audit::{Head, Noted, verify_export};
use http::StatusCode;
use serde_json::json;

use super::Desk;
use crate::world::invoice_bot;

#[tokio::test]
async fn an_export_over_the_api_verifies_offline_against_the_head() {
    let desk = Desk::new().await;
    desk.contained("agent", invoice_bot()).await;

    let head = desk.get("/v1/audit/head").await.body;
    let export = desk.get("/v1/audit/export").await;

    let noted: Head = head["head"].as_str().unwrap().parse().unwrap();
    let found = verify_export(export.text.as_bytes(), Noted::head(Some(noted)))
        .unwrap()
        .head;
    assert_eq!(found, noted);
    assert_eq!(export.headers["content-type"], "application/x-ndjson");
    let changed = export.text.replacen("leaked", "leakeD", 1);
    assert!(verify_export(changed.as_bytes(), Noted::default()).is_err());
}

#[tokio::test]
async fn records_are_listed_with_the_newest_page_first_asked() {
    let desk = Desk::new().await;
    desk.contained("agent", invoice_bot()).await;
    let head = desk.get("/v1/audit/head").await.body["number"].clone();

    let newest = desk.get("/v1/audit?limit=2").await.body;
    let first = desk.get("/v1/audit?after=0&limit=1").await.body;
    let wrong = desk.get("/v1/audit?limit=0").await;

    assert_eq!(newest["records"].as_array().unwrap().len(), 2);
    assert_eq!(newest["records"][1]["number"], head);
    assert_eq!(first["records"][0]["number"], 1);
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_detection_is_shown_with_its_decisions_and_runs() {
    let desk = Desk::new().await;
    let kind = "threatIntelligenceAccount";
    let id = desk.world.detect(kind, "agent", invoice_bot()).await;
    desk.world.settle().await;

    let shown = desk.get(&format!("/v1/detections/{id}")).await;
    let listed = desk.get("/v1/detections").await.body;

    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    assert_eq!(shown.body["state"], "read");
    assert_eq!(shown.body["decisions"][0]["verdict"]["verdict"], "respond");
    assert_eq!(shown.body["runs"].as_array().unwrap().len(), 1);
    assert_eq!(listed["detections"][0]["detection"], json!(id));
}

#[tokio::test]
async fn a_quarantined_delivery_is_replayed_and_others_are_not() {
    let desk = Desk::new().await;
    let (_, reply) = desk.world.post("{\"nonsense\": true}").await;
    desk.world.settle().await;
    let listed = desk.get("/v1/detections?state=quarantined").await.body;
    let id = listed["detections"][0]["delivery"].as_str().unwrap();

    let replayed = desk
        .post(&format!("/v1/detections/{id}/replay"), json!({}))
        .await;
    let unknown = "/v1/detections/dlv_00000000000000000000000007/replay";
    let unknown = desk.post(unknown, json!({})).await;

    assert_eq!(
        replayed.status,
        StatusCode::ACCEPTED,
        "{reply} {}",
        replayed.text
    );
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let replays = desk.records().await;
    let by = replays.iter().find(|it| it.what == "delivery.replayed");
    assert_eq!(by.unwrap().who.0, "token:soc");
}

#[tokio::test]
async fn playbooks_and_metrics_are_shown() {
    let desk = Desk::new().await;

    let playbooks = desk.get("/v1/playbooks").await.body;
    let metrics = desk.get("/metrics").await;

    let shipped = estop::catalog::Catalog::shipped_files().len();
    assert_eq!(playbooks["playbooks"].as_array().unwrap().len(), shipped);
    assert!(metrics.text.contains("estop_runs"), "{}", metrics.text);
}

#[tokio::test]
async fn listings_go_on_from_a_cursor_and_refuse_what_they_do_not_know() {
    let desk = Desk::new().await;
    desk.contained("agent", invoice_bot()).await;
    desk.contained("agent", invoice_bot()).await;

    let first = desk.get("/v1/runs?limit=1").await.body;
    let next = first["next"].as_str().unwrap();
    let second = desk
        .get(&format!("/v1/runs?limit=1&cursor={next}"))
        .await
        .body;
    let wrong = desk.get("/v1/runs?stat=contained").await;

    assert_ne!(first["runs"][0]["id"], second["runs"][0]["id"]);
    assert_eq!(wrong.body["code"], "parameter-unfit");
}
