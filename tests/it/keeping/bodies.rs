//! The bodies of deliveries in the store, closed with a key that lies outside it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use estop::domain::id::DeliveryId;
use http::StatusCode;

use crate::world::{Setting, World, invoice_bot};

const MARK: &str = "a-word-that-nobody-else-writes";

fn key(byte: u8) -> String {
    STANDARD.encode([byte; 32])
}

fn closed(mode: &str, keys: &str) -> Setting {
    Setting {
        yaml: format!(
            "mode: {mode}\nprotected: []\ncaps: {{ tenant: 100, source: 100 }}\n\
             store_key_file: bodies.keys\n"
        ),
        keys: vec![("bodies.keys", keys.to_owned())],
        ..Setting::default()
    }
}

fn marked() -> String {
    let agent = invoice_bot();
    format!(
        "{{\"type\":\"threatIntelligenceAccount\",\"severity\":\"high\",\"detection_id\":\"{MARK}\",\
          \"entities\":[{{\"kind\":\"agent\",\"id\":\"{agent}\"}}],\"summary\":\"{MARK}\"}}"
    )
}

/// Does any file of the store carry these bytes, or in a server any delivery?
fn stored(world: &World, text: &str) -> bool {
    if world.is_shared() {
        let found =
            format!("select count(*) from delivery where position('{text}'::bytea in body) > 0");
        return world.database().tell(&found) != "0\n";
    }
    let files = std::fs::read_dir(world.folder.path()).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    files.any(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap_or_default();
        name.starts_with("estop.db")
            && bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
    })
}

async fn take(world: &World) -> DeliveryId {
    let (status, reply) = world.post(&marked()).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{reply}");
    let id = reply["id"].as_str().unwrap().replace("det_", "dlv_");
    id.parse().unwrap()
}

#[tokio::test]
async fn a_body_lies_closed_in_the_store_and_is_read_as_it_was_sent() {
    let world = World::with(closed("off", &key(1))).await;
    let open = World::with(Setting {
        yaml: "mode: off\nprotected: []\n".to_owned(),
        ..Setting::default()
    })
    .await;

    let id = take(&world).await;
    take(&open).await;
    world.breathe().await;
    open.breathe().await;

    assert!(stored(&open, MARK));
    assert!(!stored(&world, MARK));
    let kept = world.service.store.delivery(id).await.unwrap().unwrap();
    assert_eq!(kept.body, marked().as_bytes());
    assert_eq!(world.post(&marked()).await.0, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn after_a_new_key_what_was_taken_before_is_still_read() {
    let world = World::with(closed("off", &key(1))).await;
    let id = take(&world).await;
    world.breathe().await;

    let both = format!("{}\n{}\n", key(2), key(1));
    let world = world
        .restart_as(|setting| setting.keys = vec![("bodies.keys", both)])
        .await;

    let kept = world.service.store.delivery(id).await.unwrap().unwrap();
    assert_eq!(kept.body, marked().as_bytes());
}

#[tokio::test]
async fn a_start_without_the_key_of_something_unread_is_refused() {
    let world = World::with(closed("off", &key(1))).await;
    take(&world).await;
    world.breathe().await;

    let refused = world
        .refused_as(|setting| setting.keys = vec![("bodies.keys", key(2))])
        .await;

    assert!(refused.contains("store_key_file"), "{refused}");
    assert!(refused.contains("nobody has read yet"), "{refused}");
}
