//! A person contains: what was shown is what runs, or nothing does.

use std::time::Duration;

use estop::sim::Switch;
use http::{Method, StatusCode};
use serde_json::json;

use super::{Desk, asking, keyed};
use crate::world::{Setting, invoice_bot};

#[tokio::test]
async fn a_plan_says_what_stops_what_does_not_and_the_way_back() {
    let desk = Desk::new().await;

    let plan = desk.plan("agent", invoice_bot()).await;

    assert_eq!(plan.status, StatusCode::CREATED, "{}", plan.text);
    assert_eq!(plan.body["entity"]["name"], "invoice-bot");
    assert_eq!(plan.body["tier"], 0);
    let said = |part: &str| plan.body[part].to_string();
    assert!(said("stops").contains("gets no new tokens"));
    assert!(said("stops").contains("agent user"), "{}", plan.text);
    assert!(said("not_stopped").contains("already issued"));
    assert!(said("undo").contains("exact"));
    assert_eq!(plan.body["stopped_by"], json!([]));
    assert!(desk.world.entra.effects().is_empty());
}

#[tokio::test]
async fn a_person_stops_an_agent_and_its_user_and_the_run_proves_it() {
    let desk = Desk::new().await;

    let run = desk.contained("agent", invoice_bot()).await;

    let shown = desk.get(&format!("/v1/runs/{run}")).await.body;
    assert_eq!(shown["state"], "contained", "{shown}");
    assert_eq!(shown["undo_available"], true);
    assert_eq!(shown["playbook"], "by-hand");
    let agent = desk.world.entra.agent(invoice_bot().uuid()).unwrap();
    assert!(!agent.account_enabled);
    let listed = desk.get("/v1/runs?state=contained").await.body;
    assert_eq!(listed["runs"][0]["id"], json!(run));
    desk.world.chain_holds().await;
}

#[tokio::test]
async fn a_guid_without_a_kind_is_found_out() {
    let desk = Desk::new().await;
    let tenant = desk.world.entra.tenant();
    let blueprint = tenant.blueprints.values().next().unwrap().ids;
    let person = tenant
        .users
        .values()
        .find(|user| user.identity_parent_id.is_none());
    let plan = async |id: String| {
        desk.post("/v1/plans", json!({ "entity": { "id": id } }))
            .await
    };

    let agent = plan(invoice_bot().to_string()).await.body;
    let by_app_id = plan(blueprint.app.to_string()).await.body;
    let person = plan(person.unwrap().id.to_string()).await;
    let nobody = plan("11111111-2222-4333-8444-555555555555".to_owned()).await;

    assert_eq!(agent["entity"]["kind"], "agent");
    assert_eq!(by_app_id["entity"]["kind"], "blueprint");
    assert_eq!(
        by_app_id["entity"]["id"],
        json!(blueprint.principal.to_string())
    );
    assert!(by_app_id["remarks"].to_string().contains("app id"));
    assert!(!person.status.is_success(), "{}", person.text);
    assert_eq!(nobody.body["code"], "target-unresolved", "{}", nobody.text);
}

#[tokio::test]
async fn a_plan_that_no_longer_matches_is_refused_with_what_changed() {
    let desk = Desk::new().await;
    let plan = desk.plan("agent", invoice_bot()).await.body;
    desk.world
        .entra
        .foreign_write(|tenant| tenant.switch(invoice_bot().uuid(), Switch::Disabled));

    let word = json!({ "plan_digest": plan["plan_digest"], "reason": "leaked" });
    let reply = desk.post("/v1/runs", word).await;

    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert_eq!(reply.body["code"], "plan-stale");
    assert!(
        reply.body["changes"][0]
            .as_str()
            .unwrap()
            .contains("disabled now")
    );
    assert!(desk.world.runs().await.is_empty());
}

