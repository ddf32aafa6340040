//! Workflows that sleep until they are called: nobody is called who is not on the list, and whoever is
//! hears the end once, however often it takes.

use std::time::Duration;

use estop::domain::id::{DeliveryId, DetectionId};
use estop::domain::moment::Moment;
use http::{Request, StatusCode};
use serde_json::json;

use crate::house::{BODY, CALLED, House, NOW};
use crate::world::{Setting, World, invoice_bot};

const ADDRESS: &str = "https://prod-12.westeurope.logic.azure.com/workflows/w/callback?sig=s";

async fn world() -> World {
    let mut setting = Setting::default();
    setting
        .yaml
        .push_str("callback_hosts: [prod-12.westeurope.logic.azure.com]\n");
    World::with(setting).await
}

fn detection(world: &World) -> String {
    json!({
        "type": "threatIntelligenceAccount", "severity": "high", "detection_id": "d-1",
        "detected_at": world.clock.now().to_string(),
        "entities": [{ "kind": "agent", "id": invoice_bot().to_string() }],
    })
    .to_string()
}

#[tokio::test]
async fn a_workflow_that_waits_is_called_once_with_the_end() {
    let world = world().await;

    let (status, headers) = world.post_waiting(&detection(&world), ADDRESS).await;
    world.settle().await;
    world.pass(Duration::from_secs(30)).await;

    assert_eq!(status, StatusCode::CREATED);
    assert!(
        !headers.contains_key("location"),
        "it must not poll as well"
    );
    let called = world.called().so_far();
    let [(address, body)] = called.as_slice() else {
        panic!("{called:?}");
    };
    assert_eq!(address, ADDRESS);
    assert_eq!(body["state"], "contained");
    let comment = body["incident_comment"].as_str().unwrap();
    assert!(comment.starts_with("**Contained in"), "{comment}");
    assert_eq!(body["incident_tags"][0], "estop:contained");
    world.nothing_left_over().await;
}

#[tokio::test]
async fn a_workflow_that_is_busy_is_called_again_and_one_that_is_gone_is_not() {
    for (answers, calls) in [(&[503, 429][..], 3), (&[404][..], 1), (&[403][..], 1)] {
        let world = world().await;
        world.called().will_answer(answers);

        world.post_waiting(&detection(&world), ADDRESS).await;
        world.settle().await;
        world.pass(Duration::from_secs(60)).await;

        assert_eq!(world.called().so_far().len(), calls, "{answers:?}");
    }
}

#[tokio::test]
async fn a_workflow_waits_through_a_crash_and_through_a_person_s_pause() {
    let mut setting = Setting::default();
    setting
        .yaml
        .push_str("callback_hosts: [prod-12.westeurope.logic.azure.com]\n");
    setting.may = "ask";
    let world = World::with(setting).await;

    world.post_waiting(&detection(&world), ADDRESS).await;
    world.settle().await;
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.called().so_far().len(), 0, "a person is still asked");
    let world = world.restart().await;
    let day = Duration::from_secs(26 * 3600);
    world.pass_in(day, Duration::from_secs(120)).await;

    let called = world.called().so_far();
    assert_eq!(called.len(), 1, "{called:?}");
    assert_ne!(called[0].1["state"], "contained");
}

#[tokio::test]
async fn another_host_is_never_called_and_the_detection_is_taken_all_the_same() {
    for address in [
        "https://prod-13.westeurope.logic.azure.com/x",
        "https://prod-12.westeurope.logic.azure.com.evil.example/x",
        "https://prod-12.westeurope.logic.azure.com@10.0.0.1/x",
        "http://prod-12.westeurope.logic.azure.com/x",
        "https://169.254.169.254/metadata/identity",
        "not an address",
    ] {
        let world = world().await;

        let (status, _) = world.post_waiting(&detection(&world), address).await;
        world.settle().await;
        world.pass(Duration::from_secs(10)).await;

        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(world.only_run().await.state.word(), "contained");
        assert_eq!(world.called().so_far(), [], "{address}");
        let notices = world.service.store.every_notice().await.unwrap();
        let told = notices
            .iter()
            .find(|notice| notice.key == "callback refused");
        let told = told.unwrap_or_else(|| panic!("nobody was told of {address}"));
        assert!(!told.text.contains("metadata"), "{}", told.text);
    }
}

#[tokio::test]
async fn whoever_asks_again_waits_again_and_hears_it_from_there() {
    let house = House::new().await;
    let ask = |path: &str| -> Request<axum::body::Body> {
        let mut request = house.signed("msg_1", BODY);
        let address = format!("https://{CALLED}/{path}").parse().unwrap();
        request.headers_mut().insert("estop-callback", address);
        request
    };

    let first = house.send(ask("one")).await;
    let again = house.send(ask("two")).await;
    let stranger = house.send({
        let mut request = ask("three");
        request.headers_mut().remove("webhook-signature");
        request
    });
    let stranger = stranger.await;

    assert_eq!(first.status, StatusCode::CREATED);
    assert_eq!(first, again);
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let id: DetectionId = first.json()["id"].as_str().unwrap().parse().unwrap();
    let later = Moment::from_millis((NOW + 1) * 1000);
    let due = house.store.due_callbacks(later).await.unwrap();
    let [waiting] = due.as_slice() else {
        panic!("{due:?}");
    };
    assert_eq!(waiting.delivery, DeliveryId::from_uuid(id.uuid()));
    assert!(waiting.address.expose().ends_with("/two"));
}
