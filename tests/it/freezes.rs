//! What takes two people: raising a cap, freezing the tenant, putting a freeze back.

use std::time::Duration;

use estop::domain::run::RunState;
use estop::sim::Tenant;
use http::StatusCode;
use serde_json::{Value, json};

use crate::approvals::again;
use crate::inventory::{blueprint_named, until_listed};
use crate::power::{Desk, Reply};
use crate::world::{Setting, invoice_bot};

const CAPS: &str = "caps: { tenant: 1, source: 1, reserve: 0 }\ninventory: { every: 5m }\n";

/// A desk with an inventory; nobody contains more than one by a playbook.
async fn desk(protected: &str, tenant: Tenant) -> Desk {
    let desk = Desk::with(Setting {
        yaml: format!("mode: enforce\nprotected: [{protected}]\n{CAPS}"),
        tenant,
        ..Setting::default()
    })
    .await;
    until_listed(&desk.world).await;
    desk
}

fn agents_on(desk: &Desk) -> usize {
    let agents = desk.world.entra.tenant().agents;
    agents.values().filter(|it| it.account_enabled).count()
}

async fn plan(desk: &Desk) -> Value {
    let plan = desk.post("/v1/freezes", json!({ "dry_run": true })).await;
    assert_eq!(plan.status, StatusCode::OK, "{}", plan.text);
    plan.body
}

async fn propose(desk: &Desk, who: &str) -> Reply {
    let plan = plan(desk).await;
    let word = json!({
        "plan_digest": plan["plan_digest"], "confirm": plan["confirm"], "reason": "an outbreak",
    });
    desk.says(who, "/v1/freezes", word).await
}

async fn second(desk: &Desk, who: &str, motion: &Value) -> Reply {
    let path = format!("/v1/motions/{}/second", motion["id"].as_str().unwrap());
    desk.says(who, &path, json!({ "digest": motion["digest"] }))
        .await
}

async fn freeze(desk: &Desk) -> Value {
    desk.get("/v1/freezes").await.body["freezes"][0].clone()
}

/// Moves on until the newest freeze is in this state.
async fn until_freeze(desk: &Desk, state: &str) {
    let so = || async { freeze(desk).await["state"] == state };
    assert!(desk.world.until(so).await, "{}", freeze(desk).await);
}

/// A desk whose tenant two people have frozen.
async fn frozen(protected: &str) -> Desk {
    let desk = desk(protected, Tenant::contoso()).await;
    let (ada, bo) = (desk.lead(1).await, desk.lead(2).await);
    let motion = propose(&desk, &ada).await;
    assert_eq!(motion.status, StatusCode::ACCEPTED, "{}", motion.text);
    let carried = second(&desk, &bo, &motion.body).await;
    assert_eq!(carried.status, StatusCode::OK, "{}", carried.text);
    desk
}

