//! Filling the inventory: whole, partial, and what it forgets.

use estop::domain::entity::{Entity, ObjectId};
use estop::domain::inventory::{Bond, Part};
use estop::sim::{Fault, INVOICE_BOT, Item, On, Shelf, Tenant, What};
use serde_json::json;

use super::{agent_named, blueprint_named, part, refresh, stocked, stocked_with};
use crate::world::{World, invoice_bot};

async fn count(world: &World, of: Part) -> (usize, usize) {
    let extent = part(world, of).await.unwrap().extent;
    (extent.read, extent.of)
}

#[tokio::test]
async fn the_inventory_holds_what_the_tenant_holds() {
    let mut tenant = Tenant::contoso();
    let blueprint = tenant.blueprints.values().next().unwrap().ids;
    tenant.add_tag(INVOICE_BOT, "env:prod");
    let classic = tenant.add_service_principal("old-bot");
    tenant.add_tag(classic, "power-virtual-agents-1");
    tenant.register_on("Invoices", "Foundry", (Some(INVOICE_BOT), blueprint));

    let world = stocked(tenant).await;

    assert_eq!(count(&world, Part::Blueprints).await, (3, 3));
    assert_eq!(count(&world, Part::Agents).await, (14, 14));
    assert_eq!(count(&world, Part::AgentUsers).await, (5, 5));
    assert_eq!(count(&world, Part::Applications).await, (3, 3));
    assert_eq!(count(&world, Part::ClassicAgents).await, (1, 1));
    assert_eq!(count(&world, Part::Instances).await, (1, 1));
    assert_eq!(count(&world, Part::People).await, (17, 17));
    let (finance, ids) = blueprint_named(&world, "Finance-Agents");
    let family = world.service.store.family(finance).await.unwrap().unwrap();
    assert_eq!((family.agents.len(), family.users.len()), (5, 2));
    assert_eq!(
        family.root.application,
        Some(ObjectId::from_uuid(ids.application))
    );
    assert_eq!(family.people(Bond::Sponsor).len(), 1);
    let bot = family
        .agents
        .iter()
        .find(|it| it.entity.id == invoice_bot());
    assert_eq!(bot.unwrap().tags["env"], "prod");
}

#[tokio::test]
async fn a_listing_that_breaks_off_is_partial_and_takes_nothing_away() {
    let mut tenant = Tenant::contoso();
    let blueprint = tenant.add_blueprint("Crowd");
    for number in 0..230 {
        tenant.add_agent(&format!("crowd-{number}"), blueprint);
    }
    let world = stocked(tenant).await;
    let gone = agent_named(&world, "crowd-7");
    world
        .entra
        .foreign_write(|tenant| tenant.delete(gone.id.uuid()));
    let third_page =
        On::request("GET", "/servicePrincipals/microsoft.graph.agentIdentity$").after(2);
    let broken = What::Status {
        status: 400,
        code: "Request_BadRequest".to_owned(),
    };
    world.entra.push_fault(Fault::new(third_page, broken));
    world.hand.advance(std::time::Duration::from_secs(1));

    refresh(&world).await;

    let agents = part(&world, Part::Agents).await.unwrap();
    assert_eq!((agents.extent.read, agents.extent.of), (200, 244));
    assert!(agents.why.unwrap().contains("Request_BadRequest"));
    assert_eq!(count(&world, Part::Blueprints).await, (4, 4));

    world.hand.advance(std::time::Duration::from_secs(1));
    refresh(&world).await;

    assert_eq!(count(&world, Part::Agents).await, (243, 243));
    let family = world.service.store.family(gone).await.unwrap();
    assert_eq!(family, None);
}

#[tokio::test]
async fn a_part_we_may_not_read_leaves_the_others_alone() {
    let mut tenant = Tenant::contoso();
    tenant.client.permissions = ["AgentIdentity.Read.All"].map(str::to_owned).to_vec();

    let world = stocked(tenant).await;

    assert_eq!(count(&world, Part::Agents).await, (14, 14));
    for refused in [
        Part::Blueprints,
        Part::AgentUsers,
        Part::Instances,
        Part::People,
    ] {
        let listed = part(&world, refused).await.unwrap();
        assert!(
            listed
                .why
                .is_some_and(|why| why.contains("Authorization_RequestDenied"))
        );
        assert_eq!(listed.measured_at, None, "{refused}");
    }
}

