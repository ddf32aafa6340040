//! Pages in people's hands: taken, over, handed up, and tested.

use std::time::Duration;

use estop::domain::entity::{Entity, EntityKind};
use estop::domain::id::NoticeId;
use estop::domain::order::{Operator, Scope};
use estop::domain::run::RunState;
use estop::signature::{KeyRing, verify};
use estop::store::{Held, Which};

use super::super::world::{World, invoice_bot};
use super::far_end::FarEnd;
use super::{OPSGENIE, PAGERDUTY, WEBHOOK, page, world_telling};

fn soc() -> Operator {
    Operator {
        name: "token:soc".to_owned(),
        scope: Scope::Respond,
        person: None,
    }
}

/// One look, while the clock goes on.
async fn examined(world: &World) -> estop::doctor::Report {
    let doctor = world.service.doctor().unwrap();
    let looking = doctor.examine();
    tokio::pin!(looking);
    loop {
        tokio::select! {
            biased;
            report = &mut looking => return report,
            () = world.pass(Duration::from_millis(100)) => {}
        }
    }
}

async fn newest(world: &World) -> Held {
    let held = world.service.store.held_notices(Which::All, 1).await;
    held.unwrap().remove(0)
}

async fn newest_id(world: &World) -> NoticeId {
    newest(world).await.notice.id
}

async fn until_sent(world: &World, far: &FarEnd, count: usize) {
    let sent = world.until(|| async { far.count() >= count }).await;
    assert!(sent, "{:?}", far.lines());
}

#[tokio::test]
async fn a_page_is_raised_acknowledged_and_resolved_under_one_name_at_pagerduty() {
    let far = FarEnd::new();
    let world = world_telling(&far, PAGERDUTY).await;
    page(&world, "one thing").await;
    until_sent(&world, &far, 1).await;

    let desk = world.service.desk().unwrap();
    let id = newest_id(&world).await;
    desk.acknowledge(&soc(), id).await.unwrap();
    until_sent(&world, &far, 2).await;
    desk.resolve(&soc(), id).await.unwrap();
    until_sent(&world, &far, 3).await;
    // Said twice it changes nothing.
    desk.acknowledge(&soc(), id).await.unwrap();
    desk.resolve(&soc(), id).await.unwrap();
    world.pass(Duration::from_secs(60)).await;

    let bodies = far.bodies();
    let actions: Vec<_> = bodies.iter().map(|it| &it["event_action"]).collect();
    assert_eq!(actions, ["trigger", "acknowledge", "resolve"]);
    assert!(
        bodies
            .iter()
            .all(|it| it["dedup_key"] == bodies[0]["dedup_key"])
    );
    assert_eq!(bodies[0]["payload"]["severity"], "critical");
    assert_eq!(bodies[0]["payload"]["summary"], "one thing needs a person");
    assert!(
        far.lines()
            .iter()
            .all(|it| it == "POST https://events.pagerduty.com/v2/enqueue")
    );
}

#[tokio::test]
async fn two_pages_about_one_matter_are_one_alarm_that_the_last_of_them_closes() {
    let far = FarEnd::new();
    let world = world_telling(&far, PAGERDUTY).await;
    page(&world, "one thing").await;
    until_sent(&world, &far, 1).await;
    let first = newest_id(&world).await;
    page(&world, "one thing").await;
    until_sent(&world, &far, 2).await;
    let second = newest_id(&world).await;

    let desk = world.service.desk().unwrap();
    desk.resolve(&soc(), first).await.unwrap();
    world.pass(Duration::from_secs(60)).await;
    let still_open = far.count();
    desk.resolve(&soc(), second).await.unwrap();
    until_sent(&world, &far, 3).await;

    assert_ne!(first, second);
    assert_eq!(still_open, 2, "{:?}", far.lines());
    let bodies = far.bodies();
    let actions: Vec<_> = bodies.iter().map(|it| &it["event_action"]).collect();
    assert_eq!(actions, ["trigger", "trigger", "resolve"]);
    let key = &bodies[0]["dedup_key"];
    assert!(bodies.iter().all(|it| it["dedup_key"] == *key));
}

#[tokio::test]
async fn a_page_is_raised_acknowledged_and_closed_by_its_alias_at_opsgenie() {
    let far = FarEnd::new();
    let world = world_telling(&far, OPSGENIE).await;
    page(&world, "one thing").await;
    until_sent(&world, &far, 1).await;

    let desk = world.service.desk().unwrap();
    let id = newest_id(&world).await;
    desk.acknowledge(&soc(), id).await.unwrap();
    until_sent(&world, &far, 2).await;
    desk.resolve(&soc(), id).await.unwrap();
    until_sent(&world, &far, 3).await;

    let alias = far.bodies()[0]["alias"].as_str().unwrap().to_owned();
    let about = format!("POST https://api.opsgenie.com/v2/alerts/{alias}");
    assert_eq!(
        far.lines(),
        [
            "POST https://api.opsgenie.com/v2/alerts".to_owned(),
            format!("{about}/acknowledge?identifierType=alias"),
            format!("{about}/close?identifierType=alias"),
        ]
    );
    let key = far.sent()[0].headers()["authorization"].clone();
    assert!(key.to_str().unwrap().starts_with("GenieKey og-") && key.is_sensitive());
}

