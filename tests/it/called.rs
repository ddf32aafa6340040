//! What calls playbooks beside one detection: several of one blueprint together, the clock, a
//! person; and whom playbooks reach that no detection names.

use std::time::Duration;

use estop::cli::Exit;
use estop::config::{Config, Overrides};
use estop::domain::decision::{AskReason, Decision, StandDownReason, Verdict};
use estop::domain::entity::{Entity, EntityKind, ObjectId};
use estop::domain::id::DetectionId;
use estop::domain::order::Scope;
use estop::domain::run::{Run, RunState};
use estop::sim::Tenant;
use http::{Method, StatusCode};
use serde_json::json;

use crate::inventory::{agent_named, blueprint_named, stocked, until_listed};
use crate::power::{Desk, asking, keyed, token};
use crate::world::{Setting, World, invoice_bot};

const FINANCE: [&str; 4] = ["invoice-bot", "payables-bot", "treasury-bot", "audit-bot"];

async fn detect_named(world: &World, names: &[&str]) {
    for name in names {
        world.detect_agent(agent_named(world, name).id).await;
        world.settle().await;
    }
}

/// The runs of one playbook, oldest first.
async fn runs_of(world: &World, playbook: &str) -> Vec<Run> {
    let mut runs = world.runs().await;
    runs.retain(|run| run.playbook.as_str() == playbook);
    runs
}

/// Lets what was called in our own name be read, and settles.
async fn settle(world: &World) {
    world.pass(Duration::from_secs(5)).await;
    world.settle().await;
}

async fn decisions(world: &World, id: &str) -> Vec<Decision> {
    let id: DetectionId = id.parse().unwrap();
    let (_, decisions) = world.service.store.detection(id).await.unwrap().unwrap();
    decisions
}

#[tokio::test]
async fn three_agents_of_one_blueprint_within_the_window_propose_it_once() {
    let world = stocked(Tenant::contoso()).await;
    let (finance, _) = blueprint_named(&world, "Finance-Agents");

    detect_named(&world, &FINANCE[..2]).await;
    settle(&world).await;
    let before = runs_of(&world, "outbreak").await.len();
    detect_named(&world, &FINANCE[2..]).await;
    settle(&world).await;

    assert_eq!(before, 0, "two are no outbreak");
    let runs = runs_of(&world, "outbreak").await;
    assert_eq!(runs.len(), 1, "the fourth is part of the same outbreak");
    assert_eq!(
        (runs[0].entity, runs[0].state),
        (finance, RunState::Waiting)
    );
    assert!(world.entra.tenant().blueprints[&finance.id.uuid()].account_enabled);
    assert_eq!(runs_of(&world, "agent-threat-intelligence").await.len(), 4);
}

#[tokio::test]
async fn one_agent_that_shouts_and_agents_of_other_blueprints_are_no_outbreak() {
    let world = stocked(Tenant::contoso()).await;

    detect_named(&world, &["invoice-bot", "invoice-bot", "invoice-bot"]).await;
    detect_named(&world, &["kb-bot", "expense-ocr-01"]).await;
    settle(&world).await;

    assert_eq!(runs_of(&world, "outbreak").await.len(), 0);
}

/// Counts detections, and not agents.
const SPREE: &str = "\
playbook: spree
summary: Agents of one blueprint are reported again and again, so propose the blueprint.
trigger:
  detection: [threatIntelligenceAccount]
  together: { detections: 3, within: 10m }
entity: blueprint
mode: ask
guardrail: { entities_max: 1, window: 1h, on_breach: ask }
approval: { from: [soc-leads], quorum: 1, within: 30m, on_timeout: keep }
steps:
  - disable_blueprint
hold: { for: 7d, then: ask }
notify: []
";

