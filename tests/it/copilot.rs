//! The gate of Copilot Studio: whose tool calls are refused, and what is said where nobody can tell.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use estop::domain::action::Action;
use estop::domain::coverage::{Door, DoorReport, DoorState};
use estop::domain::entity::{Entity, ObjectId};
use estop::domain::id::RunId;
use estop::domain::plan::{Plan, PlanStep};
use estop::domain::run::RunState;
use estop::sim::{AppToken, INVOICE_BOT, Tenant, TokenVersion};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::world::{Setting, World, invoice_bot};

const AUDIENCE: &str = "api://estop.contoso.example";
const APP: Uuid = Uuid::from_u128(0x9d8f_559b_0000_4000_8000_0000_0000_00aa);
const BOT: &str = "5be3e14e-2e46-f111-bec6-7c1e52344333";
const STRANGE_BOT: &str = "11111111-2e46-f111-bec6-7c1e52344333";
const PLACE: &str = "Default-0000";

fn yaml(more: &str) -> String {
    format!(
        "{}copilot:\n  verify: {{ audience: [\"{AUDIENCE}\"], applications: [{APP}] }}\n  \
         environments:\n    prod:\n      environment_id: {PLACE}\n      \
         agents: {{ {BOT}: {INVOICE_BOT} }}\n{more}",
        Setting::default().yaml
    )
}

async fn gated() -> World {
    gated_as(yaml(""), Tenant::contoso()).await
}

async fn gated_as(yaml: String, tenant: Tenant) -> World {
    let world = World::with(Setting {
        yaml,
        tenant,
        ..Setting::default()
    })
    .await;
    world.breathe().await;
    world
}

fn token(world: &World) -> String {
    world.entra.app_token(AppToken {
        caller: APP,
        app: APP,
        audience: AUDIENCE,
        roles: &[],
        version: TokenVersion::V2,
    })
}

/// A question about a tool call, in the wire's spelling.
fn question(world: &World, bot: &str) -> Value {
    json!({
        "plannerContext": {
            "userMessage": "pay the invoice", "thought": "It must be paid.",
            "chatHistory": [{ "id": "1", "role": "user", "content": "pay \"it\" \u{e4}", "timestamp": "t" }],
            "previousToolsOutputs": [],
        },
        "toolDefinition": { "id": "cra65_bot.action.Pay", "type": "ToolDefinition", "name": "Pay",
            "description": "Pays.", "inputParameters": [], "outputParameters": [] },
        "inputValues": { "amount": 7 },
        "conversationMetadata": {
            "agent": { "id": bot, "tenantId": world.entra.tenant().id, "environmentId": PLACE,
                "name": "a bot", "version": null, "isPublished": true },
            "user": { "id": "u", "tenantId": "t" }, "conversationId": "c", "messageId": null,
            "channelId": "pva-studio", "planId": "p", "planStepId": "s",
            "trigger": { "id": null, "schemaName": null },
        },
    })
}

async fn ask(world: &World, path: &str, token: &str, body: String) -> (StatusCode, Value) {
    ask_at(&world.door, path, token, body).await
}

async fn ask_at(door: &Router, path: &str, token: &str, body: String) -> (StatusCode, Value) {
    let request = Request::post(format!("/v1/copilot/{path}?api-version=2025-05-01"))
        .header("authorization", format!("Bearer {token}"))
        .header("x-ms-correlation-id", Uuid::from_u128(9).to_string())
        .header("content-type", "application/json")
        .body(Body::from(body))
        .unwrap();
    let reply = door.clone().oneshot(request).await.unwrap();
    let (parts, body) = reply.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, serde_json::from_slice(&body).unwrap())
}

/// A world with the gate, for services beside its own.
pub fn gated_setting() -> Setting {
    Setting {
        yaml: yaml(""),
        ..Setting::default()
    }
}

/// Does the gate behind this door refuse what the bot of `INVOICE_BOT` wants to call?
pub async fn is_refused_at(world: &World, door: &Router) -> bool {
    world.breathe().await;
    let body = question(world, BOT).to_string();
    let path = "prod/analyze-tool-execution";
    let (status, said) = ask_at(door, path, &token(world), body).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    said["blockAction"].as_bool().unwrap()
}

async fn asked(world: &World, bot: &str) -> (StatusCode, Value) {
    let body = question(world, bot).to_string();
    ask(world, "prod/analyze-tool-execution", &token(world), body).await
}

async fn is_refused(world: &World, bot: &str) -> bool {
    world.breathe().await;
    let (status, said) = asked(world, bot).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    said["blockAction"].as_bool().unwrap()
}

