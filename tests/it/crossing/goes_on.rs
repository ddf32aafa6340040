//! The service goes on where it was, on the server.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use estop::domain::entity::{Entity, ObjectId};
use estop::domain::run::RunState;
use estop::sim::{INVOICE_BOT, Tenant};
use estop::store::Store;

use super::{Ended, typed};
use crate::cluster::Database;
use crate::program::{Site, exchange};
use crate::world::{Setting, World, invoice_bot};

const HOUR: Duration = Duration::from_secs(3600);

fn keys() -> String {
    STANDARD.encode([7; 32])
}

/// Contained so, and let go after an hour.
fn held(mode: &str, detection: &str) -> String {
    format!(
        "playbook: held-{mode}\nsummary: Contained and held.\ntrigger:\n  detection: [{detection}]\n\
         entity: agent\nmode: {mode}\n\
         guardrail: {{ entities_max: 50, window: 10m, on_breach: ask }}\n\
         approval: {{ from: [soc-leads], within: 24h, on_timeout: keep }}\n\
         steps:\n  - disable_agent\nhold: {{ for: 1h, then: undo }}\nnotify: []\n"
    )
}

fn setting() -> Setting {
    Setting {
        yaml: "mode: enforce\nprotected: []\ncaps: { tenant: 100, source: 100 }\n\
               store_key_file: bodies.keys\ndrift: { every: 0s }\n"
            .to_owned(),
        playbooks: vec![
            (
                "held-enforce.yaml",
                held("enforce", "threatIntelligenceAccount"),
            ),
            ("held-ask.yaml", held("ask", "entraDirectoryReconnaissance")),
        ],
        keys: vec![("bodies.keys", keys())],
        ..Setting::default()
    }
}

/// Moves the store of a world that stands still.
fn migrate(folder: &Path, database: &Database) {
    let file = folder.join("estop.db");
    let (from, to) = (format!("sqlite:{}", file.display()), database.address());
    let words = ["store", "migrate", "--from", &from, "--to", &to, "--json"];
    let ended = typed(&words).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    let said: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    for (key, name) in said["copy"].as_object().unwrap() {
        std::fs::copy(key, folder.join(name.as_str().unwrap())).unwrap();
    }
}

fn others() -> Vec<ObjectId> {
    let agents = Tenant::contoso()
        .agents
        .into_keys()
        .map(ObjectId::from_uuid);
    agents.filter(|id| *id != invoice_bot()).collect()
}

#[tokio::test]
async fn runs_of_every_standing_go_on_and_a_hold_ends_when_it_should() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let world = World::in_file(setting()).await;
    let [by_hand, undone, asked] = others()[..3] else {
        panic!("too few agents");
    };
    let detected = world.detect_agent(invoice_bot()).await;
    world.settle().await;
    let held = world.only_run().await;
    let kept = world.contain(Entity::agent(by_hand)).await;
    let back = world.contain(Entity::agent(undone)).await;
    world.settle().await;
    world.undo(back).await;
    let recon = "entraDirectoryReconnaissance";
    world.detect(recon, "agent", asked).await;
    world.settle().await;
    let waiting = world.runs().await;
    let waiting = waiting.iter().find(|run| run.state == RunState::Waiting);
    let waiting = waiting.unwrap().id;

    let folder = world.folder.path().to_owned();
    let world = world
        .restart_as(|setting| {
            migrate(&folder, &database);
            setting.yaml.push_str(&database.line());
        })
        .await;

    assert!(world.service.store.is_shared());
    assert_eq!(world.state(held.id).await, RunState::Contained);
    assert_eq!(world.state(kept).await, RunState::Contained);
    assert_eq!(world.state(back).await, RunState::Undone);
    assert_eq!(world.state(waiting).await, RunState::Waiting);
    let delivery = detected.replace("det_", "dlv_").parse().unwrap();
    let delivery = world.service.store.delivery(delivery).await.unwrap();
    assert!(delivery.unwrap().body.starts_with(b"{"), "its body opens");
    world.undo(kept).await;
    world.settle().await;
    assert_eq!(world.switched(by_hand), [false, true]);
    world.pass_in(HOUR, Duration::from_secs(10)).await;
    world.settle().await;
    assert_eq!(world.state(held.id).await, RunState::Undone);
    assert_eq!(world.switched(invoice_bot()), [false, true]);
    world.chain_holds().await;
}

fn configured(site: &Site, store: &str) {
    let usual = site.configuration();
    let lines = usual.lines().filter(|line| !line.starts_with("store:"));
    let lines: Vec<_> = lines.collect();
    let text = format!("{}\nstore_key_file: bodies.keys\n{store}", lines.join("\n"));
    site.write("estop.yaml", &text);
}

async fn ended(mut command: tokio::process::Command) -> Ended {
    let ended = command.output().await.unwrap();
    Ended {
        code: ended.status.code(),
        output: String::from_utf8(ended.stdout).unwrap(),
        talk: String::from_utf8(ended.stderr).unwrap(),
    }
}

#[tokio::test]
async fn the_real_service_knows_what_it_took_and_puts_back_what_it_changed() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let site = Site::new().await;
    site.write("bodies.keys", &keys());
    configured(&site, "store: sqlite:estop.db\n");
    let mut old = site.start(&[]);
    let address = old.doors().await.unwrap();
    let body = site.detection();
    let first = exchange(&site.clock, &address, &site.signed("once", &body)).await;
    let first = first.unwrap();
    assert_eq!(first.status, 202, "{first:?}");
    let closed = || !site.entra.agent(INVOICE_BOT).unwrap().account_enabled;
    while !closed() {
        site.clock.sleep(Duration::from_millis(50)).await;
    }
    let file = estop::store::Place::File(site.folder().join("estop.db"));
    let token = super::visit(&file, async |store: &Store| site.token(store).await).await;
    site.clock.sleep(Duration::from_secs(1)).await;
    assert!(old.ask_to_stop().await.success(), "{}", site.log());

    migrate(site.folder(), &database);
    configured(&site, &database.line());
    let mut new = site.start(&[]);
    let address = new
        .doors()
        .await
        .unwrap_or_else(|| panic!("{}", site.log()));
    let control = new.control().unwrap();
    let again = exchange(&site.clock, &address, &site.signed("once", &body)).await;
    let again = again.unwrap();
    let runs = ended(site.types_at(&control, &token, &["runs", "list", "--json"])).await;
    let runs = runs.json();
    let run = runs["runs"][0]["id"].as_str().unwrap();
    let undo = ["undo", run, "--reason", "x", "--yes", "--risk", "dismiss"];
    let undone = ended(site.types_at(&control, &token, &undo)).await;
    let doctor = ended(site.types(&["doctor"])).await;
    let proved = ended(site.types(&["audit", "verify"])).await;
    new.ask_to_stop().await;

    assert_eq!(again.status, 202, "{again:?}");
    assert_eq!(again.member("id"), first.member("id"));
    let path = |answer: &crate::program::Answer| {
        let location = answer.header("location").unwrap_or_default().to_owned();
        location.split_once("/v1/").map(|(_, path)| path.to_owned())
    };
    assert_eq!(path(&again), path(&first));
    assert_eq!(undone.code, Some(0), "{undone:?}");
    assert!(!closed(), "{undone:?}");
    assert_eq!(proved.code, Some(0), "{proved:?}");
    assert!(proved.output.contains("chain intact"), "{proved:?}");
    let shared = "1 service works on it";
    assert!(doctor.output.contains(shared), "{doctor:?}");
}