#[tokio::test]
async fn detections_are_counted_where_the_playbook_says_so_and_each_of_them_once() {
    let world = World::with(Setting {
        yaml: "mode: enforce\ninventory: { every: 5m }\nprotected: []\n\
               caps: { tenant: 100, source: 100 }\n"
            .to_owned(),
        playbooks: vec![("spree.yaml", SPREE.to_owned())],
        ..Setting::default()
    })
    .await;
    until_listed(&world).await;
    let (finance, _) = blueprint_named(&world, "Finance-Agents");
    let once = json!({
        "type": "threatIntelligenceAccount", "severity": "high", "detection_id": "the-same",
        "entities": [{ "kind": "agent", "id": agent_named(&world, "invoice-bot").id }],
    });

    for _ in 0..3 {
        world.post(&once.to_string()).await;
        world.settle().await;
    }
    settle(&world).await;
    let repeated = runs_of(&world, "spree").await.len();
    detect_named(&world, &["invoice-bot"]).await;
    settle(&world).await;
    let two = runs_of(&world, "spree").await.len();
    detect_named(&world, &["invoice-bot"]).await;
    settle(&world).await;

    assert_eq!((repeated, two), (0, 0));
    let runs = runs_of(&world, "spree").await;
    assert_eq!(runs.len(), 1);
    assert_eq!(
        (runs[0].entity, runs[0].state),
        (finance, RunState::Waiting)
    );
}

#[tokio::test]
async fn what_is_further_apart_than_the_window_is_no_outbreak() {
    let world = stocked(Tenant::contoso()).await;

    detect_named(&world, &FINANCE[..2]).await;
    world.pass(Duration::from_secs(11 * 60)).await;
    detect_named(&world, &FINANCE[2..3]).await;
    settle(&world).await;

    assert_eq!(runs_of(&world, "outbreak").await.len(), 0);
}

#[tokio::test]
async fn an_outbreak_is_counted_across_a_power_cut_and_called_once() {
    let world = stocked(Tenant::contoso()).await;

    detect_named(&world, &FINANCE[..2]).await;
    let world = world.restart().await;
    until_listed(&world).await;
    detect_named(&world, &FINANCE[2..3]).await;
    let world = world.restart().await;
    settle(&world).await;
    let world = world.restart().await;
    settle(&world).await;

    assert_eq!(runs_of(&world, "outbreak").await.len(), 1);
}

#[tokio::test]
async fn a_blueprint_that_carries_agents_of_unrelated_owners_is_never_proposed() {
    let mut tenant = Tenant::contoso();
    let owners = [tenant.add_person("erin"), tenant.add_person("frank")];
    let named = |tenant: &Tenant, name: &str| {
        let mut agents = tenant.agents.values();
        agents.find(|it| it.display_name == name).unwrap().id
    };
    for (name, owner) in ["invoice-bot", "tax-bot"].into_iter().zip(owners) {
        let id = named(&tenant, name);
        tenant.agents.get_mut(&id).unwrap().sponsors.clear();
        tenant.add_owner(id, owner);
    }
    let world = stocked(tenant).await;

    let id = world
        .detect("suspiciousCredentialUsage", "agent", invoice_bot())
        .await;
    world.settle().await;

    let (finance, _) = blueprint_named(&world, "Finance-Agents");
    let decisions = decisions(&world, &id).await;
    let of_blueprint = decisions.iter().find(|one| one.entity == finance).unwrap();
    assert!(
        matches!(
            &of_blueprint.verdict,
            Verdict::StandDown {
                because: StandDownReason::NotProposed { .. }
            }
        ),
        "{of_blueprint:?}"
    );
}

#[tokio::test]
async fn a_stolen_credential_proposes_the_blueprint_beside_the_agent_it_stops() {
    let world = stocked(Tenant::contoso()).await;
    let (finance, _) = blueprint_named(&world, "Finance-Agents");

    let id = world
        .detect("suspiciousCredentialUsage", "agent", invoice_bot())
        .await;
    world.settle().await;

    let decisions = decisions(&world, &id).await;
    assert_eq!(decisions.len(), 2, "{decisions:?}");
    assert!(matches!(decisions[0].verdict, Verdict::Respond { .. }));
    assert_eq!(decisions[1].entity, finance);
    let because = AskReason::OnlyProposed;
    assert!(
        matches!(decisions[1].verdict, Verdict::AskFirst { because: it, .. } if it == because),
        "{:?}",
        decisions[1].verdict
    );
    assert!(world.entra.tenant().blueprints[&finance.id.uuid()].account_enabled);
}

