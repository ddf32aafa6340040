//! Every run says which doors are open and how that is known, however far it came.

use std::collections::BTreeSet;
use std::time::Duration;

use estop::domain::order::OrderKind;
use estop::domain::run::RunState;
use serde_json::{Value, json};

use crate::power::Desk;
use crate::world::{Setting, invoice_bot};

/// A desk with one run above the caps, and where its sender asks for its status.
async fn waiting() -> (Desk, String) {
    let yaml = "mode: enforce\nprotected: []\ncaps: { tenant: 0, source: 0, reserve: 0 }\n";
    let desk = Desk::with(Setting {
        yaml: yaml.to_owned(),
        ..Setting::default()
    })
    .await;
    let body = json!({
        "type": "threatIntelligenceAccount", "severity": "high",
        "detected_at": desk.world.clock.now().to_string(),
        "entities": [{ "kind": "agent", "id": invoice_bot() }],
    });
    let location = desk.world.post_for_location(&body.to_string()).await;
    desk.world.settle().await;
    (desk, location)
}

/// The nine doors, as they are told: none left out, none called closed.
fn nothing_is_closed(coverage: &Value, proof: &str) {
    let doors = coverage.as_array().unwrap();
    let named: BTreeSet<&str> = doors.iter().filter_map(|it| it["door"].as_str()).collect();
    assert_eq!((doors.len(), named.len()), (9, 9), "{coverage}");
    assert!(doors.iter().all(|it| it["state"] != "closed"), "{coverage}");
    let own = doors.iter().find(|it| it["door"] == "agent_identity");
    let own = own.unwrap();
    assert_eq!(own["id"], json!(invoice_bot()), "{own}");
    assert!(own["proof"].as_str().unwrap().contains(proof), "{own}");
}

async fn says(desk: &Desk, location: &str, (state, proof): (RunState, &str)) {
    let run = desk.world.only_run().await;
    assert_eq!(run.state, state, "{run:?}");
    let shown = desk.get(&format!("/v1/runs/{}", run.id)).await.body;
    nothing_is_closed(&shown["coverage"], proof);
    let told = desk.world.get(location).await;
    nothing_is_closed(&told["coverage"], proof);
    let typed = desk.types(&["runs", "show", &run.id.to_string()]).await;
    assert!(typed.output.contains(proof), "{typed:?}");
    assert!(typed.output.contains("issued tokens"), "{typed:?}");
}

#[tokio::test]
async fn a_run_that_waits_says_what_is_still_possible_and_so_does_one_that_was_stopped() {
    let (desk, location) = waiting().await;

    says(
        &desk,
        &location,
        (RunState::Waiting, "people are waited for"),
    )
    .await;
    let run = desk.world.only_run().await.id;
    desk.world.order(OrderKind::Stop { run }).await.unwrap();
    desk.world.settle().await;

    let proof = "it was stopped before a write was taken";
    says(&desk, &location, (RunState::Stopped, proof)).await;
}

#[tokio::test]
async fn a_run_that_nobody_answered_says_what_is_still_possible() {
    let (desk, location) = waiting().await;

    let day = Duration::from_secs(24 * 3600 + 900);
    desk.world.pass_in(day, Duration::from_secs(30)).await;

    let proof = "nobody answered in time";
    says(&desk, &location, (RunState::Expired, proof)).await;
}