async fn runtime_door(world: &World, run: RunId) -> DoorReport {
    let coverage = world.run(run).await.coverage.unwrap();
    let mut doors = coverage.doors.into_iter();
    doors.find(|it| it.door == Door::Runtime).unwrap()
}

/// Blocks the tools of an agent and touches nothing else.
async fn block_tools(world: &World, id: ObjectId) -> RunId {
    let mut plan = Plan::by_hand(Entity::agent(id), &[]);
    plan.steps = vec![PlanStep {
        action: Action::BlockTools,
        entity: Entity::agent(id),
        optional: false,
    }];
    let run = world.contain_by(plan).await;
    world.settle().await;
    run
}

#[tokio::test]
async fn a_contained_agents_tool_calls_are_refused_until_it_is_released() {
    let world = gated().await;
    assert!(!is_refused(&world, BOT).await);

    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    let run = world.only_run().await;
    let (_, said) = asked(&world, BOT).await;

    assert_eq!(said["blockAction"], true, "{said}");
    assert!(said["reasonCode"].is_u64() && said["diagnostics"].is_string());
    let door = runtime_door(&world, run.id).await;
    assert_eq!(door.state, DoorState::Unverified);
    assert!(door.proof.contains(BOT) && door.proof.contains("tokens already issued"));

    world.undo(run.id).await;
    world.settle().await;
    assert!(!is_refused(&world, BOT).await);
    world.nothing_left_over().await;
}