#[tokio::test]
async fn the_agent_behind_a_user_account_that_was_seen_is_stopped_too() {
    let world = stocked(Tenant::contoso()).await;
    let tenant = world.entra.tenant();
    let mut users = tenant.users.values();
    let user = users.find(|it| it.identity_parent_id == Some(invoice_bot().uuid()));

    world
        .detect("threatIntelligenceAccount", "agent_user", user.unwrap().id)
        .await;
    world.settle().await;

    let agent = Entity::agent(invoice_bot());
    let runs = world.runs().await;
    let of_agent = runs.iter().find(|run| run.entity == agent).unwrap();
    assert_eq!(of_agent.state, RunState::Contained);
    assert_eq!(world.switched(invoice_bot()), [false]);
}

#[tokio::test]
async fn each_detection_about_an_account_that_says_so_stops_the_agent_behind_it_too() {
    for (kind, severity, by) in [
        (
            "suspiciousCredentialUsage",
            "high",
            Some("agent-credential-use"),
        ),
        ("agentUserRisk", "high", Some("agent-behind-user")),
        ("agentUserRisk", "medium", None),
        ("signInSpike", "high", None),
    ] {
        let world = stocked(Tenant::contoso()).await;
        let tenant = world.entra.tenant();
        let mut users = tenant.users.values();
        let user = users.find(|it| it.identity_parent_id == Some(invoice_bot().uuid()));
        let body = json!({
            "type": kind, "severity": severity,
            "detected_at": world.clock.now().to_string(),
            "entities": [{ "kind": "agent_user", "id": user.unwrap().id }],
        });

        world.post(&body.to_string()).await;
        world.settle().await;

        let runs = world.runs().await;
        let agent = Entity::agent(invoice_bot());
        let of_agent: Vec<&str> = runs
            .iter()
            .filter(|run| run.entity == agent)
            .map(|run| run.playbook.as_str())
            .collect();
        assert_eq!(of_agent, Vec::from_iter(by), "{kind} {severity}");
        let stopped: &[bool] = if by.is_some() { &[false] } else { &[] };
        assert_eq!(world.switched(invoice_bot()), stopped, "{kind} {severity}");
        // Nobody but this agent and its user is touched.
        let tenant = world.entra.tenant();
        let off = tenant.agents.values().filter(|it| !it.account_enabled);
        assert_eq!(off.count(), stopped.len(), "{kind} {severity}");
    }
}

