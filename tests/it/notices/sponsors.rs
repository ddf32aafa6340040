//! Whoever answers for an agent hears that it was stopped, by id, from a fresh read.

use std::time::Duration;

use estop::sim::{INVOICE_BOT, Tenant};
use serde_json::Value;
use uuid::Uuid;

use super::super::world::{Setting, World, invoice_bot};
use super::far_end::FarEnd;
use super::setting;

const BY_WEBHOOK: &str = "  hook: { webhook: { url: \"https://hooks.example/\", \
                          secret_file: hook.key }, takes: [sponsors] }\n";

const PLAYBOOK: &str = "\
playbook: tell
summary: Stop it and tell who answers for it.
owner: soc
trigger: { detection: [threatIntelligenceAccount] }
entity: agent
mode: enforce
guardrail: { entities_max: 50, window: 10m, on_breach: ask }
steps:
  - disable_agent
notify: [sponsors]
";

async fn world_with(far: &FarEnd, change: impl FnOnce(&mut Tenant)) -> World {
    let mut tenant = Tenant::contoso();
    tenant.client.permissions.push("User.Read.All".to_owned());
    change(&mut tenant);
    World::with(Setting {
        tenant,
        playbooks: vec![("tell.yaml", PLAYBOOK.to_owned())],
        ..setting(far, BY_WEBHOOK)
    })
    .await
}

async fn told(world: &World, far: &FarEnd) -> Vec<(String, String)> {
    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    assert!(
        world.until(|| async { far.count() >= 1 }).await,
        "nobody was told"
    );
    whom(&far.bodies()[0])
}

fn whom(body: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = body["data"]["sponsors"].as_array().unwrap();
    all.iter()
        .map(|it| (text(&it["id"]), text(&it["by"])))
        .collect()
}

fn sponsor(tenant: &Tenant) -> Uuid {
    tenant.agents[&INVOICE_BOT].sponsors[0]
}

#[tokio::test]
async fn a_sponsor_hears_by_id_that_the_agent_was_stopped_and_that_it_is_back() {
    let far = FarEnd::new();
    let world = world_with(&far, |_| {}).await;
    let dana = sponsor(&world.entra.tenant()).to_string();

    assert_eq!(
        told(&world, &far).await,
        [(dana.clone(), "sponsor".to_owned())]
    );
    let run = world.only_run().await.id;
    world.undo(run).await;
    world.settle().await;
    assert!(
        world.until(|| async { far.count() >= 2 }).await,
        "{:?}",
        far.lines()
    );
    world.pass(Duration::from_secs(120)).await;

    let bodies = far.bodies();
    assert_eq!(bodies.len(), 2, "{bodies:?}");
    assert_eq!(bodies[0]["type"], "notice.raised");
    assert_eq!(bodies[1]["type"], "notice.resolved");
    assert!(
        bodies[0]["data"]["text"]
            .as_str()
            .unwrap()
            .contains("was stopped by estop")
    );
    assert_eq!(whom(&bodies[1]), [(dana, "sponsor".to_owned())]);
}

#[tokio::test]
async fn the_manager_inherits_from_a_sponsor_who_has_left() {
    let far = FarEnd::new();
    let mut grace = Uuid::nil();
    let world = world_with(&far, |tenant| {
        let dana = sponsor(tenant);
        grace = tenant.add_person("Grace");
        tenant.users.get_mut(&dana).unwrap().account_enabled = false;
        tenant.managers.insert(dana, grace);
    })
    .await;

    assert_eq!(
        told(&world, &far).await,
        [(grace.to_string(), "manager".to_owned())]
    );
}

#[tokio::test]
async fn who_became_sponsor_a_moment_ago_is_told_and_not_who_was_before() {
    let far = FarEnd::new();
    let mut setting = setting(&far, BY_WEBHOOK);
    setting.playbooks = vec![("tell.yaml", PLAYBOOK.to_owned())];
    // The inventory has read the people of before.
    setting.yaml.push_str("inventory: { every: 5m }\n");
    let world = World::with(setting).await;
    world.pass(Duration::from_secs(60)).await;
    let mut newer = Uuid::nil();
    world.entra.foreign_write(|tenant| {
        newer = tenant.add_person("Newer");
        tenant.agents.get_mut(&INVOICE_BOT).unwrap().sponsors = vec![newer];
    });

    assert_eq!(
        told(&world, &far).await,
        [(newer.to_string(), "sponsor".to_owned())]
    );
}

