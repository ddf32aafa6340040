//! What every kind of far end can rely on, and what we can rely on whatever it does.

use std::time::Duration;

use estop::domain::telling::{Telling, TellingState};
use estop::store::Which;
use estop::transport::Request;

use super::super::world::{World, invoice_bot};
use super::far_end::{FarEnd, Mood};
use super::{OPSGENIE, PAGERDUTY, WEBHOOK, foreign_key, page, webhook_secret, world_telling};

/// One kind, and how the far end finds a repeat.
struct Kind {
    name: &'static str,
    page: &'static str,
    /// What is the same in every attempt at one thing, and another for another thing.
    repeats_by: fn(&Request) -> String,
}

const KINDS: [Kind; 3] = [
    Kind {
        name: "pagerduty",
        page: PAGERDUTY,
        repeats_by: |request| member(request, "dedup_key"),
    },
    Kind {
        name: "opsgenie",
        page: OPSGENIE,
        repeats_by: |request| member(request, "alias"),
    },
    Kind {
        name: "webhook",
        page: WEBHOOK,
        repeats_by: |request| request.headers()["webhook-id"].to_str().unwrap().to_owned(),
    },
];

fn member(request: &Request, name: &str) -> String {
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    body[name].as_str().unwrap().to_owned()
}

async fn tellings(world: &World) -> Vec<Telling> {
    let store = &world.service.store;
    let held = store.held_notices(Which::All, 50).await.unwrap();
    let mut all = Vec::new();
    for one in held {
        let about = one.notice.id.uuid();
        all.extend(store.tellings_about(about).await.unwrap());
    }
    all
}

async fn is_told(world: &World) -> bool {
    let all = tellings(world).await;
    !all.is_empty() && all.iter().all(|it| it.state == TellingState::Told)
}

async fn until_told(world: &World, kind: &Kind) {
    let told = world.until(|| is_told(world)).await;
    assert!(told, "{}: {:?}", kind.name, tellings(world).await);
}

#[tokio::test]
async fn each_kind_is_told_each_thing_once() {
    for kind in &KINDS {
        let far = FarEnd::new();
        let world = world_telling(&far, kind.page).await;

        page(&world, "one thing").await;
        page(&world, "another thing").await;
        until_told(&world, kind).await;
        world.pass(Duration::from_secs(300)).await;

        let sent = far.sent();
        assert_eq!(sent.len(), 2, "{}: {:?}", kind.name, far.lines());
        let keys: Vec<_> = sent.iter().map(kind.repeats_by).collect();
        assert_ne!(keys[0], keys[1], "{}", kind.name);
    }
}

#[tokio::test]
async fn each_kind_survives_a_bad_day_of_its_far_end_and_finds_the_repeat() {
    let moods = [
        Mood::Down,
        Mood::Forgetful,
        Mood::Hangs,
        Mood::Answers(429, vec![("retry-after", "120")]),
        Mood::Answers(500, vec![]),
        Mood::Answers(503, vec![("retry-after", "soon")]),
        Mood::Answers(302, vec![("location", "https://elsewhere.example/")]),
        Mood::Answers(401, vec![]),
    ];
    for kind in &KINDS {
        for mood in &moods {
            let far = FarEnd::new();
            let world = world_telling(&far, kind.page).await;
            far.is(mood.clone());

            page(&world, "one thing").await;
            let tried_again = world.until(|| async { far.count() >= 2 }).await;
            assert!(tried_again, "{} {mood:?}", kind.name);
            far.is(Mood::Well);
            until_told(&world, kind).await;

            let sent = far.sent();
            let mut keys: Vec<_> = sent.iter().map(kind.repeats_by).collect();
            keys.dedup();
            assert_eq!(keys.len(), 1, "{} {mood:?}: {keys:?}", kind.name);
            let hosts: std::collections::BTreeSet<_> = sent
                .iter()
                .map(|it| it.uri().host().map(str::to_owned))
                .collect();
            assert_eq!(hosts.len(), 1, "{} {mood:?}: {hosts:?}", kind.name);
        }
    }
}

#[tokio::test]
async fn each_kind_waits_as_long_as_its_far_end_asks() {
    for kind in &KINDS {
        let far = FarEnd::new();
        let world = world_telling(&far, kind.page).await;
        far.is(Mood::Answers(429, vec![("retry-after", "120")]));

        page(&world, "one thing").await;
        let tried = world.until(|| async { far.count() == 1 }).await;
        assert!(tried, "{}", kind.name);
        world.pass(Duration::from_secs(110)).await;

        assert_eq!(far.count(), 1, "{}", kind.name);
        world.pass(Duration::from_secs(20)).await;
        assert_eq!(far.count(), 2, "{}", kind.name);
    }
}

#[tokio::test]
async fn each_kind_gives_up_what_can_never_be_taken_and_says_so() {
    for kind in &KINDS {
        let far = FarEnd::new();
        let world = world_telling(&far, kind.page).await;
        far.is(Mood::Answers(400, vec![]));

        page(&world, "one thing").await;
        world.pass(Duration::from_secs(1200)).await;

        assert_eq!(far.count(), 1, "{}", kind.name);
        let all = tellings(&world).await;
        assert_eq!(all[0].state, TellingState::GivenUp, "{}", kind.name);
        let records = world.service.store.sealed_lines(0, 1000).await.unwrap();
        let given_up = records
            .iter()
            .any(|it| it.line.contains("telling.given_up"));
        assert!(given_up, "{}", kind.name);
    }
}