#[tokio::test]
async fn a_compromised_person_has_their_agents_proposed_and_none_is_stopped() {
    let world = World::with(Setting {
        yaml: "mode: enforce\nprotected: []\ninventory: { every: 5m }\n".to_owned(),
        kinds: "agent, user",
        ..Setting::default()
    })
    .await;
    until_listed(&world).await;
    let tenant = world.entra.tenant();
    let mut users = tenant.users.values();
    let alice = users.find(|it| it.display_name == "alice").unwrap().id;

    world.detect("compromisedUser", "user", alice).await;
    world.settle().await;

    let runs = runs_of(&world, "compromised-user").await;
    assert_eq!(runs.len(), 5, "alice sponsors five agents");
    assert!(runs.iter().all(|run| run.state == RunState::Waiting));
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_source_that_may_not_name_people_reaches_nobody_through_them() {
    let world = stocked(Tenant::contoso()).await;
    let tenant = world.entra.tenant();
    let mut users = tenant.users.values();
    let alice = users.find(|it| it.display_name == "alice").unwrap().id;

    world.detect("compromisedUser", "user", alice).await;
    world.settle().await;

    assert_eq!(world.runs().await.len(), 0);
}

const HYGIENE: &str = "playbook: nobody\nsummary: Nobody answers for it.\n\
     trigger: { schedule: \"*/10 * * * *\", find: ownerless }\n\
     entity: agent\nmode: ask\n\
     approval: { from: [soc], within: 7d, on_timeout: keep }\n\
     steps:\n  - disable_agent\nnotify: []\n";

fn with_a_stray() -> (Tenant, ObjectId) {
    let mut tenant = Tenant::contoso();
    let mut blueprints = tenant.blueprints.values();
    let blueprint = blueprints.next().unwrap().ids;
    let stray = tenant.add_agent("stray-bot", blueprint);
    (tenant, ObjectId::from_uuid(stray))
}

async fn with_hygiene(tenant: Tenant) -> World {
    let world = World::with(Setting {
        yaml: "mode: enforce\nprotected: []\ninventory: { every: 5m }\n".to_owned(),
        playbooks: vec![("nobody.yaml", HYGIENE.to_owned())],
        tenant,
        ..Setting::default()
    })
    .await;
    until_listed(&world).await;
    world
}

#[tokio::test]
async fn the_clock_calls_once_for_what_it_finds_and_a_power_cut_calls_no_more() {
    let (tenant, stray) = with_a_stray();
    let world = with_hygiene(tenant).await;

    world.pass(Duration::from_secs(60)).await;
    let early = world.runs().await.len();
    world.pass(Duration::from_secs(11 * 60)).await;
    world.settle().await;
    let first = world.runs().await;
    let world = world.restart().await;
    world.pass(Duration::from_secs(21 * 60)).await;
    world.settle().await;

    assert_eq!(early, 0, "its time has not come");
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0].entity, Entity::agent(stray));
    assert_eq!(first[0].state, RunState::Waiting);
    assert_eq!(world.runs().await.len(), 1, "found once, asked once");
    assert_eq!(world.writes(), Vec::<String>::new());
    let lines = world.service.store.sealed_lines(0, 10_000).await.unwrap();
    let ticks = lines
        .iter()
        .filter(|it| it.line.contains("schedule.ticked"));
    assert!(ticks.count() >= 3, "every time that was due is on record");
}

#[tokio::test]
async fn of_times_that_passed_while_we_were_down_one_is_carried_out() {
    let (tenant, _) = with_a_stray();
    let world = with_hygiene(tenant).await;
    world.pass(Duration::from_secs(30)).await;

    world.leap(Duration::from_secs(3 * 3600)).await;
    world.pass(Duration::from_secs(6 * 60)).await;
    world.settle().await;

    assert_eq!(world.runs().await.len(), 1);
    let lines = world.service.store.sealed_lines(0, 10_000).await.unwrap();
    let ticks = lines
        .iter()
        .filter(|it| it.line.contains("schedule.ticked"));
    assert!(ticks.count() <= 2, "what was missed is not made up for");
}

async fn desk(setting: Setting) -> Desk {
    let world = World::with(setting).await;
    world.pass(Duration::from_secs(1)).await;
    let token = token(&world, "soc", Scope::Respond).await;
    Desk {
        api: world.service.control(),
        world,
        token,
    }
}