#[tokio::test]
async fn a_plan_is_forgotten_after_five_minutes() {
    let desk = Desk::new().await;
    let plan = desk.plan("agent", invoice_bot()).await.body;
    desk.world.pass(Duration::from_secs(300)).await;

    let word = json!({ "plan_digest": plan["plan_digest"], "reason": "leaked" });
    let reply = desk.post("/v1/runs", word).await;

    assert_eq!(reply.body["code"], "plan-stale", "{}", reply.text);
}

#[tokio::test]
async fn the_same_word_twice_is_one_run_even_after_the_tenant_changed() {
    let desk = Desk::new().await;
    let plan = desk.plan("agent", invoice_bot()).await.body;
    let word = json!({ "plan_digest": plan["plan_digest"], "reason": "leaked" });
    let ask = |key: &str| {
        keyed(
            asking(Method::POST, "/v1/runs", &desk.token, Some(word.clone())),
            key,
        )
    };

    let first = desk.send(ask("one")).await;
    desk.world.settle().await;
    let again = desk.send(ask("one")).await;
    let other = json!({ "plan_digest": "00", "reason": "leaked" });
    let other = keyed(
        asking(Method::POST, "/v1/runs", &desk.token, Some(other)),
        "one",
    );
    let other = desk.send(other).await;

    assert_eq!(again.status, StatusCode::ACCEPTED, "{}", again.text);
    assert_eq!(first.body["run"], again.body["run"]);
    assert_eq!(again.headers["idempotent-replay"], "true");
    assert_eq!(other.body["code"], "idempotency-key-reused");
    assert_eq!(desk.world.runs().await.len(), 1);
}

#[tokio::test]
async fn a_word_without_a_reason_is_refused() {
    let desk = Desk::new().await;
    let plan = desk.plan("agent", invoice_bot()).await.body;

    let word = json!({ "plan_digest": plan["plan_digest"], "reason": "  " });
    let reply = desk.post("/v1/runs", word).await;

    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply.body["code"], "reason-required");
}

#[tokio::test]
async fn a_token_never_stops_a_protected_agent_nor_the_blueprint_that_would() {
    let setting = Setting {
        yaml: format!(
            "mode: enforce\nprotected: [{}]\ncaps: {{ tenant: 100, source: 100 }}\n",
            invoice_bot()
        ),
        ..Setting::default()
    };
    let desk = Desk::with(setting).await;
    let agent = desk.world.entra.agent(invoice_bot().uuid()).unwrap();

    let own = desk.plan("agent", invoice_bot()).await.body;
    let family = desk.plan("blueprint", agent.blueprint_app_id).await.body;
    let word = json!({ "plan_digest": own["plan_digest"], "reason": "leaked" });
    let reply = desk.post("/v1/runs", word).await;

    assert_eq!((&own["tier"], &own["people"]), (&json!(3), &json!(2)));
    assert_eq!(family["people"], 2);
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert_eq!(reply.body["code"], "tier-too-high");
    assert!(desk.world.entra.effects().is_empty());
}

#[tokio::test]
async fn bodies_are_plain_json_of_bounded_size() {
    let desk = Desk::new().await;
    let path = "/v1/plans";
    let with = |kind: &str, body: String| {
        let mut request = asking(Method::POST, path, &desk.token, None);
        request
            .headers_mut()
            .insert("content-type", kind.parse().unwrap());
        *request.body_mut() = body.into();
        request
    };

    let form = desk.send(with("text/plain", "{}".to_owned())).await;
    let large = with("application/json", " ".repeat(70_000));
    let large = desk.send(large).await;
    let broken = desk.send(with("application/json", "{".to_owned())).await;

    assert_eq!(form.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    for reply in [form, large, broken] {
        assert_eq!(reply.headers["content-type"], "application/problem+json");
        assert_eq!(reply.body["done"], "nothing");
        assert_eq!(reply.body["instance"], path);
        assert!(reply.body["fix"].is_string() && reply.body["retryable"] == false);
        assert_eq!(reply.headers["cache-control"], "no-store");
    }
}
