//! What a console is granted, held against what it asks the tenant for.

use estop::domain::order::Scope;
use estop::domain::role::ServiceRole;
use estop::sim::{INVOICE_BOT, Tenant};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::console::said;
use crate::granting::types;
use crate::power::token;
use crate::world::{Setting, World};

/// What is printed that a console must be granted.
async fn printed() -> Vec<String> {
    let words = ["playbook", "permissions", "--role", "console", "--json"];
    let (_, told, _) = types(&[&words[..], &["--profile", "agents"]].concat()).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let all = told["profiles"][0]["permissions"]
        .as_array()
        .unwrap()
        .iter();
    all.map(|one| one["permission"].as_str().unwrap().to_owned())
        .collect()
}

/// One of each kind that a person may order to be stopped.
fn each_kind() -> [(&'static str, Uuid); 3] {
    let tenant = Tenant::contoso();
    let blueprint = tenant.blueprints.values().next().unwrap();
    let mut users = tenant.users.values();
    let user = users.find(|user| user.identity_parent_id == Some(INVOICE_BOT));
    [
        ("agent", INVOICE_BOT),
        ("blueprint", blueprint.ids.principal),
        ("agent_user", user.unwrap().id),
    ]
}

#[tokio::test]
async fn a_console_plans_for_every_kind_with_the_rights_that_are_printed_and_with_none_fewer() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let console = world.part(ServiceRole::Console, |out| out).await;
    world.pass(std::time::Duration::from_secs(6)).await;
    let (door, key) = (
        console.control(),
        token(&world, "soc", Scope::Respond).await,
    );
    // A token keeps the rights that it was issued with.
    let planned = async |rights: &[&str]| {
        world.entra.set_permissions(rights);
        world.entra.revoke_access_tokens();
        let mut planned = Vec::new();
        for (kind, id) in each_kind() {
            let target = json!({ "entity": { "kind": kind, "id": id } });
            let (status, why) = said(&door, &key, (Method::POST, "/v1/plans"), target).await;
            planned.push((status == StatusCode::CREATED, kind, why));
        }
        planned
    };
    let rights = printed().await;
    let rights: Vec<&str> = rights.iter().map(|it| &**it).collect();

    let with_all = planned(&rights).await;
    assert!(with_all.iter().all(|it| it.0), "{with_all:?}");
    for left_out in &rights {
        let fewer: Vec<&str> = rights
            .iter()
            .filter(|it| *it != left_out)
            .copied()
            .collect();
        let without = planned(&fewer).await;
        assert!(without.iter().any(|it| !it.0), "{left_out} is of no use");
    }
}
