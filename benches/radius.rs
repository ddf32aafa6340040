//! The blast radius and the plan of a blueprint of 5,000 agents, answered from the inventory.

use std::time::{Duration, Instant};

use estop::app::{Parts, Service};
use estop::catalog::Catalog;
use estop::clock::Clock;
use estop::command::Target;
use estop::config::{Config, Overrides};
use estop::domain::entity::{EntityKind, ObjectId};
use estop::domain::inventory::Part;
use estop::entra::{AccessToken, TokenSource};
use estop::graph::Budgets;
use estop::sim::{Entra, Limits, Tenant};

use crate::stage::{Line, millis, quantile, report};

/// Agents of the blueprint; every tenth has a user account.
const AGENTS: usize = 5_000;
/// How often each answer is asked for.
const ASKED: usize = 100;
/// What design §11 asks for.
const GATE: Duration = Duration::from_millis(50);
/// How long the first listing may take.
const LISTED_WITHIN: Duration = Duration::from_secs(120);

/// Measures and reports.
pub async fn bench() {
    let clock = Clock::system();
    let mut tenant = Tenant::contoso();
    let blueprint = tenant.add_blueprint("Bench-Agents");
    for number in 0..AGENTS {
        let agent = tenant.add_agent(&format!("bench-{number}"), blueprint);
        tenant.add_tag(agent, "env:prod");
        if number % 10 == 0 {
            tenant.add_agent_user(agent);
        }
    }
    let entra = Entra::new(clock.clone(), tenant);
    entra.set_limits(Limits::off());
    let folder = crate::stage::machine::folder();
    let service = Service::start(parts(folder.path(), &entra, &clock))
        .await
        .unwrap();
    until_listed(&service).await;

    let id = ObjectId::from_uuid(blueprint.principal);
    let (desk, mut radius, mut plan) = (service.desk().unwrap(), Vec::new(), Vec::new());
    for _ in 0..ASKED {
        let began = Instant::now();
        let shown = desk.entity(id).await.unwrap();
        radius.push(began.elapsed());
        assert_eq!((shown.radius.agents, shown.radius.complete), (AGENTS, true));
        let target = Target {
            kind: Some(EntityKind::Blueprint),
            id,
            also: None,
        };
        let began = Instant::now();
        let shown = desk.plan_contain(target).await.unwrap();
        plan.push(began.elapsed());
        assert_eq!(shown.family.len(), AGENTS);
    }
    radius.sort();
    plan.sort();
    let mut lines = Vec::new();
    for (name, spans) in [("blast radius", &radius), ("plan", &plan)] {
        for (share, of) in [(0.5, "p50"), (0.99, "p99")] {
            let value = quantile(spans, share);
            lines.push(
                Line::new(&format!("{name} of {AGENTS} agents, {of}"), millis(value))
                    .gate("50 ms", value <= GATE),
            );
        }
    }
    report(
        "radius: from the inventory, nothing asked of the tenant",
        &lines,
    );
    service.stop(Duration::from_secs(5)).await;
}

fn parts(folder: &std::path::Path, entra: &Entra, clock: &Clock) -> Parts {
    parts_with(folder, entra, clock, "")
}

/// The parts of a service that only looks, with more configuration.
pub fn parts_with(folder: &std::path::Path, entra: &Entra, clock: &Clock, more: &str) -> Parts {
    let path = folder.join("estop.yaml");
    let text = format!(
        "mode: observe\nprotected: []\nstore: sqlite:estop.db\n\
         tenant: {{ id: {}, credential: managed_identity }}\n{more}",
        entra.tenant().id
    );
    std::fs::write(&path, text).unwrap();
    let (giver, now) = (entra.clone(), clock.clone());
    let tokens = TokenSource::fetching(clock.clone(), move |_| {
        let (giver, now) = (giver.clone(), now.clone());
        Box::pin(async move {
            let text = giver.access_token().unwrap_or_default();
            AccessToken::new(&text.into(), now.now().plus(Duration::from_secs(3600)))
        })
    });
    Parts {
        config: Config::read(&path, &Overrides::default()).unwrap(),
        clock: clock.clone(),
        transport: entra.transport(),
        outward: entra.transport(),
        tokens: Some(tokens),
        foundry_tokens: None,
        azure_tokens: None,
        table_tokens: None,
        budgets: Budgets::default(),
        catalog: Catalog::shipped().unwrap(),
        ground: estop::app::Ground::default(),
    }
}

async fn until_listed(service: &Service) {
    let until = Instant::now() + LISTED_WITHIN;
    loop {
        let parts = service.store.listed().await.unwrap();
        if parts.iter().any(|it| it.part == Part::People) {
            return;
        }
        assert!(Instant::now() < until, "the inventory was not listed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
