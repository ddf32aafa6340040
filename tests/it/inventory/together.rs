//! Look and strike together: every interleaving of read, write and somebody else's write ends with
//! the right undo, or with a question.

use std::time::Duration;

use estop::domain::action::RiskVerdict;
use estop::domain::entity::{Entity, ObjectId};
use estop::domain::id::RunId;
use estop::domain::order::OrderKind;
use estop::domain::run::RunState;
use estop::domain::step::{Before, PriorWord, Switch};
use estop::sim::{self, Fault, INVOICE_BOT, On, RetryAfter, Tenant, What};
use http::{Method, StatusCode};
use serde_json::json;

use super::{blueprint_named, stocked, stocked_with};
use crate::power::{Desk, asking, keyed, token};
use crate::world::{World, invoice_bot};

/// The read of the agent's own switch.
fn read() -> On {
    On::request(
        "GET",
        &format!("{INVOICE_BOT}/microsoft.graph.agentIdentity$"),
    )
}

/// The write of the agent's own switch.
fn write() -> On {
    On::request(
        "PATCH",
        &format!("{INVOICE_BOT}/microsoft.graph.agentIdentity$"),
    )
}

fn proved(account_enabled: bool) -> Before {
    let id = invoice_bot();
    Before::Switches {
        switches: vec![Switch {
            id,
            account_enabled,
        }],
    }
}

fn unproven() -> Before {
    Before::Unproven { id: invoice_bot() }
}

async fn before(world: &World, run: RunId) -> Before {
    world.steps(run).await[0].before.clone().unwrap()
}

fn is_on(world: &World) -> bool {
    world.entra.agent(INVOICE_BOT).unwrap().account_enabled
}

/// Undoes with or without saying what it was, and answers where the run stands then.
async fn undone(world: &World, run: RunId, was: Option<PriorWord>) -> RunState {
    let risk = Some(RiskVerdict::Dismiss);
    let kind = match was {
        None => OrderKind::Undo { run, risk },
        Some(was) => OrderKind::UndoSaying { run, risk, was },
    };
    world.order(kind).await.unwrap();
    world.settle().await;
    world.state(run).await
}

#[tokio::test]
async fn the_first_disable_of_a_known_agent_waits_for_no_read() {
    let world = stocked(Tenant::contoso()).await;
    world
        .entra
        .push_fault(Fault::new(read(), What::HoldRequest));

    world.detect_agent(invoice_bot()).await;
    world.until_held(1).await;
    world.breathe().await;

    assert_eq!(world.switched(invoice_bot()), [false]);
    let run = world.only_run().await.id;
    assert_eq!(before(&world, run).await, unproven());
    world.entra.release();
    world.settle().await;
    assert_eq!(world.state(run).await, RunState::Contained);
    world.nothing_left_over().await;
}

#[tokio::test]
async fn a_read_that_says_enabled_proves_what_was_and_undo_asks_nothing() {
    let world = stocked(Tenant::contoso()).await;

    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    let run = world.only_run().await.id;
    assert_eq!(before(&world, run).await, proved(true));
    assert_eq!(world.switched(invoice_bot()), [false]);
    assert_eq!(undone(&world, run, None).await, RunState::Undone);
    assert!(is_on(&world));
    world.nothing_left_over().await;
}

/// What somebody else writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Foreign {
    Nothing,
    Disable,
    Enable,
}

/// When, beside our read and our write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    BeforeBoth,
    Between,
    AfterBoth,
}

#[tokio::test]
async fn e13_every_interleaving_of_read_write_and_a_foreign_write_is_undone_rightly_or_asked() {
    for read_first in [true, false] {
        for foreign in [Foreign::Nothing, Foreign::Disable, Foreign::Enable] {
            for place in [Where::BeforeBoth, Where::Between, Where::AfterBoth] {
                let case = format!("read first {read_first}, {foreign:?} {place:?}");
                interleaved(read_first, foreign, place, &case).await;
            }
        }
    }
}