#[tokio::test]
async fn a_freeze_contains_everyone_but_the_protected_and_no_cap_latches_it_out() {
    let spared = invoice_bot();
    let desk = frozen(&spared.to_string()).await;
    let enabled = Tenant::contoso();
    let enabled = enabled.agents.values().filter(|it| it.account_enabled);
    let enabled = enabled.count();

    until_freeze(&desk, "frozen").await;
    desk.world.settle().await;

    let on = desk.world.entra.tenant().agents;
    let on: Vec<_> = on.values().filter(|it| it.account_enabled).collect();
    assert_eq!(on.len(), 1, "the protected one");
    assert_eq!(on[0].id, spared.uuid());
    let freeze = freeze(&desk).await;
    assert_eq!(freeze["agents"], enabled - 1);
    assert_eq!(freeze["tally"]["contained"], enabled - 1);
    assert_eq!(desk.told_of("every agent has had its turn").await, 1);
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn risk_is_frozen_before_what_is_critical_and_that_before_the_rest() {
    let mut tenant = Tenant::contoso();
    let enabled = tenant.agents.values().filter(|it| it.account_enabled);
    let ids: Vec<_> = enabled.map(|it| it.id).collect();
    tenant.add_tag(ids[3], "criticality:high");
    let desk = desk("", tenant).await;
    for id in [ids[4], ids[5]] {
        // The first is contained, the second waits above the cap.
        let of_type = "earlyLifeMaliciousActivity";
        desk.world.detect(of_type, "agent", id).await;
        desk.world.settle().await;
    }

    let plan = plan(&desk).await;

    let first = plan["first"].as_array().unwrap();
    assert_eq!(first[0]["agent"], ids[5].to_string(), "{plan}");
    assert_eq!(first[1]["agent"], ids[3].to_string(), "{plan}");
    assert_eq!(plan["agents"], ids.len() - 1, "what is off is off");
    assert_eq!(plan["confirm"], format!("KILL {} AGENTS", plan["agents"]));
}

#[tokio::test]
async fn nobody_freezes_alone_and_no_token_freezes_at_all() {
    let desk = desk("", Tenant::contoso()).await;
    let ada = desk.lead(1).await;
    let before = agents_on(&desk);
    let token = desk.token.clone();

    let by_token = propose(&desk, &token).await;
    let plan = plan(&desk).await;
    let untyped = json!({ "plan_digest": plan["plan_digest"], "confirm": "yes", "reason": "x" });
    let untyped = desk.says(&ada, "/v1/freezes", untyped).await;
    let motion = propose(&desk, &ada).await;
    let own = second(&desk, &ada, &motion.body).await;
    let responder = desk
        .person(3, estop::domain::person::Role::Responder, "soc-leads")
        .await;
    let responder = second(&desk, &responder, &motion.body).await;
    desk.world
        .pass_in(Duration::from_secs(3700), Duration::from_secs(10))
        .await;
    let bo = desk.lead(2).await;
    let late = second(&desk, &bo, &motion.body).await;

    assert_eq!(by_token.body["code"], "not-a-person", "{}", by_token.text);
    assert_eq!(untyped.body["code"], "confirm-mismatch", "{}", untyped.text);
    assert_eq!(own.body["code"], "self-approval", "{}", own.text);
    assert_eq!(responder.body["code"], "role-missing", "{}", responder.text);
    assert_eq!(late.body["code"], "motion-over", "{}", late.text);
    assert_eq!(freeze(&desk).await["state"], "dropped");
    assert_eq!(agents_on(&desk), before);
    assert!(desk.world.runs().await.is_empty());
}

#[tokio::test]
async fn a_freeze_that_is_killed_goes_on_where_it_was_and_is_undone_as_a_whole() {
    let desk = frozen("").await;
    let before = Tenant::contoso().agents;
    let some = || async {
        let on = agents_on(&desk);
        on > 0 && on < before.values().filter(|it| it.account_enabled).count()
    };
    desk.world.until(some).await;

    let desk = again(desk).await;
    until_freeze(&desk, "frozen").await;
    desk.world.settle().await;
    assert_eq!(agents_on(&desk), 0);
    let mut named: Vec<_> = desk
        .world
        .runs()
        .await
        .iter()
        .map(|run| run.entity.id)
        .collect();
    let runs = named.len();
    named.sort();
    named.dedup();
    assert_eq!(named.len(), runs, "each agent has one run");

    let (ada, bo) = (desk.lead(3).await, desk.lead(4).await);
    let id = freeze(&desk).await["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/freezes/{id}/undo");
    let motion = desk
        .says(&ada, &path, json!({ "reason": "it is over" }))
        .await;
    assert_eq!(motion.status, StatusCode::ACCEPTED, "{}", motion.text);
    let alone = agents_on(&desk);
    let carried = second(&desk, &bo, &motion.body).await;
    assert_eq!(carried.status, StatusCode::OK, "{}", carried.text);
    let desk = again(desk).await;
    until_freeze(&desk, "thawed").await;
    desk.world.settle().await;

    assert_eq!(alone, 0);
    let after = desk.world.entra.tenant().agents;
    for (id, was) in before {
        assert_eq!(after[&id].account_enabled, was.account_enabled, "{id}");
    }
    let undone = |run: &estop::domain::run::Run| run.state == RunState::Undone;
    assert!(desk.world.runs().await.iter().all(undone));
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn a_freeze_that_is_stopped_contains_nobody_more() {
    let desk = frozen("").await;
    let id = freeze(&desk).await["id"].as_str().unwrap().to_owned();
    let token = desk.token.clone();
    let path = format!("/v1/freezes/{id}/stop");

    let stopped = desk
        .says(&token, &path, json!({ "reason": "enough" }))
        .await;
    desk.world.settle().await;
    let on = agents_on(&desk);
    desk.world
        .pass_in(Duration::from_secs(60), Duration::from_secs(5))
        .await;

    assert_eq!(stopped.body["state"], "stopped", "{}", stopped.text);
    assert_eq!(agents_on(&desk), on);
}

#[tokio::test]
async fn e17_a_cap_is_raised_by_two_people_for_a_time_and_lowered_by_one() {
    let desk = desk("", Tenant::contoso()).await;
    let (ada, bo) = (desk.lead(1).await, desk.lead(2).await);
    let raise = json!({ "tenant": 50, "source": 50, "fleet_percent": 100, "for": "1h", "reason": "an outbreak" });

    let token = desk.token.clone();
    let by_token = desk.says(&token, "/v1/caps", raise.clone()).await;
    let motion = desk.says(&ada, "/v1/caps", raise.clone()).await;
    let own = second(&desk, &ada, &motion.body).await;
    let proposed = desk.get("/v1/caps").await.body;
    let carried = second(&desk, &bo, &motion.body).await;
    let raised = desk.get("/v1/caps").await.body;

    assert_eq!(by_token.body["code"], "not-a-person", "{}", by_token.text);
    assert_eq!(own.body["code"], "self-approval", "{}", own.text);
    assert_eq!(proposed["in_force"]["tenant"], 1);
    assert_eq!(carried.body["state"], "carried", "{}", carried.text);
    assert_eq!(raised["in_force"]["tenant"], 50);
    for agent in Tenant::contoso().agents.into_keys().take(4) {
        desk.world
            .detect("earlyLifeMaliciousActivity", "agent", agent)
            .await;
    }
    desk.world.settle().await;
    let contained = |runs: &[estop::domain::run::Run]| {
        runs.iter()
            .filter(|run| run.state == RunState::Contained)
            .count()
    };
    assert_eq!(contained(&desk.world.runs().await), 4);

    let lowered = desk
        .says(&token, "/v1/caps/lower", json!({ "reason": "over" }))
        .await;
    assert_eq!(lowered.body["in_force"]["tenant"], 1, "{}", lowered.text);
    let next = Tenant::contoso().agents.into_keys().nth(5).unwrap();
    desk.world
        .detect("earlyLifeMaliciousActivity", "agent", next)
        .await;
    desk.world.settle().await;
    assert_eq!(contained(&desk.world.runs().await), 4);
}

fn for_blueprints(max: &str) -> String {
    format!(
        "playbook: whole\nsummary: The whole blueprint.\ntrigger:\n  \
         detection: [suspiciousCredentialUsage]\nentity: blueprint\nmode: enforce\n\
         guardrail: {{ entities_max: 5, {max}window: 10m, on_breach: ask }}\n\
         steps:\n  - disable_blueprint\nnotify: []\n"
    )
}

/// How many of two blueprints are contained without a person.
async fn blueprints_contained(automatic: &str, max: &str) -> usize {
    let desk = Desk::with(Setting {
        yaml: format!(
            "mode: enforce\nprotected: []\ncaps: {{ tenant: 100, source: 100 }}\n{automatic}"
        ),
        playbooks: vec![("whole.yaml", for_blueprints(max))],
        ..Setting::default()
    })
    .await;
    for name in ["Finance-Agents", "Expense-Agents"] {
        let (blueprint, _) = blueprint_named(&desk.world, name);
        let named = ("suspiciousCredentialUsage", "blueprint");
        desk.world.detect(named.0, named.1, blueprint.id).await;
    }
    desk.world.settle().await;
    let runs = desk.world.runs().await;
    assert_eq!(runs.len(), 2);
    let waits = runs
        .iter()
        .filter(|run| run.state == RunState::Waiting)
        .count();
    let contained = runs.iter().filter(|run| run.state == RunState::Contained);
    let contained = contained.count();
    assert_eq!(contained + waits, 2, "{runs:?}");
    contained
}

#[tokio::test]
async fn a_blueprint_is_contained_without_a_person_only_where_both_say_so() {
    let on = "automatic_blueprints: true\n";

    assert_eq!(blueprints_contained("", "blueprints_max: 2, ").await, 0);
    assert_eq!(blueprints_contained(on, "").await, 0);
    assert_eq!(blueprints_contained(on, "blueprints_max: 1, ").await, 1);
    assert_eq!(blueprints_contained(on, "blueprints_max: 2, ").await, 2);
}

#[tokio::test]
async fn two_people_freeze_and_undo_from_the_command_line() {
    let mut desk = desk("", Tenant::contoso()).await;
    let (ada, bo) = (desk.lead(1).await, desk.lead(2).await);
    let before = agents_on(&desk);
    let confirm = plan(&desk).await["confirm"].as_str().unwrap().to_owned();
    let planned = desk.types(&["freeze", "plan"]).await;

    desk.token.clone_from(&ada);
    let words = ["freeze", "propose", "--reason", "an outbreak", "--confirm"];
    let proposed = desk.types(&[&words[..], &[&confirm]].concat()).await;
    let motion = desk.get("/v1/motions").await.body["motions"][0]["id"].clone();
    let motion = motion.as_str().unwrap();
    desk.token.clone_from(&bo);
    let seconded = desk.types(&["motions", "second", motion, "--yes"]).await;
    until_freeze(&desk, "frozen").await;
    let id = freeze(&desk).await["id"].as_str().unwrap().to_owned();
    let shown = desk.types(&["freeze", "show", &id]).await;
    let caps = desk.types(&["caps", "show"]).await;

    let expected = format!("{before} agents");
    assert!(planned.output.contains(&expected), "{}", planned.output);
    assert_eq!(
        proposed.exit,
        estop::cli::Exit::WaitsForPerson,
        "{}",
        proposed.talk
    );
    assert!(seconded.output.contains("CARRIED"), "{}", seconded.output);
    assert!(shown.output.contains("FROZEN"), "{}", shown.output);
    assert!(
        shown.output.contains(&format!("{before} contained")),
        "{}",
        shown.output
    );
    assert!(
        caps.output.contains("never without a person"),
        "{}",
        caps.output
    );
}
