//! `estop serve` as a platform sees it: it starts or refuses, it dies and is started again, and it
//! ends when asked.

use std::time::Duration;

use estop::domain::run::{Run, RunState};
use estop::sim::{Fault, On, What};
use estop::store::{RunFilter, Store};

use crate::program::{Site, exchange};

/// How often a test looks at what it waits for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long it looks before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Workers look for due runs every second.
const TWO_LOOKS: Duration = Duration::from_millis(2100);

async fn only_run(store: &Store) -> Run {
    let filter = RunFilter {
        limit: 2,
        ..RunFilter::default()
    };
    let mut runs = store.runs(filter).await.unwrap();
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs.remove(0)
}

/// Looks at the only run until it is as wanted.
async fn until(site: &Site, store: &Store, wanted: impl Fn(&Run) -> bool) -> Run {
    let looking = async {
        loop {
            let run = only_run(store).await;
            if wanted(&run) {
                return run;
            }
            site.clock.sleep(LOOK_EVERY).await;
        }
    };
    let found = site.clock.within(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("it did not come to that:\n{}", site.log()))
}

/// Looks at the only run for as long as the workers need to look twice; answers the last state.
async fn stays(site: &Site, store: &Store, state: RunState) -> RunState {
    let since = site.clock.elapsed();
    loop {
        let now = only_run(store).await.state;
        if now != state || site.clock.elapsed().saturating_sub(since) > TWO_LOOKS {
            return now;
        }
        site.clock.sleep(LOOK_EVERY).await;
    }
}

#[tokio::test]
async fn a_run_that_was_left_behind_waits_until_we_know_who_we_are() {
    let site = Site::new().await;
    let disable = On::request("PATCH", "agentIdentity$");
    site.entra
        .push_fault(Fault::new(disable, What::HoldRequest));
    let mut first = site.start(&[]);
    let address = first.doors().await.unwrap();
    let delivery = site.signed("msg_1", &site.detection());
    let taken = exchange(&site.clock, &address, &delivery).await.unwrap();
    assert_eq!(taken.status, 202);
    site.entra.until_held(1).await;
    first.kill().await;
    site.entra.release();

    let token = On::request("GET", "msi/token");
    site.entra
        .push_fault(Fault::new(token.always(), What::HoldReply));
    let mut second = site.start(&[]);
    second.doors().await.unwrap();
    site.entra.until_held(1).await;
    let visit = site.visit().await;
    let blind = stays(&site, &visit.store, RunState::Running).await;
    site.entra.clear_faults();
    site.entra.release();
    let ended = until(&site, &visit.store, |run| run.contained_at.is_some()).await;

    assert_eq!(blind, RunState::Running, "{}", site.log());
    assert_eq!(ended.state, RunState::Contained);
    visit.leave().await;
    assert_eq!(second.ask_to_stop().await.code(), Some(0));
}