async fn interleaved(read_first: bool, foreign: Foreign, place: Where, case: &str) {
    let world = stocked(Tenant::contoso()).await;
    let (first, second) = if read_first {
        (read(), write())
    } else {
        (write(), read())
    };
    let change = move |tenant: &mut Tenant| match foreign {
        Foreign::Nothing => {}
        Foreign::Disable => tenant.switch(INVOICE_BOT, sim::Switch::Disabled),
        Foreign::Enable => tenant.switch(INVOICE_BOT, sim::Switch::Enabled),
    };
    match place {
        Where::BeforeBoth => world.entra.foreign_write_before(first, change),
        Where::Between => world.entra.foreign_write_before(second.clone(), change),
        Where::AfterBoth => world.entra.foreign_write_after(second.clone(), change),
    }
    // The one that comes second is in the network until the other has acted.
    world
        .entra
        .push_fault(Fault::new(second, What::HoldRequest));

    let run = world.contain_by(only_disable()).await;
    world.until_held(1).await;
    world.entra.release();
    // Somebody may fight us: then it reads open, and that is told, not hidden.
    let at_work =
        || async { !matches!(world.state(run).await, RunState::Queued | RunState::Running) };
    assert!(world.until(at_work).await, "{case}");

    let read_saw_enabled = match (read_first, foreign, place) {
        (true, Foreign::Disable, Where::BeforeBoth) => false,
        (true, _, _) => true,
        // Our own write came first, so only somebody's newer word reads enabled.
        (false, Foreign::Enable, Where::Between) => true,
        (false, _, _) => false,
    };
    let expected = if read_saw_enabled {
        proved(true)
    } else {
        unproven()
    };
    assert_eq!(before(&world, run).await, expected, "{case}");

    let state = undone(&world, run, None).await;
    if read_saw_enabled {
        assert_eq!(state, RunState::Undone, "{case}");
        assert!(is_on(&world), "{case}");
        return;
    }
    assert_eq!(state, RunState::Stuck, "{case}");
    let enabled_by_someone = is_on(&world);
    let state = undone(&world, run, Some(PriorWord::Disabled)).await;
    assert_eq!(state, RunState::Undone, "{case}");
    assert_eq!(is_on(&world), enabled_by_someone, "{case}");
}

fn only_disable() -> estop::domain::plan::Plan {
    use estop::domain::action::Action;
    use estop::domain::plan::{Plan, PlanStep};
    let entity = Entity::agent(invoice_bot());
    let step = |action| PlanStep {
        action,
        entity,
        optional: false,
    };
    Plan {
        entity,
        playbook_digest: String::new(),
        steps: vec![step(Action::DisableAgent), step(Action::Verify)],
    }
}

