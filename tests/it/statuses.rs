//! Who may ask what became of a delivery, and what they hear.

use axum::body::Body;
use http::{Request, StatusCode};

use estop::sim::{Fault, On, What};
use tower::ServiceExt as _;

use crate::house::{BODY, House, PUBLIC};
use crate::world::{World, invoice_bot};

fn ask(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

fn path(location: &str) -> &str {
    location.strip_prefix(PUBLIC).unwrap()
}

#[tokio::test]
async fn the_address_answers_that_the_delivery_is_being_worked_on() {
    let house = House::new().await;
    let thanks = house.deliver("msg_1", BODY).await;
    let location = thanks.header("location").unwrap();

    let reply = house.send(ask(path(location))).await;

    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(reply.header("location"), Some(location));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.json()["state"], "received");
    assert_eq!(reply.json()["id"], thanks.json()["id"]);
}

#[tokio::test]
async fn a_wrong_ticket_looks_like_nothing_was_ever_there() {
    let house = House::new().await;
    let thanks = house.deliver("msg_1", BODY).await;
    let other = house.deliver("msg_2", BODY).await;
    let (mine, theirs) = (
        path(thanks.header("location").unwrap()),
        path(other.header("location").unwrap()),
    );
    let ticket = theirs.rsplit('/').next().unwrap();
    let base = mine.rsplit_once('/').unwrap().0;
    let asked = house.asked();

    let swapped = house.send(ask(&format!("{base}/{ticket}"))).await;
    let cut = house.send(ask(&mine[..mine.len() - 1])).await;
    let absent = house
        .send(ask(
            "/v1/detections/det_00000000000000000000000000/status/x",
        ))
        .await;

    assert_eq!(swapped.status, StatusCode::NOT_FOUND);
    assert_eq!(swapped, cut);
    assert_eq!(swapped, absent);
    assert_eq!(house.asked(), asked, "the store was asked for a stranger");
}

#[tokio::test]
async fn w04_a_conflicting_delivery_shows_that_it_was_set_aside() {
    let house = House::new().await;
    house.deliver("msg_1", BODY).await;
    let conflict = house.deliver("msg_1", b"{}").await;

    let reply = house
        .send(ask(path(conflict.header("location").unwrap())))
        .await;

    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.json()["state"], "quarantined");
    assert_eq!(reply.json()["incident_tags"][0], "estop:quarantined");
}

/// What a workflow hears about a run that this fault befalls: without and with the wish to hear of
/// failure by HTTP status.
async fn heard_after(what: Option<What>) -> [u16; 2] {
    let world = World::new().await;
    if let Some(what) = what {
        let on = On::request("PATCH", "agentIdentity$").always();
        world.entra.push_fault(Fault::new(on, what));
    }
    let body = serde_json::json!({
        "type": "threatIntelligenceAccount", "severity": "high", "detection_id": "d-1",
        "detected_at": world.clock.now().to_string(),
        "entities": [{ "kind": "agent", "id": invoice_bot() }],
    });
    let location = world.post_for_location(&body.to_string()).await;
    world.settle().await;

    let mut heard = [0; 2];
    for (status, query) in heard.iter_mut().zip(["", "?on_failure=status"]) {
        let reply = world
            .door
            .clone()
            .oneshot(ask(&format!("{location}{query}")));
        *status = reply.await.unwrap().status().as_u16();
    }
    heard
}

#[tokio::test]
async fn who_wishes_to_hears_of_failure_and_of_doubt_by_http_status() {
    let refused = What::Status {
        status: 403,
        code: "Authorization_RequestDenied".to_owned(),
    };

    assert_eq!(heard_after(None).await, [200, 200]);
    assert_eq!(heard_after(Some(refused)).await, [200, 502]);
    assert_eq!(heard_after(Some(What::NoEffect)).await, [200, 504]);
}
