//! Real services on one database, restarted one after the other as a platform updates them.

use std::time::Duration;

use estop::domain::run::RunState;
use estop::sim::{Aspect, Tenant};
use estop::store::RunFilter;
use serde_json::json;
use uuid::Uuid;

use crate::program::{Program, Site, exchange};

/// The contract: whatever is restarted, a kill is delayed no longer.
const DELAYED_MAX: Duration = Duration::from_secs(35);
/// A machine that does much else is slow at everything: so many kills' time is its own.
const SLOWNESS: u32 = 4;
/// How often everyone looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Longest that a test waits for all of them.
const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e10_services_that_are_restarted_one_by_one_lose_nothing_and_delay_no_kill() {
    let Some(site) = Site::shared().await else {
        return;
    };
    // As many as the playbook's guardrail lets pass.
    let agents: Vec<Uuid> = Tenant::contoso().agents.into_keys().take(4).collect();
    let mut services: Vec<_> = (0..3).map(|_| site.start(&[])).collect();
    let mut doors = Vec::new();
    for service in &mut services {
        let door = service.doors().await;
        doors.push(door.unwrap_or_else(|| panic!("it ended: {}", site.log())));
    }

    let all: Vec<_> = doors.iter().map(|door| &**door).collect();
    insist(&site, &site.detection_about(agents[0]), &all).await;
    let usual = contained(&site, 1).await;

    for (n, agent) in agents.iter().enumerate().skip(1) {
        let service = n % services.len();
        let updating = update(&site, &mut services[service]);
        // It comes to the one that is about to stop first.
        let order: Vec<_> = (0..doors.len())
            .map(|next| &*doors[(service + next) % doors.len()])
            .collect();
        let detection = site.detection_about(*agent);
        let ((), door) = tokio::join!(insist(&site, &detection, &order), updating);
        doors[service] = door;
    }
    let delayed = contained(&site, agents.len()).await;
    assert!(
        is_soon(delayed, usual),
        "{delayed:?}, and {usual:?} without a restart"
    );
    for service in &mut services {
        assert_eq!(service.ask_to_stop().await.code(), Some(0));
    }
    are_off_once(&site, &agents);
}

/// Asks it to stop, starts another in its place, and answers where that takes deliveries.
async fn update(site: &Site, service: &mut Program) -> String {
    assert_eq!(
        service.ask_to_stop().await.code(),
        Some(0),
        "{}",
        site.log()
    );
    *service = site.start(&[]);
    service.doors().await.unwrap()
}

/// Sends a detection to one after the other until one of them takes it.
pub async fn insist(site: &Site, detection: &str, doors: &[&str]) {
    let id = format!("msg_{}", site.clock.uuid().simple());
    for door in doors.iter().cycle() {
        let answer = exchange(&site.clock, door, &site.signed(&id, detection)).await;
        match answer.map(|answer| answer.status) {
            Some(202) => return,
            // It is stopping, or is gone.
            Some(503) | None => site.clock.sleep(LOOK_EVERY).await,
            Some(other) => panic!("a sender was told {other}"),
        }
    }
}

/// Is the slowest kill no later than the contract says, where without a restart it takes this long?
pub fn is_soon(slowest: Duration, usual: Duration) -> bool {
    slowest <= DELAYED_MAX + usual * SLOWNESS
}

/// The tenant saw each of these agents switched off, once.
pub fn are_off_once(site: &Site, agents: &[Uuid]) {
    let effects = site.entra.effects();
    for agent in agents {
        let switched = effects
            .iter()
            .filter(|it| it.entity == *agent && it.aspect == Aspect::AccountEnabled);
        let to: Vec<_> = switched.map(|it| it.to.clone()).collect();
        assert_eq!(to, [json!({ "accountEnabled": false })], "{agent}");
    }
}

/// Waits until so many runs are contained, and answers how long the slowest of them took.
pub async fn contained(site: &Site, count: usize) -> Duration {
    let visit = site.visit().await;
    let all = RunFilter {
        limit: 100,
        ..RunFilter::default()
    };
    let all_contained = async {
        loop {
            let runs = visit.store.runs(all.clone()).await.unwrap();
            if runs.len() == count && runs.iter().all(|run| run.state == RunState::Contained) {
                return runs;
            }
            site.clock.sleep(LOOK_EVERY).await;
        }
    };
    let runs = site.clock.within(PATIENCE, all_contained).await;
    let runs = runs.unwrap_or_else(|_| panic!("they are not contained:\n{}", site.log()));
    visit.leave().await;
    let took = runs.iter();
    let took = took.map(|run| run.contained_at.unwrap().since(run.received_at));
    took.max().unwrap_or_default()
}