#[tokio::test]
async fn where_nobody_can_tell_undo_asks_and_does_what_is_said() {
    for (was, on_after) in [("enabled", true), ("disabled", false)] {
        let world = stocked(Tenant::contoso()).await;
        world
            .entra
            .foreign_write_before(read(), |it| it.switch(INVOICE_BOT, sim::Switch::Disabled));
        let run = world.contain_by(only_disable()).await;
        world.settle().await;
        let token = token(&world, "soc", estop::domain::order::Scope::Respond).await;
        let api = world.service.control();
        let desk = Desk { world, api, token };
        let path = format!("/v1/runs/{run}/undo");

        let shown = desk.post(&path, json!({ "dry_run": true })).await;
        let say = async |word, key| {
            let request = asking(Method::POST, &path, &desk.token, Some(word));
            desk.send(keyed(request, key)).await
        };
        let without = say(json!({ "reason": "false alarm" }), "one").await;
        let with = say(json!({ "reason": "false alarm", "was": was }), "two").await;
        desk.world.settle().await;

        assert_eq!(shown.body["needs_prior"][0]["id"], json!(invoice_bot()));
        assert_eq!(without.body["code"], "prior-required", "{}", without.text);
        assert_eq!(with.status, StatusCode::ACCEPTED, "{}", with.text);
        assert_eq!(desk.world.state(run).await, RunState::Undone, "{was}");
        assert_eq!(is_on(&desk.world), on_after, "{was}");
        desk.world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn e13_a_write_that_surely_did_nothing_lets_the_read_prove_disabled() {
    let world = stocked(Tenant::contoso()).await;
    world
        .entra
        .foreign_write_before(read(), |it| it.switch(INVOICE_BOT, sim::Switch::Disabled));
    let retry_after = Some(RetryAfter::Seconds(1));
    world
        .entra
        .push_fault(Fault::new(write(), What::Throttle { retry_after }));

    let run = world.contain_by(only_disable()).await;
    world.settle().await;

    assert_eq!(before(&world, run).await, proved(false));
    assert_eq!(world.switched(invoice_bot()), Vec::<bool>::new());
    assert_eq!(undone(&world, run, None).await, RunState::Undone);
    assert!(!is_on(&world));
}

#[tokio::test]
async fn g03_a_lost_answer_is_written_again_and_what_was_stays_as_the_read_proved_it() {
    let world = stocked(Tenant::contoso()).await;
    world
        .entra
        .push_fault(Fault::new(write(), What::LoseReplyAfterEffect));

    let run = world.contain_by(only_disable()).await;
    world.settle().await;

    assert_eq!(before(&world, run).await, proved(true));
    assert_eq!(world.switched(invoice_bot()), [false]);
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(undone(&world, run, None).await, RunState::Undone);
    assert!(is_on(&world));
}

#[tokio::test]
async fn e01_killed_between_strike_and_proof_the_question_stays_and_is_asked() {
    let world = stocked(Tenant::contoso()).await;
    world
        .entra
        .push_fault(Fault::new(read(), What::HoldRequest));
    world.entra.push_fault(Fault::new(write(), What::HoldReply));
    let run = world.contain_by(only_disable()).await;
    world.until_held(2).await;

    let world = world.restart().await;
    world.settle().await;

    assert_eq!(world.state(run).await, RunState::Contained);
    assert_eq!(before(&world, run).await, unproven());
    assert_eq!(world.switched(invoice_bot()), [false]);
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(undone(&world, run, None).await, RunState::Stuck);
    assert!(!is_on(&world));
    let state = undone(&world, run, Some(PriorWord::Enabled)).await;
    assert_eq!(state, RunState::Undone);
    assert!(is_on(&world));
}

#[tokio::test]
async fn e01_killed_before_the_write_left_what_reads_enabled_is_what_was() {
    let world = stocked(Tenant::contoso()).await;
    world
        .entra
        .push_fault(Fault::new(read(), What::HoldRequest));
    world
        .entra
        .push_fault(Fault::new(write(), What::LoseRequest));
    let run = world.contain_by(only_disable()).await;
    world.until_held(1).await;

    let world = world.restart().await;
    world.settle().await;

    assert_eq!(before(&world, run).await, proved(true));
    assert_eq!(world.switched(invoice_bot()), [false]);
}

#[tokio::test]
async fn e15_a_second_run_knows_what_the_first_one_proved_later() {
    let world = stocked(Tenant::contoso()).await;
    world.entra.push_fault(Fault::new(read(), What::HoldReply));
    let first = world.contain_by(only_disable()).await;
    world.until_held(1).await;
    world.breathe().await;
    let second = world.contain_by(only_disable()).await;
    let struck = || async { world.steps(second).await[0].before.is_some() };
    assert!(world.until(struck).await, "the second run does not strike");
    assert_eq!(before(&world, second).await, unproven());

    world.entra.release();
    world.settle().await;

    assert_eq!(before(&world, first).await, proved(true));
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(undone(&world, first, None).await, RunState::Undone);
    assert!(!is_on(&world), "the second run holds it");
    assert_eq!(undone(&world, second, None).await, RunState::Undone);
    assert!(is_on(&world));
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e15_what_the_first_run_could_not_prove_is_not_proved_by_our_own_doing() {
    let world = stocked(Tenant::contoso()).await;
    world
        .entra
        .foreign_write_before(read(), |it| it.switch(INVOICE_BOT, sim::Switch::Disabled));
    let first = world.contain_by(only_disable()).await;
    world.settle().await;
    let second = world.contain_by(only_disable()).await;
    world.settle().await;

    assert_eq!(before(&world, first).await, unproven());
    assert_eq!(before(&world, second).await, unproven());
    assert_eq!(undone(&world, first, None).await, RunState::Undone);
    assert_eq!(undone(&world, second, None).await, RunState::Stuck);
    assert!(!is_on(&world));
}

#[tokio::test]
async fn what_is_not_certain_is_looked_at_first() {
    let stale = stocked(Tenant::contoso()).await;
    let lists = On::request("GET", "/servicePrincipals/microsoft.graph.agentIdentity$").always();
    let broken = What::Status {
        status: 400,
        code: "Request_BadRequest".to_owned(),
    };
    stale.entra.push_fault(Fault::new(lists, broken));
    stale.pass(Duration::from_secs(330)).await;
    let mut without_parent = Tenant::contoso();
    let parent = without_parent.agents[&INVOICE_BOT].blueprint_app_id;
    let principal = without_parent
        .blueprint_of_app(parent)
        .unwrap()
        .ids
        .principal;
    without_parent.delete(principal);
    let mut disabled = Tenant::contoso();
    disabled.switch(INVOICE_BOT, sim::Switch::Disabled);
    let mut by_microsoft = Tenant::contoso();
    let status = "DisabledDueToViolationOfServicesAgreement".to_owned();
    let bot = by_microsoft.agents.get_mut(&INVOICE_BOT).unwrap();
    bot.disabled_by_microsoft = Some(status);
    let mut worlds = vec![("stale", stale)];
    for (why, tenant) in [
        ("without parent", without_parent),
        ("disabled", disabled),
        ("by Microsoft", by_microsoft),
    ] {
        worlds.push((why, stocked(tenant).await));
    }

    for (why, world) in worlds {
        world
            .entra
            .push_fault(Fault::new(read(), What::HoldRequest));
        world.contain_by(only_disable()).await;
        world.until_held(1).await;
        world.breathe().await;

        assert_eq!(world.writes(), Vec::<String>::new(), "{why}");
    }
}

#[tokio::test]
async fn e16_law_5_a_protected_agent_is_not_struck_at_once_by_any_of_its_ids() {
    let (_, ids) = blueprint_named(&stocked(Tenant::contoso()).await, "Finance-Agents");
    for id in [INVOICE_BOT, ids.principal, ids.app] {
        let yaml = format!("protected: [{id}]\n");
        let world = stocked_with(Tenant::contoso(), &yaml).await;

        let run = world.contain_by(only_disable()).await;
        world.settle().await;

        assert_eq!(world.state(run).await, RunState::Failed, "{id}");
        assert_eq!(world.writes(), Vec::<String>::new(), "{id}");
    }
}

#[tokio::test]
async fn a_known_blueprint_is_struck_at_once_too() {
    let world = stocked(Tenant::contoso()).await;
    let (finance, ids) = blueprint_named(&world, "Finance-Agents");
    let cast = "microsoft.graph.agentIdentityBlueprintPrincipal$";
    let read = On::request("GET", &format!("{}/{cast}", ids.principal));
    world.entra.push_fault(Fault::new(read, What::HoldReply));

    let run = world.contain(finance).await;
    world.until_held(1).await;
    world.breathe().await;
    assert_eq!(world.switched(finance.id), [false]);
    world.entra.release();
    world.settle().await;

    let proved = Before::Switches {
        switches: vec![Switch {
            id: ObjectId::from_uuid(ids.principal),
            account_enabled: true,
        }],
    };
    assert_eq!(before(&world, run).await, proved);
    assert_eq!(world.state(run).await, RunState::Contained);
}

#[tokio::test]
async fn p06_in_observe_mode_a_known_agent_is_only_looked_at() {
    let world = stocked(Tenant::contoso()).await;
    let word = OrderKind::Mode {
        mode: estop::domain::playbook::ServiceMode::Observe,
    };
    world.order(word).await.unwrap();

    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    assert_eq!(world.only_run().await.state, RunState::Observed);
    assert_eq!(world.writes(), Vec::<String>::new());
}