#[tokio::test]
async fn a_person_calls_a_playbook_with_its_parameters_once() {
    let desk = desk(Setting::default()).await;
    let path = "/v1/playbooks/agent-under-investigation/runs";
    let word = json!({
        "entities": [invoice_bot()], "params": { "case": "INC-4711", "weeks": "2" },
        "reason": "asked for by the investigators",
    });
    let say = || {
        let request = asking(Method::POST, path, &desk.token, Some(word.clone()));
        desk.send(keyed(request, "one-key"))
    };

    let first = say().await;
    desk.world.settle().await;
    let again = say().await;
    desk.world.settle().await;

    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text);
    assert_eq!(first.body["detection"], again.body["detection"]);
    let run = desk.world.only_run().await;
    assert_eq!(run.playbook.as_str(), "agent-under-investigation");
    assert_eq!(run.state, RunState::Contained);
    let records = desk.records().await;
    let called = records.iter().find(|it| it.what == "playbook.called");
    assert_eq!(called.unwrap().who.0, "token:soc");
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn a_playbook_is_called_by_hand_and_what_was_decided_is_told() {
    let desk = desk(Setting::default()).await;
    let bot = invoice_bot().to_string();
    let words = [
        "playbook",
        "run",
        "agent-under-investigation",
        "--entity",
        &bot,
        "--reason",
        "asked for by the investigators",
        "--param",
        "case=INC-4711",
    ];
    let weeks = |weeks: &'static str| [&words[..], &["--param", weeks]].concat();

    let missing = desk.types(&words).await;
    let long = desk.types(&weeks("weeks=26")).await;
    let called = desk.types(&weeks("weeks=2")).await;
    desk.world.settle().await;

    assert_eq!(missing.exit, Exit::Usage, "{missing:?}");
    assert_eq!(long.exit, Exit::Failed, "{long:?}");
    assert!(long.output.contains("stand_down"), "{long:?}");
    assert_eq!(called.exit, Exit::Done, "{called:?}");
    assert!(
        called
            .output
            .starts_with(&format!("agent {bot}  respond\nrun_")),
        "{called:?}"
    );
    assert!(called.talk.contains("next: estop detections show det_"));
    assert_eq!(desk.world.only_run().await.state, RunState::Contained);
}

#[tokio::test]
async fn what_a_person_may_not_call_or_says_wrongly_calls_nothing() {
    let desk = desk(Setting::default()).await;
    let entity = invoice_bot();
    let cases = [
        (
            "agent-under-investigation",
            json!({ "case": "x" }),
            "playbook-params",
        ),
        (
            "agent-under-investigation",
            json!({ "case": "x", "weeks": "2", "who": "me" }),
            "playbook-params",
        ),
        (
            "agent-threat-intelligence",
            json!({}),
            "playbook-not-manual",
        ),
        ("no-such-playbook", json!({}), "playbook-unknown"),
    ];

    for (name, params, code) in cases {
        let word = json!({ "entities": [entity], "params": params, "reason": "a test" });
        let path = format!("/v1/playbooks/{name}/runs");
        let request = asking(Method::POST, &path, &desk.token, Some(word));
        let reply = desk.send(keyed(request, name)).await;
        assert_eq!(reply.body["code"], code, "{name}: {}", reply.text);
    }

    desk.world.settle().await;
    assert_eq!(desk.world.runs().await.len(), 0);
}

#[tokio::test]
async fn no_sender_speaks_in_our_own_name() {
    let world = World::new().await;
    let path = world.folder.path().join("estop.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("  lab:\n", "  estop-person:\n")).unwrap();

    let refused = Config::read(&path, &Overrides::default());

    let said = refused.err().unwrap().to_string();
    assert!(said.contains("estop-person"), "{said}");
}

#[tokio::test]
async fn of_two_that_match_the_stronger_is_carried_out_and_both_are_listed() {
    let playbook = |name: &str, mode: &str| {
        format!(
            "playbook: {name}\nsummary: Stop it.\ntrigger:\n  \
             detection: [threatIntelligenceAccount]\nentity: agent\nmode: {mode}\n\
             approval: {{ from: [soc], within: 5m, on_timeout: keep }}\n\
             guardrail: {{ entities_max: 9, window: 1h, on_breach: ask }}\n\
             steps:\n  - disable_agent\nnotify: []\n"
        )
    };
    for (weak, strong) in [
        ("observe", "ask"),
        ("ask", "provisional"),
        ("provisional", "enforce"),
    ] {
        let world = World::with(Setting {
            playbooks: vec![
                ("a.yaml", playbook("a", weak)),
                ("b.yaml", playbook("b", strong)),
            ],
            ..Setting::default()
        })
        .await;

        let id = world.detect_agent(invoice_bot()).await;
        world.settle().await;

        assert_eq!(world.only_run().await.playbook.as_str(), "b", "{strong}");
        let decision = decisions(&world, &id).await.remove(0);
        assert!(decision.considered.iter().all(|one| one.matched));
        assert_eq!(decision.considered.len(), 2);
        assert_eq!(decision.entity.kind, EntityKind::Agent);
    }
}
