//! Whoever asks for a run, keeps it or puts it down, in whatever order and at whatever times: never
//! two who may write, and never a run that nobody can take up again (threats E02, E03).

use std::time::Duration;

use estop::domain::entity::Entity;
use estop::domain::id::RunId;
use estop::domain::moment::Moment;
use estop::domain::order::OrderKind;
use estop::domain::run::{Lane, RunLease};
use estop::store::{Claim, Store};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::world::{Setting, World, invoice_bot};

#[derive(Clone, Copy, Debug)]
enum Deed {
    /// Someone asks for the run, for so many seconds.
    Claim(u64),
    /// Whoever has this lease keeps it for so many seconds.
    Keep(usize, u64),
    /// Whoever has this lease puts the run down.
    PutDown(usize),
}

/// What is done, and how many seconds pass before it.
fn deeds() -> impl Strategy<Value = Vec<(u64, Deed)>> {
    let deed = prop_oneof![
        3 => (1..40_u64).prop_map(Deed::Claim),
        2 => (any::<usize>(), 1..40_u64).prop_map(|(lease, long)| Deed::Keep(lease, long)),
        1 => any::<usize>().prop_map(Deed::PutDown),
    ];
    proptest::collection::vec((0..25_u64, deed), 1..40)
}

/// What the store should say, told beside it.
struct Told {
    now: Moment,
    leases: Vec<RunLease>,
    /// The epoch that counts, and until when; nobody's where it was put down.
    held: Option<(i64, Moment)>,
}

#[test]
fn e02_e03_in_no_order_may_two_write_and_no_run_is_lost() {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().unwrap();
    let (world, run) = runtime.block_on(async {
        // A shared database measures leases by its own clock, which nobody moves by hand.
        let world = World::in_file(Setting::default()).await;
        world.order(OrderKind::TripBrake).await.unwrap();
        let run = world.contain(Entity::agent(invoice_bot())).await;
        world.pass(Duration::from_millis(200)).await;
        world.order(OrderKind::ResetBrake).await.unwrap();
        (world, run)
    });
    let store = &world.service.store;
    // One history after the other, on the same run.
    let told = std::cell::RefCell::new(Told {
        now: world.clock.now(),
        leases: Vec::new(),
        held: None,
    });
    let config = Config {
        cases: 16,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, rng).run(&deeds(), |deeds| {
        let mut told = told.borrow_mut();
        for (seconds, deed) in deeds {
            told.now = told.now.plus(Duration::from_secs(seconds));
            runtime.block_on(told.after(store, run, deed));
        }
        Ok(())
    });
    assert!(outcome.is_ok(), "{outcome:?}");
}

impl Told {
    async fn after(&mut self, store: &Store, run: RunId, deed: Deed) {
        let until = |seconds| self.now.plus(Duration::from_secs(seconds));
        let counts = |lease: &RunLease| self.held.is_some_and(|(epoch, _)| epoch == lease.epoch);
        match deed {
            Deed::Claim(seconds) => {
                let until = until(seconds);
                let claim = Claim {
                    holder: "a test".to_owned(),
                    lane: Lane::Contain,
                    now: self.now,
                    until,
                };
                let claimed = store.claim_run(run, claim).await.unwrap();
                let free = self
                    .held
                    .is_none_or(|(_, held_until)| held_until <= self.now);
                assert_eq!(claimed.is_some(), free, "{:?} at {}", self.held, self.now);
                if let Some(claimed) = claimed {
                    self.held = Some((claimed.lease.epoch, until));
                    self.leases.push(claimed.lease);
                }
            }
            Deed::Keep(nth, seconds) => {
                let Some(lease) = self.nth(nth) else { return };
                let (until, counts) = (until(seconds), counts(&lease));
                let longer = (self.now, Duration::from_secs(seconds));
                let lost = store.keep_leases(vec![lease], longer).await.unwrap();
                assert_eq!(lost.is_empty(), counts);
                if counts {
                    self.held = Some((lease.epoch, until));
                }
            }
            Deed::PutDown(nth) => {
                let Some(lease) = self.nth(nth) else { return };
                let counts = counts(&lease);
                let put = store.put_down(lease, self.now, None).await;
                // Who puts it down twice holds it no more, and takes nothing from anyone.
                assert!(put.is_ok() || !counts, "{put:?}");
                if counts {
                    self.held = None;
                }
            }
        }
        self.who_may_write(store).await;
    }

    fn nth(&self, nth: usize) -> Option<RunLease> {
        let last = self.leases.len().checked_sub(1)?;
        // Mostly one of the latest: the older ones are all lost alike.
        Some(self.leases[last - nth % (last + 1).min(4)])
    }

    async fn who_may_write(&self, store: &Store) {
        for lease in self.leases.iter().rev().take(6) {
            let may = store.may_write(*lease, self.now).await.is_ok();
            let should = self
                .held
                .is_some_and(|(epoch, until)| epoch == lease.epoch && until > self.now);
            assert_eq!(may, should, "{lease:?} at {}: {:?}", self.now, self.held);
        }
    }
}