#[tokio::test]
async fn where_an_agent_has_no_sponsor_others_stand_in_by_the_documented_order() {
    let far = FarEnd::new();
    let mut owner = Uuid::nil();
    let world = world_with(&far, |tenant| {
        tenant
            .agents
            .get_mut(&INVOICE_BOT)
            .unwrap()
            .sponsors
            .clear();
        owner = tenant.add_person("Olaf");
        tenant.add_owner(INVOICE_BOT, owner);
    })
    .await;
    assert_eq!(
        told(&world, &far).await,
        [(owner.to_string(), "owner".to_owned())]
    );

    let far = FarEnd::new();
    let mut grace = Uuid::nil();
    let world = world_with(&far, |tenant| {
        tenant
            .agents
            .get_mut(&INVOICE_BOT)
            .unwrap()
            .sponsors
            .clear();
        let owner = tenant.add_person("Olaf");
        tenant.add_owner(INVOICE_BOT, owner);
        grace = tenant.add_person("Grace");
        let user = tenant
            .users
            .values()
            .find(|it| it.identity_parent_id == Some(INVOICE_BOT));
        let user = user.unwrap().id;
        tenant.managers.insert(user, grace);
    })
    .await;
    assert_eq!(
        told(&world, &far).await,
        [(grace.to_string(), "manager".to_owned())]
    );

    let far = FarEnd::new();
    let mut of_blueprint = Uuid::nil();
    let world = world_with(&far, |tenant| {
        tenant
            .agents
            .get_mut(&INVOICE_BOT)
            .unwrap()
            .sponsors
            .clear();
        of_blueprint = tenant.add_person("Bea");
        let app = tenant.agents[&INVOICE_BOT].blueprint_app_id;
        let principal = tenant.blueprint_of_app(app).unwrap().ids.principal;
        tenant
            .blueprint_sponsors
            .insert(principal, vec![of_blueprint]);
    })
    .await;
    let wanted = [(of_blueprint.to_string(), "blueprint_sponsor".to_owned())];
    assert_eq!(told(&world, &far).await, wanted);
}

#[tokio::test]
async fn without_the_right_to_read_people_the_named_sponsor_is_told() {
    let far = FarEnd::new();
    let world = world_with(&far, |tenant| {
        let people = [
            "User.Read.All",
            "User.ReadBasic.All",
            "AgentIdUser.ReadWrite.All",
            "Directory.Read.All",
        ];
        tenant
            .client
            .permissions
            .retain(|it| !people.contains(&it.as_str()));
    })
    .await;
    let dana = sponsor(&world.entra.tenant()).to_string();

    assert_eq!(told(&world, &far).await, [(dana, "sponsor".to_owned())]);
}

/// The shipped playbook whose watching is all it is meant for.
async fn watching(far: &FarEnd) -> World {
    let text = include_str!("../../../playbooks/agent-blocked-by-policy.yaml");
    World::with(Setting {
        playbooks: vec![("agent-blocked-by-policy.yaml", text.to_owned())],
        ..setting(far, BY_WEBHOOK)
    })
    .await
}

#[tokio::test]
async fn who_answers_for_it_hears_that_policy_keeps_an_agent_out_once_a_day() {
    let far = FarEnd::new();
    let world = watching(&far).await;
    let dana = sponsor(&world.entra.tenant()).to_string();
    let blocked = async || {
        let kind = "agentBlockedByConditionalAccess";
        world.detect(kind, "agent", invoice_bot()).await;
        world.settle().await;
        world.pass(Duration::from_secs(60)).await;
        far.count()
    };

    let first = blocked().await;
    let again = blocked().await;
    let day = Duration::from_secs(25 * 3600);
    world.pass_in(day, Duration::from_secs(60)).await;
    let next_day = blocked().await;

    assert_eq!((first, again, next_day), (1, 1, 2), "{:?}", far.bodies());
    let body = &far.bodies()[0];
    assert_eq!(whom(body), [(dana, "sponsor".to_owned())]);
    let text = body["data"]["text"].as_str().unwrap();
    assert!(text.contains("agent-blocked-by-policy"), "{text}");
    assert!(text.contains("estop has changed nothing"), "{text}");
    assert!(world.writes().is_empty());
}

#[tokio::test]
async fn for_a_user_account_answers_who_answers_for_its_agent_or_its_manager() {
    let playbook = "\
        playbook: tell\nsummary: Stop the user and tell.\ntrigger: { detection: [agentUserRisk] }\n\
        entity: agent_user\nmode: enforce\n\
        guardrail: { entities_max: 50, window: 10m, on_breach: ask }\n\
        steps:\n  - disable_agent_user\nnotify: [sponsors]\n";
    for gone in [false, true] {
        let far = FarEnd::new();
        let mut tenant = Tenant::contoso();
        tenant.client.permissions.push("User.Read.All".to_owned());
        let dana = sponsor(&tenant);
        let boss = tenant.add_person("boss");
        let mut users = tenant.users.values();
        let user = users.find(|it| it.identity_parent_id == Some(INVOICE_BOT));
        let user = user.unwrap().id;
        tenant.managers.insert(user, boss);
        if gone {
            tenant.agents.remove(&INVOICE_BOT);
        }
        let world = World::with(Setting {
            tenant,
            playbooks: vec![("tell.yaml", playbook.to_owned())],
            ..setting(&far, BY_WEBHOOK)
        })
        .await;

        world.detect("agentUserRisk", "agent_user", user).await;
        world.settle().await;
        assert!(world.until(|| async { far.count() >= 1 }).await, "{gone}");

        let wanted = match gone {
            false => (dana.to_string(), "sponsor".to_owned()),
            true => (boss.to_string(), "manager".to_owned()),
        };
        assert_eq!(whom(&far.bodies()[0]), [wanted], "{gone}");
    }
}

#[tokio::test]
async fn in_observe_mode_no_sponsor_hears_of_what_did_not_happen() {
    let far = FarEnd::new();
    let world = World::with(Setting {
        playbooks: vec![("tell.yaml", PLAYBOOK.replace("enforce", "observe"))],
        ..setting(&far, BY_WEBHOOK)
    })
    .await;

    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    world.pass(Duration::from_secs(60)).await;

    assert_eq!(far.count(), 0, "{:?}", far.bodies());
}
