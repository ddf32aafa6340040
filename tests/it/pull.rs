//! Detections nobody sent: pulled from ID Protection, and the same by two ways.

use std::time::Duration;

use estop::domain::detection::SourceName;
use estop::domain::entity::{Entity, ObjectId};
use estop::domain::run::RunState;
use estop::signature::Secret;
use estop::sim::{Arrival, Fault, INVOICE_BOT, Limits, On, Risk, RiskDetection, Tenant, What};
use estop::transport::{Request, Transport};
use estop::watch::{Heart, HeartTerms, heart_loop};
use http_body_util::BodyExt as _;
use serde_json::json;
use tower::ServiceExt as _;

use crate::world::{Setting, World, invoice_bot};

const MINUTE: Duration = Duration::from_secs(60);

fn setting(pull: &str) -> Setting {
    let mut tenant = Tenant::contoso();
    let more = ["IdentityRiskEvent.Read.All", "IdentityRiskyAgent.Read.All"];
    tenant.client.permissions.extend(more.map(str::to_owned));
    Setting {
        yaml: format!("{}pull: {pull}\n", Setting::default().yaml),
        tenant,
        ..Setting::default()
    }
}

async fn pulling() -> World {
    World::with(setting("{ every: 60s }")).await
}

/// ID Protection detects this about an agent now.
fn detects(world: &World, id: &str, event: &str) {
    let detected_at = world.clock.now();
    let (id, event_type) = (id.to_owned(), event.to_owned());
    world.entra.foreign_write(move |tenant| {
        tenant.detections.push(RiskDetection {
            id,
            entity: INVOICE_BOT,
            event_type,
            risk: Risk::new("high", "atRisk", "none"),
            detected_at,
        });
    });
}

fn asked(world: &World, list: &str) -> Vec<Arrival> {
    let mut asked = world.entra.journal();
    asked.retain(|one| one.method == "GET" && one.path.contains(list));
    asked
}

async fn until_runs(world: &World, count: usize) {
    let there = || async { world.runs().await.len() >= count };
    assert!(world.until(there).await, "{:?}", world.runs().await);
    world.settle().await;
}

#[tokio::test]
async fn a_detection_that_nobody_sends_is_pulled_and_contained() {
    let world = pulling().await;

    detects(&world, "d-1", "threatIntelligenceAccount");
    until_runs(&world, 1).await;

    let run = world.only_run().await;
    assert_eq!(run.state, RunState::Contained);
    assert_eq!(run.entity, Entity::agent(invoice_bot()));
    assert_eq!(world.switched(invoice_bot()), [false]);
    world.nothing_left_over().await;
}

#[tokio::test]
async fn the_same_detection_sent_and_pulled_gives_one_run() {
    let world = pulling().await;
    world.settle().await;

    detects(&world, "d-1", "threatIntelligenceAccount");
    let sent = json!({
        "type": "threatIntelligenceAccount", "severity": "high", "detection_id": "d-1",
        "detected_at": world.clock.now().to_string(),
        "entities": [{ "kind": "agent", "id": invoice_bot().to_string() }],
    });
    world.post(&sent.to_string()).await;
    world.pass(MINUTE * 3).await;
    world.settle().await;

    assert_eq!(world.only_run().await.state, RunState::Contained);
    assert_eq!(world.switched(invoice_bot()), [false]);
    let records = world.service.store.sealed_lines(0, 10_000).await.unwrap();
    let joined = records
        .iter()
        .filter(|it| it.line.contains("delivery.joined"));
    assert_eq!(joined.count(), 1);
}

#[tokio::test]
async fn what_was_pulled_is_pulled_once_also_over_a_restart_and_what_came_meanwhile_is_found() {
    let world = pulling().await;
    detects(&world, "d-1", "threatIntelligenceAccount");
    until_runs(&world, 1).await;
    world.pass(MINUTE * 3).await;
    let entra = world.entra.clone();

    let hand = world.hand.clone();
    let world = world.restart_as(|_| {
        // Down for hours, and something happens meanwhile.
        hand.advance(Duration::from_secs(12 * 3600));
    });
    let detected_at = estop::domain::moment::Moment::from_millis(crate::world::NOW * 1000)
        .plus(Duration::from_secs(3600));
    let other = entra
        .tenant()
        .agents
        .keys()
        .copied()
        .find(|id| *id != INVOICE_BOT);
    entra.foreign_write(move |tenant| {
        tenant.detections.push(RiskDetection {
            id: "d-2".to_owned(),
            entity: other.unwrap(),
            event_type: "threatIntelligenceAccount".to_owned(),
            risk: Risk::new("high", "atRisk", "none"),
            detected_at,
        });
    });
    let world = world.await;
    until_runs(&world, 2).await;
    world.pass(MINUTE * 3).await;

    let runs = world.runs().await;
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert_eq!(runs[1].entity.id, ObjectId::from_uuid(other.unwrap()));
}

