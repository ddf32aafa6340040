//! What the inventory answers people, through the control API.

use std::time::Duration;

use estop::domain::entity::ObjectId;
use estop::domain::order::Scope;
use estop::sim::{Fault, INVOICE_BOT, On, Switch, Tenant, What};
use http::StatusCode;
use serde_json::{Value, json};

use super::{agent_named, blueprint_named, stocked};
use crate::power::{Desk, token};
use crate::world::{World, invoice_bot};

async fn desk(tenant: Tenant) -> Desk {
    over(stocked(tenant).await).await
}

async fn over(world: World) -> Desk {
    let token = token(&world, "soc", Scope::Respond).await;
    Desk {
        api: world.service.control(),
        world,
        token,
    }
}

async fn shown(desk: &Desk, id: impl ToString) -> Value {
    let reply = desk.get(&format!("/v1/agents/{}", id.to_string())).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.body
}

#[tokio::test]
async fn any_guid_is_answered_with_which_id_it_was_and_what_was_meant() {
    let mut tenant = Tenant::contoso();
    let blueprint = tenant.blueprints.values().next().unwrap().ids;
    let registered = tenant.register_on("Invoices", "Foundry", (Some(INVOICE_BOT), blueprint));
    let desk = desk(tenant).await;
    let (finance, ids) = blueprint_named(&desk.world, "Finance-Agents");

    let by_app = shown(&desk, ids.app).await;
    let by_application = shown(&desk, ids.application).await;
    let by_registry = shown(&desk, registered).await;
    let plain = shown(&desk, invoice_bot()).await;

    for (answer, was) in [
        (&by_app, "app_id"),
        (&by_application, "application_object_id"),
    ] {
        assert_eq!(answer["resolved"]["was"], was);
        assert_eq!(answer["resolved"]["id"], json!(finance.id));
        assert!(answer["remarks"][0].as_str().unwrap().contains("corrected"));
    }
    assert_eq!(by_registry["resolved"]["id"], json!(invoice_bot()));
    assert_eq!(plain["resolved"]["correction"], Value::Null);
    assert_eq!(plain["family"]["above"][0]["id"], json!(finance.id));
    assert!(
        plain["remarks"]
            .to_string()
            .contains("Foundry calls it Invoices")
    );
}