#[tokio::test]
async fn each_kind_is_given_up_after_a_day_and_not_before() {
    for kind in &KINDS {
        let far = FarEnd::new();
        let world = world_telling(&far, kind.page).await;
        far.is(Mood::Down);

        page(&world, "one thing").await;
        let (most, tick) = (Duration::from_secs(23 * 3600), Duration::from_secs(60));
        world.pass_in(most, tick).await;
        let midway = tellings(&world).await[0].state;
        world.pass_in(Duration::from_secs(2 * 3600), tick).await;

        assert_eq!(midway, TellingState::Due, "{}", kind.name);
        assert_eq!(
            tellings(&world).await[0].state,
            TellingState::GivenUp,
            "{}",
            kind.name
        );
        // Five minutes apart at most, and not in a storm.
        let tries = far.count();
        assert!((200..600).contains(&tries), "{}: {tries}", kind.name);
    }
}

#[tokio::test]
async fn each_kind_is_told_after_a_crash_in_the_middle_of_an_attempt() {
    for kind in &KINDS {
        let far = FarEnd::new();
        let world = world_telling(&far, kind.page).await;
        far.is(Mood::Hangs);
        page(&world, "one thing").await;
        assert!(
            world.until(|| async { far.count() == 1 }).await,
            "{}",
            kind.name
        );

        let world = world.restart().await;
        far.is(Mood::Well);
        until_told(&world, kind).await;

        let sent = far.sent();
        let keys: Vec<_> = sent.iter().map(kind.repeats_by).collect();
        assert_eq!(keys, [keys[0].clone(), keys[0].clone()], "{}", kind.name);
    }
}

#[tokio::test]
async fn e21_each_kind_may_hang_and_holds_up_no_containment_and_no_other_place() {
    for kind in &KINDS {
        let quiet = World::new().await;
        quiet.detect_agent(invoice_bot()).await;
        quiet.settle().await;
        let usual = took(&quiet).await;
        let far = FarEnd::new();
        let world = world_telling(&far, kind.page).await;
        far.is(Mood::Hangs);
        for n in 0..20 {
            page(&world, &format!("thing {n}")).await;
        }
        assert!(
            world.until(|| async { far.count() >= 1 }).await,
            "{}",
            kind.name
        );

        world.detect_agent(invoice_bot()).await;
        world.settle().await;

        // Whoever waited for one such call would be later by its whole limit, ten seconds.
        let took = took(&world).await;
        assert!(took < usual + SOON, "{}: {took:?}", kind.name);
        assert_eq!(world.switched(invoice_bot()), [false], "{}", kind.name);
    }
}

/// The clock goes in steps; under load one more may be made before all have done what they can.
const SOON: Duration = Duration::from_secs(1);

async fn took(world: &World) -> Duration {
    let run = world.only_run().await;
    run.contained_at.unwrap().since(run.received_at)
}

#[tokio::test]
async fn each_kind_hears_no_secret_but_its_own_key_in_its_own_place_and_no_name() {
    for kind in &KINDS {
        let far = FarEnd::new();
        let world = world_telling(&far, kind.page).await;
        far.is(Mood::Answers(500, vec![]));
        // A page of our own making, about an agent with names all around it.
        world.entra.set_permissions(&["AgentIdentity.Read.All"]);
        world.detect_agent(invoice_bot()).await;
        world.settle().await;
        let text = "denied by person:ada.lovelace, and token:soc-7 asked".to_owned();
        let store = &world.service.store;
        let urgency = estop::domain::notice::Urgency::Page;
        let notice = store.notice(world.clock.now(), urgency, "ada".to_owned(), text);
        store.tell(notice).await.unwrap();
        assert!(
            world.until(|| async { far.count() >= 3 }).await,
            "{}",
            kind.name
        );
        far.is(Mood::Well);
        until_told(&world, kind).await;

        let mut heard = String::new();
        for request in far.sent() {
            heard.push_str(&request.uri().to_string());
            let mut body = String::from_utf8_lossy(request.body()).into_owned();
            if kind.name == "pagerduty" {
                body = body.replace(&foreign_key("pd"), "");
            }
            heard.push_str(&body);
            for (name, value) in request.headers() {
                if name != "authorization" {
                    heard.push_str(value.to_str().unwrap());
                }
            }
        }
        let kept = format!("{:?}", tellings(&world).await);
        let tenant = world.entra.tenant();
        let people = tenant.users.values();
        let names = people.flat_map(|it| [it.display_name.clone(), it.user_principal_name.clone()]);
        let agents = tenant.agents.values().map(|it| it.display_name.clone());
        let secrets = [foreign_key("pd"), foreign_key("og"), webhook_secret()];
        let more = ["ada", "soc-7", "contoso"].map(str::to_owned);
        for word in names.chain(agents).chain(secrets).chain(more) {
            let said = |text: &str| text.to_lowercase().contains(&word.to_lowercase());
            assert!(!said(&heard), "{}: {word} in {heard}", kind.name);
            assert!(!said(&kept), "{}: {word} in {kept}", kind.name);
        }
    }
}