#[tokio::test]
async fn a_page_lost_on_the_way_moves_no_cursor() {
    let world = pulling().await;
    let lists_read = || async { asked(&world, "servicePrincipalRiskDetections").len() > 1 };
    assert!(world.until(lists_read).await);
    let broken = What::Status {
        status: 503,
        code: "serviceNotAvailable".to_owned(),
    };
    let on = On::request("GET", "/agentRiskDetections").times(4);
    world.entra.push_fault(Fault::new(on, broken));
    detects(&world, "d-1", "threatIntelligenceAccount");

    until_runs(&world, 1).await;

    assert_eq!(world.only_run().await.state, RunState::Contained);
}

#[tokio::test]
async fn a_risky_agent_is_taken_where_no_detection_accounts_for_it() {
    let raised = ForPlaybook::risky().await;
    raised.entra.foreign_write(|tenant| {
        tenant.judge(INVOICE_BOT, Risk::new("high", "atRisk", "none"));
    });

    until_runs(&raised, 1).await;

    assert_eq!(raised.only_run().await.playbook.as_str(), "risky");

    let told = ForPlaybook::risky().await;
    detects(&told, "d-1", "threatIntelligenceAccount");
    told.entra.foreign_write(|tenant| {
        tenant.judge(INVOICE_BOT, Risk::new("high", "atRisk", "none"));
    });
    told.pass(MINUTE * 3).await;

    let runs = told.runs().await;
    assert!(
        runs.iter().all(|run| run.playbook.as_str() != "risky"),
        "{runs:?}"
    );
}

struct ForPlaybook;

impl ForPlaybook {
    /// A world with a playbook for agents at risk.
    async fn risky() -> World {
        let text = "playbook: risky\nsummary: An agent is at risk.\nowner: soc\n\
                    trigger: { detection: [riskyAgent], source: [entra] }\n\
                    entity: agent\nmode: enforce\nsteps:\n  - disable_agent\n";
        World::with(Setting {
            playbooks: vec![("risky.yaml", text.to_owned())],
            ..setting("{ every: 60s }")
        })
        .await
    }
}

#[tokio::test]
async fn what_a_source_that_is_pulled_may_ask_for_is_bounded_like_any_other() {
    let world = World::with(setting("{ may: { mode: observe } }")).await;

    detects(&world, "d-1", "threatIntelligenceAccount");
    until_runs(&world, 1).await;

    assert_eq!(world.only_run().await.state, RunState::Observed);
    assert!(world.switched(invoice_bot()).is_empty());
}