#[tokio::test]
async fn a_persons_guid_is_told_as_what_it_is() {
    let desk = desk(Tenant::contoso()).await;
    let tenant = desk.world.entra.tenant();
    let dana = tenant.users.values().find(|it| it.display_name == "dana");

    let reply = desk.get(&format!("/v1/agents/{}", dana.unwrap().id)).await;

    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert!(
        reply.text.contains("sponsors or owns 9 agent"),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn a_plan_from_the_inventory_corrects_the_id_and_asks_the_tenant_nothing() {
    let desk = desk(Tenant::contoso()).await;
    let (finance, ids) = blueprint_named(&desk.world, "Finance-Agents");
    let asked = desk.world.entra.journal_len();

    let plan = desk
        .post(
            "/v1/plans",
            json!({ "entity": { "id": ids.application.to_string() } }),
        )
        .await;

    assert_eq!(plan.status, StatusCode::CREATED, "{}", plan.text);
    assert_eq!(plan.body["entity"]["id"], json!(finance.id));
    assert!(
        plan.body["remarks"]
            .to_string()
            .contains("application object id")
    );
    assert_eq!(plan.body["radius"]["agents"], 5);
    assert_eq!(plan.body["radius"]["users"], 2);
    assert_eq!(plan.body["radius"]["complete"], true);
    assert_eq!(plan.body["tier"], 2);
    assert_eq!(desk.world.entra.journal_len(), asked);
}

#[tokio::test]
async fn a_kind_that_is_wrong_is_refused_with_what_it_is() {
    let desk = desk(Tenant::contoso()).await;
    let (_, ids) = blueprint_named(&desk.world, "Finance-Agents");

    let plan = desk.plan("agent", ids.app).await;

    assert_eq!(
        plan.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        plan.text
    );
    assert_eq!(plan.body["code"], "target-another-kind");
    assert!(plan.text.contains("app id of a blueprint"), "{}", plan.text);
}

#[tokio::test]
async fn a_plan_from_the_inventory_is_carried_out_after_the_entity_is_read_again() {
    let desk = desk(Tenant::contoso()).await;
    let plan = desk.plan("agent", invoice_bot()).await;
    desk.world
        .entra
        .foreign_write(|tenant| tenant.switch(INVOICE_BOT, Switch::Disabled));

    let word = json!({ "plan_digest": plan.body["plan_digest"], "reason": "leaked" });
    let taken = desk.post("/v1/runs", word).await;

    assert_eq!(taken.status, StatusCode::CONFLICT, "{}", taken.text);
    assert_eq!(taken.body["code"], "plan-stale");
    assert_eq!(desk.world.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn shared_identities_count_for_every_agent_that_stops() {
    let mut tenant = Tenant::contoso();
    let ids = tenant
        .blueprints
        .values()
        .find(|it| it.display_name == "Finance-Agents");
    let ids = ids.unwrap().ids;
    for name in ["one", "two", "three"] {
        tenant.register_on(name, "Foundry", (Some(INVOICE_BOT), ids));
    }
    tenant.register_on("environment", "Copilot Studio", (None, ids));
    let desk = desk(tenant).await;

    let agent = shown(&desk, invoice_bot()).await;
    let blueprint = shown(&desk, ids.principal).await;

    assert_eq!(
        (&agent["radius"]["agents"], &agent["radius"]["identities"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(blueprint["radius"]["agents"], 4 + 3 + 1);
    assert_eq!(blueprint["radius"]["identities"], 5);
    assert!(agent["remarks"].to_string().contains("all of them stop"));
}

#[tokio::test]
async fn foreign_microsoft_and_shared_blueprints_are_recognised() {
    let mut tenant = Tenant::contoso();
    let (dana, alice) = (tenant.add_person("dana-2"), tenant.add_person("alice-2"));
    let ids: Vec<_> = tenant.blueprints.values().map(|it| it.ids).collect();
    let [foreign, microsoft, shared] = ids[..] else {
        panic!()
    };
    let owner = |number: u128| uuid::Uuid::from_u128(number);
    let theirs = "f8cdef31-a31e-4b4a-93e4-5f571e91255a".parse().unwrap();
    tenant
        .blueprints
        .get_mut(&foreign.principal)
        .unwrap()
        .owner_tenant = owner(77);
    tenant
        .blueprints
        .get_mut(&microsoft.principal)
        .unwrap()
        .owner_tenant = theirs;
    let of_shared = tenant
        .agents
        .values()
        .filter(|it| it.blueprint_app_id == shared.app);
    let two: Vec<_> = of_shared.map(|it| it.id).take(2).collect();
    for agent in tenant.agents.values_mut() {
        agent.sponsors.clear();
    }
    tenant.add_owner(two[0], dana);
    tenant.add_owner(two[1], alice);
    let desk = desk(tenant).await;

    let said = async |id| shown(&desk, id).await["remarks"].to_string();

    assert!(
        said(foreign.principal)
            .await
            .contains("belongs to another tenant")
    );
    assert!(
        said(microsoft.principal)
            .await
            .contains("Microsoft manages")
    );
    assert!(said(shared.principal).await.contains("unrelated owners"));
}

#[tokio::test]
async fn what_is_stale_is_read_again_and_a_partial_count_says_so() {
    let desk = desk(Tenant::contoso()).await;
    let list = On::request("GET", "/servicePrincipals/microsoft.graph.agentIdentity$").always();
    let broken = What::Status {
        status: 400,
        code: "Request_BadRequest".to_owned(),
    };
    desk.world.entra.push_fault(Fault::new(list, broken));
    desk.world.pass(Duration::from_secs(660)).await;
    desk.world
        .entra
        .foreign_write(|tenant| tenant.switch(INVOICE_BOT, Switch::Disabled));

    let answer = shown(&desk, invoice_bot()).await;
    let finance = blueprint_named(&desk.world, "Finance-Agents").0;
    let blueprint = shown(&desk, finance.id).await;

    assert_eq!(answer["family"]["root"]["enabled"], false);
    assert_eq!(blueprint["radius"]["complete"], false);
    // The one that was read again is fresh; its siblings are not.
    assert_eq!(blueprint["radius"]["extent"], json!({ "read": 1, "of": 5 }));
    assert!(
        blueprint["remarks"]
            .to_string()
            .contains("not listed to the end")
    );
}

#[tokio::test]
async fn orphans_are_listed_with_what_they_are_without() {
    let mut tenant = Tenant::contoso();
    let stray = tenant
        .blueprints
        .values()
        .find(|it| it.display_name == "Support-Agents");
    let stray = stray.unwrap().ids.principal;
    tenant.delete(stray);
    let payables = tenant
        .agents
        .values()
        .find(|it| it.display_name == "payables-bot");
    let payables = payables.unwrap().id;
    tenant.delete(payables);
    let desk = desk(tenant).await;

    let orphans = desk.get("/v1/agents/orphans").await.body;

    let wants = |id: ObjectId| {
        let all = orphans["orphans"].as_array().unwrap();
        let one = all.iter().find(|it| it["id"] == json!(id));
        one.map(|it| it["wants"].clone()).unwrap_or_default()
    };
    let kb = agent_named(&desk.world, "kb-bot");
    assert_eq!(wants(kb.id), json!(["blueprint", "owner"]));
    assert_eq!(wants(invoice_bot()), json!(["owner"]));
    let users = orphans["orphans"].as_array().unwrap().iter();
    let lost: Vec<_> = users.filter(|it| it["kind"] == "agent_user").collect();
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0]["wants"], json!(["agent"]));
}

#[tokio::test]
async fn agents_are_listed_by_blueprint_and_page_by_page() {
    let desk = desk(Tenant::contoso()).await;
    let (_, ids) = blueprint_named(&desk.world, "Finance-Agents");

    let first = desk
        .get(&format!("/v1/agents?blueprint={}&limit=3", ids.app))
        .await
        .body;
    let cursor = first["next"].as_str().unwrap();
    let second = desk
        .get(&format!(
            "/v1/agents?blueprint={}&limit=3&cursor={cursor}",
            ids.principal
        ))
        .await
        .body;
    let blueprints = desk.get("/v1/blueprints").await.body;
    let not_one = desk.get(&format!("/v1/blueprints/{}", invoice_bot())).await;

    assert_eq!(first["agents"].as_array().unwrap().len(), 3);
    assert_eq!(second["agents"].as_array().unwrap().len(), 2);
    assert_eq!(blueprints["blueprints"].as_array().unwrap().len(), 3);
    assert_eq!(not_one.status, StatusCode::NOT_FOUND);
}
