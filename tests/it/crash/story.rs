//! One story, and what must hold in it whenever the program dies.

use std::time::Duration;

use estop::domain::action::RiskVerdict;
use estop::domain::id::OrderId;
use estop::domain::moment::Moment;
use estop::domain::order::{Operator, Order, OrderKind, Scope};
use estop::domain::record::Chain;
use estop::domain::run::{Lane, Run, RunState, Standing};
use estop::domain::step::Before;
use estop::sim::{Aspect, INVOICE_BOT};
use estop::store::{Asked, Claim, RunFilter, Saw, Store};
use serde_json::json;
use uuid::Uuid;

use super::case::{Act, Case};
use super::victim::Victim;

/// The contract: on one node, work resumes within ten seconds of the restart. This is stricter: it
/// must have come to its end by then.
const RESUMED_WITHIN: Duration = Duration::from_secs(10);
/// The contract where several services share the store: nobody else knows that the one that held a
/// lease died, so it is waited for.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(35);

/// Whether the program died in the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Died,
    Untouched,
}

/// Tells the story with one death in it.
pub async fn tell(case: Case) -> Ending {
    let mut victim = Victim::new((case.act == Act::Containing).then_some(case)).await;
    let user = agent_user(&victim);
    assert_eq!(switches(&victim, user), (true, true));

    victim.until("contained").await;
    let run = contained(&victim, user).await;
    if case.act == Act::Undoing {
        victim.begin_again(case).await;
    }
    order_undo(&victim, &run).await;
    victim.until("undone").await;

    victim.stop().await;
    undone(&victim, user, case.act).await;
    nothing_left_over(&victim).await;
    if victim.restarted_at.is_some() {
        Ending::Died
    } else {
        Ending::Untouched
    }
}

fn agent_user(victim: &Victim) -> Uuid {
    let tenant = victim.site.entra.tenant();
    let mut users = tenant.users.values();
    let user = users.find(|user| user.identity_parent_id == Some(INVOICE_BOT));
    user.unwrap().id
}

fn switches(victim: &Victim, user: Uuid) -> (bool, bool) {
    let entra = &victim.site.entra;
    (
        entra.agent(INVOICE_BOT).unwrap().account_enabled,
        entra.user(user).unwrap().account_enabled,
    )
}

/// Nothing was lost, everything took effect once, and what was before is remembered as it was.
async fn contained(victim: &Victim, user: Uuid) -> Run {
    let visit = victim.site.visit().await;
    let run = only_run(&visit.store).await;
    assert_eq!(run.state, RunState::Contained, "{:?}", run.because);
    assert_eq!(switches(victim, user), (false, false));
    assert_eq!(switched(victim, INVOICE_BOT), [false]);
    assert_eq!(switched(victim, user), [false]);
    assert_eq!(judged(victim), ["confirmedCompromised"]);

    let steps = visit.store.steps(run.id).await.unwrap();
    let mut remembered: Vec<_> = steps
        .iter()
        .filter_map(|step| match &step.before {
            Some(Before::Switches { switches }) => Some(switches),
            Some(Before::Found { .. } | Before::Nothing | Before::Unproven { .. }) | None => None,
        })
        .flatten()
        .map(|switch| (switch.id.uuid(), switch.account_enabled))
        .collect();
    remembered.sort_unstable();
    let mut was = vec![(INVOICE_BOT, true), (user, true)];
    was.sort_unstable();
    assert_eq!(remembered, was);
    in_time(victim, run.contained_at);
    visit.leave().await;
    run
}

/// A person says that it was a false alarm.
async fn order_undo(victim: &Victim, run: &Run) {
    let clock = &victim.site.clock;
    let order = Order {
        id: OrderId::from_uuid(clock.uuid()),
        at: clock.now(),
        operator: Operator {
            name: "local:test".to_owned(),
            scope: Scope::Respond,
            person: None,
        },
        kind: OrderKind::Undo {
            run: run.id,
            risk: Some(RiskVerdict::Safe),
        },
        reason: "false alarm".to_owned(),
    };
    let asked = Asked {
        order,
        makes: None,
        idempotency_key: None,
        saw: Saw::default(),
    };
    let visit = victim.site.visit().await;
    visit.store.take_order(asked).await.unwrap();
    visit.leave().await;
}

/// Everything is as it was, and was put back once.
async fn undone(victim: &Victim, user: Uuid, died_in: Act) {
    let visit = victim.site.visit().await;
    let run = only_run(&visit.store).await;
    assert_eq!(run.state, RunState::Undone, "{:?}", run.because);
    assert_eq!(switches(victim, user), (true, true));
    assert_eq!(switched(victim, INVOICE_BOT), [false, true]);
    assert_eq!(switched(victim, user), [false, true]);
    assert_eq!(judged(victim), ["confirmedCompromised", "confirmedSafe"]);
    if died_in == Act::Undoing {
        in_time(victim, run.ended_at);
    }
    visit.leave().await;
}

async fn nothing_left_over(victim: &Victim) {
    let visit = victim.site.visit().await;
    let store = &visit.store;
    let clock = &victim.site.clock;
    let later = clock.now().plus(Duration::from_secs(3600));
    assert_eq!(store.unread(later, 10).await.unwrap(), []);
    let run = only_run(store).await;
    assert_eq!(run.state.standing(), Standing::Ended);
    let claim = Claim {
        holder: "test".to_owned(),
        lane: Lane::Bulk,
        now: later,
        until: later,
    };
    assert!(store.claim_next(claim).await.unwrap().is_none());
    assert_eq!(store.leases_held().await.unwrap(), 0);
    assert_eq!(victim.site.entra.held(), 0);
    for step in store.steps(run.id).await.unwrap() {
        for entity in step.closes() {
            let held = store.containment(entity).await.unwrap().unwrap();
            assert!(held.held_by.is_empty(), "{held:?}");
        }
    }
    let mut chain = Chain::default();
    for line in store.sealed_lines(0, 10_000).await.unwrap() {
        chain.follow(&line).unwrap();
    }
    visit.leave().await;
}

async fn only_run(store: &Store) -> Run {
    let filter = RunFilter {
        limit: 10,
        ..RunFilter::default()
    };
    let mut runs = store.runs(filter).await.unwrap();
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs.remove(0)
}

/// What `accountEnabled` of an entity was set to, one for each effect.
fn switched(victim: &Victim, entity: Uuid) -> Vec<bool> {
    let effects = victim.site.entra.effects();
    let ours = effects
        .iter()
        .filter(|effect| effect.entity == entity && effect.aspect == Aspect::AccountEnabled);
    ours.map(|effect| effect.to == json!({ "accountEnabled": true }))
        .collect()
}

/// What ID Protection was told, one for each effect.
fn judged(victim: &Victim) -> Vec<String> {
    let effects = victim.site.entra.effects();
    let risks = effects
        .iter()
        .filter(|effect| effect.aspect == Aspect::Risk);
    risks
        .map(|effect| effect.to["riskState"].as_str().unwrap().to_owned())
        .collect()
}

fn in_time(victim: &Victim, ended: Option<Moment>) {
    let (Some(restarted), Some(ended)) = (victim.restarted_at, ended) else {
        return;
    };
    let took = ended.since(restarted);
    let limit = if victim.site.is_shared() {
        TAKEN_OVER_WITHIN
    } else {
        RESUMED_WITHIN
    };
    assert!(took <= limit, "it took {took:?} after the restart");
}