#[tokio::test]
async fn pulling_leaves_the_slowest_lane_to_who_contains() {
    let world = World::with(Setting {
        limits: Limits::published(),
        ..setting("{ every: 10s }")
    })
    .await;
    world.settle().await;

    world.pass(MINUTE * 2).await;

    let all = asked(&world, "/identityProtection/");
    // Three lists each round, and a round takes ten seconds and its turns. None answered 429.
    assert!((21..=42).contains(&all.len()), "{}", all.len());
    assert!(all.iter().all(|one| one.status != Some(429)));
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_told_once_and_leaves_the_others_alone() {
    let mut setting = setting("{ every: 60s }");
    let held = &mut setting.tenant.client.permissions;
    held.retain(|name| name != "IdentityRiskEvent.Read.All");
    let world = World::with(setting).await;

    world.pass(MINUTE * 40).await;

    let told = world.told().await;
    let about = |list: &str| told.iter().filter(|it| it.contains(list)).count();
    assert_eq!(
        about("The agent_risk_detections have not been read"),
        1,
        "{told:?}"
    );
    assert!(
        told.iter()
            .any(|it| it.contains("IdentityRiskEvent.Read.All"))
    );
    assert_eq!(about("The risky_agents have not"), 0);
    let text = world.service.metrics.text();
    assert!(text.contains(r#"estop_pull_last_good_seconds{list="risky_agents"}"#));
}

#[tokio::test]
async fn a_source_that_falls_silent_is_told_once_and_heard_again() {
    let world = World::with(Setting {
        reader: "estop\n    silent_after: 2h".to_owned(),
        ..Setting::default()
    })
    .await;
    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    world.pass_in(MINUTE * 90, MINUTE).await;
    assert!(
        world
            .told()
            .await
            .iter()
            .all(|it| !it.contains("has sent nothing"))
    );

    world.pass_in(MINUTE * 90, MINUTE).await;

    let silent = |told: Vec<String>| {
        told.iter()
            .filter(|it| it.contains("lab has sent nothing"))
            .count()
    };
    assert_eq!(silent(world.told().await), 1);
    let text = world.service.metrics.text();
    assert!(
        text.contains(r#"estop_source_silent{source="lab"} 1"#),
        "{text}"
    );

    world.detect_agent(invoice_bot()).await;
    world.pass_in(MINUTE * 5, MINUTE).await;
    let text = world.service.metrics.text();
    assert!(
        text.contains(r#"estop_source_silent{source="lab"} 0"#),
        "{text}"
    );
    assert_eq!(silent(world.told().await), 1);
}

/// A heart whose way leads to this world's own door.
fn heart(world: &World, key: &str) -> Heart {
    let door = world.door.clone();
    let transport = Transport::in_process(move |request: Request| {
        let door = door.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let request = http::Request::from_parts(parts, axum::body::Body::from(body));
            let reply = door.oneshot(request).await.unwrap();
            let (parts, body) = reply.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Ok(http::Response::from_parts(parts, body))
        })
    });
    Heart {
        store: world.service.store.clone(),
        clock: world.clock.clone(),
        metrics: std::sync::Arc::clone(&world.service.metrics),
        transport,
        key: std::sync::Arc::new(Secret::from_file(&world.folder.path().join(key)).unwrap()),
        terms: HeartTerms {
            source: SourceName::new("lab").unwrap(),
            to: "https://estop.example".parse().unwrap(),
            every: MINUTE * 5,
        },
    }
}

#[tokio::test]
async fn a_synthetic_detection_goes_the_whole_way_and_nothing_follows() {
    let everything = "playbook: all\nsummary: Stop whatever comes.\nowner: soc\n\
                      trigger: { detection: [estopHeartbeat] }\nentity: agent\nmode: enforce\n\
                      steps:\n  - disable_agent\n";
    let world = World::with(Setting {
        playbooks: vec![("all.yaml", everything.to_owned())],
        ..Setting::default()
    })
    .await;
    let heart = heart(&world, "lab.key");

    let beat = heart.beat();
    tokio::pin!(beat);
    let mut ended = None;
    for _ in 0..100 {
        if let std::task::Poll::Ready(end) = futures_util::poll!(&mut beat) {
            ended = Some(end);
            break;
        }
        world.breathe().await;
        world.hand.advance(Duration::from_millis(500));
    }

    assert_eq!(ended, Some(Ok(())));
    assert!(world.runs().await.is_empty());
    assert!(world.writes().is_empty());
    let text = world.service.metrics.text();
    assert!(
        text.contains(r#"estop_heartbeats_total{outcome="good"} 1"#),
        "{text}"
    );
}

#[tokio::test]
async fn a_synthetic_detection_that_is_not_believed_is_told_once() {
    let world = World::new().await;
    let stranger = Secret::fresh(world.clock.random()).reveal();
    std::fs::write(world.folder.path().join("strange.key"), stranger).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(world.folder.path().join("strange.key"), mode).unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let beating = heart_loop(heart(&world, "strange.key"), stop.clone());
    tokio::pin!(beating);

    for _ in 0..150 {
        assert!(futures_util::poll!(&mut beating).is_pending());
        world.breathe().await;
        world.hand.advance(Duration::from_secs(10));
    }

    let told = world.told().await;
    let about = told
        .iter()
        .filter(|it| it.contains("Synthetic detections do not come through"));
    assert_eq!(about.count(), 1, "{told:?}");
    stop.cancel();
}