#[tokio::test]
async fn g01_a_throttled_page_is_waited_for_and_asked_again() {
    let world = stocked(Tenant::contoso()).await;
    let pages = On::request("GET", "/servicePrincipals/microsoft.graph.agentIdentity$").times(2);
    let throttled = What::Throttle {
        retry_after: Some(estop::sim::RetryAfter::Seconds(2)),
    };
    world.entra.push_fault(Fault::new(pages, throttled));
    world.hand.advance(std::time::Duration::from_secs(1));

    refresh(&world).await;

    let agents = part(&world, Part::Agents).await.unwrap();
    assert_eq!((agents.extent.read, agents.why), (14, None));
}

#[tokio::test]
async fn looking_around_writes_nothing_to_the_tenant() {
    let world = stocked(Tenant::contoso()).await;

    refresh(&world).await;

    assert_eq!(world.writes(), Vec::<String>::new());
    world.nothing_left_over().await;
}

/// The usual tenant, whose bot and whose bot's blueprint carry attributes of the set `Governance`.
fn governed() -> Tenant {
    let mut tenant = Tenant::contoso();
    let app = tenant.agents[&INVOICE_BOT].blueprint_app_id;
    let blueprint = tenant.blueprint_of_app(app).unwrap().ids.principal;
    let typed = "#Microsoft.DirectoryServices.CustomSecurityAttributeValue";
    let mut carry = |owner: uuid::Uuid, body| {
        let item = Item { owner, body };
        tenant.put(Shelf::Attributes, &owner.to_string(), item);
    };
    carry(
        INVOICE_BOT,
        json!({
            "Governance": {
                "@odata.type": typed, "Tier": 1, "Reviewed": true,
                "Data@odata.type": "#Collection(String)", "Data": ["invoices", "vendors"],
                "Odd": { "shape": 1 },
            },
            "Other": { "@odata.type": typed, "Environment": "not ours" },
        }),
    );
    carry(
        blueprint,
        json!({ "Governance": { "@odata.type": typed, "Environment": "prod" } }),
    );
    tenant
}

const GOVERNED: &str = "protected: []\ncaps: { tenant: 100, source: 100 }\n";

async fn stocked_governed(tenant: Tenant) -> World {
    let yaml = format!("{GOVERNED}inventory: {{ every: 5m, attributes: Governance }}\n");
    stocked_with(tenant, &yaml).await
}

#[tokio::test]
async fn attributes_of_the_named_set_stand_beside_the_tags_and_name_the_environment() {
    let mut tenant = governed();
    let read = "CustomSecAttributeAssignment.Read.All".to_owned();
    tenant.client.permissions.push(read);

    let world = stocked_governed(tenant).await;

    let family = world.service.store.family(Entity::agent(invoice_bot()));
    let family = family.await.unwrap().unwrap();
    let tags = &family.root.tags;
    let named: Vec<_> = tags
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let wanted = [
        ("Data", "invoices,vendors"),
        ("Reviewed", "true"),
        ("Tier", "1"),
    ];
    assert_eq!(named, wanted);
    assert_eq!(family.environment(), Some("prod"), "{:?}", family.above);
}

#[tokio::test]
async fn without_the_permission_the_agents_are_listed_and_their_attributes_are_not() {
    let world = stocked_governed(governed()).await;

    assert_eq!(count(&world, Part::Agents).await, (14, 14));
    assert_eq!(count(&world, Part::Blueprints).await, (3, 3));
    let family = world.service.store.family(Entity::agent(invoice_bot()));
    let family = family.await.unwrap().unwrap();
    assert!(family.root.tags.is_empty());
    assert_eq!(family.environment(), None);
}
