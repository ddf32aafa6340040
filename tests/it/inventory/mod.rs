//! The inventory: what is kept of the tenant, what it answers, and what may be built on it.

mod answers;
mod refresh;
mod together;
mod triage;

use estop::domain::entity::{Entity, ObjectId};
use estop::domain::inventory::{Listed, Part};
use estop::sim::Tenant;

use crate::world::{Setting, World};

/// A world whose inventory is refreshed as it would be by default, listed once.
pub async fn stocked(tenant: Tenant) -> World {
    stocked_with(
        tenant,
        "protected: []\ncaps: { tenant: 100, source: 100 }\n",
    )
    .await
}

/// The same, with more configuration.
pub async fn stocked_with(tenant: Tenant, yaml: &str) -> World {
    let pace = if yaml.contains("inventory:") {
        ""
    } else {
        "inventory: { every: 5m }\n"
    };
    let world = World::with(Setting {
        yaml: format!("mode: enforce\n{pace}{yaml}"),
        tenant,
        ..Setting::default()
    })
    .await;
    until_listed(&world).await;
    world
}

/// Waits for the first listing.
pub async fn until_listed(world: &World) {
    // People are listed last.
    let done = || async { part(world, Part::People).await.is_some() };
    assert!(world.until(done).await, "the inventory was not listed");
}

/// How far the listing of one part came.
pub async fn part(world: &World, part: Part) -> Option<Listed> {
    let listed = world.service.store.listed().await.unwrap();
    listed.into_iter().find(|it| it.part == part)
}

/// Lists everything once more.
pub async fn refresh(world: &World) {
    let watch = world.service.watch().unwrap();
    let refreshing = watch.refresh();
    tokio::pin!(refreshing);
    for _ in 0..2_000 {
        if futures_util::poll!(&mut refreshing).is_ready() {
            return;
        }
        world.breathe().await;
        world.hand.advance(std::time::Duration::from_millis(100));
    }
    panic!("the inventory is not listed to its end");
}

/// The agent with this name.
pub fn agent_named(world: &World, name: &str) -> Entity {
    let tenant = world.entra.tenant();
    let mut agents = tenant.agents.values();
    let agent = agents.find(|it| it.display_name == name).unwrap();
    Entity::agent(ObjectId::from_uuid(agent.id))
}

/// The blueprint with this name.
pub fn blueprint_named(world: &World, name: &str) -> (Entity, estop::sim::BlueprintIds) {
    let tenant = world.entra.tenant();
    let mut blueprints = tenant.blueprints.values();
    let ids = blueprints.find(|it| it.display_name == name).unwrap().ids;
    (Entity::blueprint(ObjectId::from_uuid(ids.principal)), ids)
}