#[tokio::test]
async fn what_is_held_is_refused_after_a_restart_too() {
    let world = gated().await;
    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    let world = world.restart().await;

    assert!(is_refused(&world, BOT).await);
    let text = world.service.metrics.text();
    assert!(text.contains(r#"estop_gate_answers_total{environment="prod",outcome="refused"}"#));
}

#[tokio::test]
async fn an_agent_is_refused_for_its_blueprint_once_the_inventory_knows_it() {
    let yaml = yaml("inventory: { every: 5m }\n");
    let world = gated_as(yaml, Tenant::contoso()).await;
    crate::inventory::until_listed(&world).await;
    let tenant = world.entra.tenant();
    let app = tenant.agents[&INVOICE_BOT].blueprint_app_id;
    let principal = tenant.blueprint_of_app(app).unwrap().ids.principal;
    world.pass(Duration::from_secs(61)).await;
    assert!(!is_refused(&world, BOT).await);

    let blueprint = Entity::blueprint(ObjectId::from_uuid(principal));
    world.contain(blueprint).await;
    world.settle().await;

    assert!(is_refused(&world, BOT).await);
}

#[tokio::test]
async fn a_classic_bot_is_known_by_the_tag_of_its_service_principal() {
    let mut tenant = Tenant::contoso();
    let classic = tenant.add_service_principal("old-bot");
    tenant.add_tag(classic, &format!("power-virtual-agents-{STRANGE_BOT}"));
    let world = gated_as(yaml("inventory: { every: 5m }\n"), tenant).await;
    crate::inventory::until_listed(&world).await;
    world.pass(Duration::from_secs(61)).await;
    assert!(!is_refused(&world, STRANGE_BOT).await);

    let entity = Entity {
        kind: estop::domain::entity::EntityKind::ServicePrincipal,
        id: ObjectId::from_uuid(classic),
    };
    let mut plan = Plan::by_hand(entity, &[]);
    plan.steps = vec![PlanStep {
        action: Action::BlockTools,
        entity,
        optional: false,
    }];
    world.contain_by(plan).await;
    world.settle().await;

    assert!(
        is_refused(&world, STRANGE_BOT).await,
        "{:?}",
        world.runs().await
    );
}

#[tokio::test]
async fn blocked_tools_are_held_and_an_undo_lets_them_pass_again() {
    let world = gated().await;

    let run = block_tools(&world, invoice_bot()).await;

    assert!(
        is_refused(&world, BOT).await,
        "{:?}",
        world.steps(run).await
    );
    assert!(world.switched(invoice_bot()).is_empty());
    let again = block_tools(&world, invoice_bot()).await;
    world.undo(run).await;
    world.settle().await;
    // The other run holds it still.
    assert!(is_refused(&world, BOT).await);
    world.undo(again).await;
    world.settle().await;
    assert!(!is_refused(&world, BOT).await);
    assert_eq!(world.state(again).await, RunState::Undone);
}

#[tokio::test]
async fn where_no_bot_is_known_a_person_is_handed_the_command() {
    let world = gated().await;
    let tenant = world.entra.tenant();
    let other = tenant.agents.keys().find(|id| **id != INVOICE_BOT).unwrap();
    let other = ObjectId::from_uuid(*other);

    world.detect_agent(other).await;
    world.settle().await;
    let run = world.only_run().await;

    assert_eq!(run.state, RunState::Contained);
    let door = runtime_door(&world, run.id).await;
    assert_eq!(door.state, DoorState::NotChecked);
    assert!(door.proof.contains("cannot stop here"), "{}", door.proof);
    assert!(door.proof.contains("SetAsQuarantined"), "{}", door.proof);
    let step = block_tools(&world, other).await;
    let steps = world.steps(step).await;
    assert!(
        steps[0]
            .evidence
            .as_ref()
            .unwrap()
            .contains("SetAsQuarantined"),
        "{steps:?}"
    );
}

#[tokio::test]
async fn a_bot_nobody_knows_is_told_what_the_configuration_says() {
    let world = gated().await;
    assert!(!is_refused(&world, STRANGE_BOT).await);

    let strict = gated_as(yaml("  unmapped: block\n"), Tenant::contoso()).await;

    assert!(is_refused(&strict, STRANGE_BOT).await);
}

#[tokio::test]
async fn what_cannot_be_understood_is_never_taken_for_a_pass() {
    let world = gated().await;
    let mut elsewhere = question(&world, BOT);
    elsewhere["conversationMetadata"]["agent"]["environmentId"] = json!("Other");
    let mut foreign = question(&world, BOT);
    foreign["conversationMetadata"]["agent"]["tenantId"] = json!(Uuid::from_u128(5));
    let mut nameless = question(&world, BOT);
    nameless["conversationMetadata"]["agent"]["id"] = json!("cra65_bot");
    let twice = question(&world, BOT).to_string().replacen(
        r#""agent":{"#,
        r#""agent":{"id":"11111111-2e46-f111-bec6-7c1e52344333","#,
        1,
    );

    for body in [
        elsewhere.to_string(),
        foreign.to_string(),
        nameless.to_string(),
        twice,
        "{}".to_owned(),
        String::new(),
    ] {
        let place = "prod/analyze-tool-execution";
        let (status, said) = ask(&world, place, &token(&world), body.clone()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{said} to {body}");
        assert_eq!(said["httpStatus"], 503);
    }

    let blocking = gated_as(yaml("  cannot_tell: block\n"), Tenant::contoso()).await;
    let place = "prod/analyze-tool-execution";
    let (status, said) = ask(&blocking, place, &token(&blocking), String::new()).await;
    assert_eq!(
        (status, &said["blockAction"]),
        (StatusCode::OK, &json!(true))
    );
}

#[tokio::test]
async fn both_spellings_of_the_tool_outputs_and_any_version_are_taken() {
    let world = gated().await;
    let mut printed = question(&world, BOT);
    let context = printed["plannerContext"].as_object_mut().unwrap();
    let outputs = context.remove("previousToolsOutputs").unwrap();
    context.insert("previousToolOutputs".to_owned(), outputs);
    printed["somethingNew"] = json!({ "a": [1, 2] });

    let place = "prod/analyze-tool-execution";
    let (status, said) = ask(&world, place, &token(&world), printed.to_string()).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(said, json!({ "blockAction": false }));
}

#[tokio::test]
async fn only_the_configured_application_of_our_tenant_may_ask() {
    let world = gated().await;
    let good = token(&world);
    let other = world.entra.app_token(AppToken {
        caller: APP,
        app: Uuid::from_u128(77),
        audience: AUDIENCE,
        roles: &[],
        version: TokenVersion::V2,
    });

    let (status, said) = ask(&world, "prod/validate", &good, String::new()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(said, json!({ "isSuccessful": true, "status": "OK" }));

    let body = question(&world, BOT).to_string();
    let mut answers = Vec::new();
    for (place, token) in [
        ("prod/validate", other.as_str()),
        ("prod/validate", "x.y.z"),
        ("other/validate", good.as_str()),
        ("prod/analyze-tool-execution", other.as_str()),
        ("other/analyze-tool-execution", good.as_str()),
        // Bytes that are no text name no environment.
        ("%e2/validate", good.as_str()),
        ("%e2/analyze-tool-execution", good.as_str()),
    ] {
        answers.push(ask(&world, place, token, body.clone()).await);
    }
    assert!(
        answers
            .iter()
            .all(|it| it.0 == StatusCode::UNAUTHORIZED && *it == answers[0])
    );
}