#[tokio::test]
async fn a_webhook_is_signed_so_that_its_receiver_can_believe_it() {
    let far = FarEnd::new();
    let world = world_telling(&far, WEBHOOK).await;
    page(&world, "one thing").await;
    until_sent(&world, &far, 1).await;

    let sent = far.sent().remove(0);
    let keys = KeyRing::from_files(&[world.folder.path().join("hook.key")]).unwrap();
    let now = world.clock.now();
    assert!(verify(&keys, sent.headers(), sent.body(), now).is_ok());
    let mut changed = sent.body().to_vec();
    changed[10] ^= 1;
    assert!(verify(&keys, sent.headers(), &changed, now).is_err());
    let body = &far.bodies()[0];
    assert_eq!(body["type"], "notice.raised");
    assert_eq!(body["data"]["text"], "one thing needs a person");
}

#[tokio::test]
async fn a_page_goes_further_up_only_while_nobody_has_it_in_hand() {
    let up = "  lead: { webhook: { url: \"https://lead.example/\", secret_file: hook.key }, after: 15m }\n";
    for acknowledged in [false, true] {
        let far = FarEnd::new();
        let world = world_telling(&far, &format!("{PAGERDUTY}{up}")).await;
        page(&world, "one thing").await;
        until_sent(&world, &far, 1).await;
        if acknowledged {
            let id = newest_id(&world).await;
            world
                .service
                .desk()
                .unwrap()
                .acknowledge(&soc(), id)
                .await
                .unwrap();
        }

        world.pass(Duration::from_secs(14 * 60)).await;
        let early = far.lines().iter().any(|it| it.contains("lead.example"));
        world.pass(Duration::from_secs(2 * 60)).await;
        let late = far.lines().iter().any(|it| it.contains("lead.example"));

        assert!(!early);
        assert_eq!(late, !acknowledged);
    }
}

#[tokio::test]
async fn a_page_that_was_taken_at_opsgenie_goes_no_further_up() {
    let up = "  lead: { pagerduty: { routing_key_file: pd.key }, after: 15m }\n";
    let far = FarEnd::new();
    let world = world_telling(&far, &format!("{OPSGENIE}{up}")).await;
    page(&world, "one thing").await;
    until_sent(&world, &far, 1).await;

    far.somebody_acknowledges();
    world.pass(Duration::from_secs(16 * 60)).await;

    let paged = far.lines().iter().any(|it| it.contains("pagerduty"));
    assert!(!paged, "{:?}", far.lines());
    let acked = newest(&world).await.acked.unwrap();
    assert_eq!(acked.1, "page:oncall");
}

#[tokio::test]
async fn a_page_about_a_run_is_over_when_the_run_is_at_rest() {
    let far = FarEnd::new();
    let world = world_telling(&far, PAGERDUTY).await;
    world.entra.set_permissions(&["AgentIdentity.Read.All"]);
    let agent = Entity {
        kind: EntityKind::Agent,
        id: invoice_bot(),
    };
    let run = world.contain(agent).await;
    world.settle().await;
    assert_eq!(world.state(run).await, RunState::Failed);
    until_sent(&world, &far, 1).await;

    world.undo(run).await;
    world.settle().await;
    world.pass(Duration::from_secs(30)).await;

    let bodies = far.bodies();
    let last = bodies.last().unwrap();
    assert_eq!(world.state(run).await, RunState::Undone);
    assert_eq!(last["event_action"], "resolve", "{bodies:?}");
    assert_eq!(last["dedup_key"], bodies[0]["dedup_key"]);
}

#[tokio::test]
async fn what_was_over_before_anyone_heard_of_it_is_told_to_nobody() {
    let far = FarEnd::new();
    let after = "  lead: { pagerduty: { routing_key_file: pd.key }, after: 15m }\n";
    let world = world_telling(&far, after).await;
    page(&world, "one thing").await;
    world.pass(Duration::from_secs(5)).await;

    let id = newest_id(&world).await;
    world
        .service
        .desk()
        .unwrap()
        .resolve(&soc(), id)
        .await
        .unwrap();
    world.pass(Duration::from_secs(20 * 60)).await;

    assert_eq!(far.lines(), [] as [String; 0]);
}

#[tokio::test]
async fn a_test_page_reaches_every_place_at_once_and_doctor_wants_its_acknowledgement() {
    let far = FarEnd::new();
    let up = "  lead: { opsgenie: { api_key_file: og.key }, after: 15m }\n";
    let world = world_telling(&far, &format!("{PAGERDUTY}{up}")).await;
    let line = |report: estop::doctor::Report| report.line("pages").unwrap().clone();
    let untested = line(examined(&world).await);

    let shown = world
        .service
        .desk()
        .unwrap()
        .test_page(&soc())
        .await
        .unwrap();
    until_sent(&world, &far, 2).await;
    let sent = line(examined(&world).await);
    world
        .service
        .desk()
        .unwrap()
        .acknowledge(&soc(), shown.notice.id)
        .await
        .unwrap();
    let acknowledged = line(examined(&world).await);

    let warn = estop::doctor::State::Warn;
    assert_eq!((untested.state, sent.state), (warn, warn));
    assert!(
        untested.said.contains("page:oncall, page:lead")
            || untested.said.contains("page:lead, page:oncall"),
        "{}",
        untested.said
    );
    assert_eq!(
        acknowledged.state,
        estop::doctor::State::Ok,
        "{}",
        acknowledged.said
    );
}
