//! From a signed detection to a stopped agent, whatever happens on the way.
//!
//! Each action is tried done, twice, killed, lost, refused; `undoing` has the way back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use estop::domain::action::Action;
use estop::domain::coverage::{Door, DoorState};
use estop::domain::entity::{Entity, ObjectId};
use estop::domain::order::OrderKind;
use estop::domain::plan::Plan;
use estop::domain::playbook::ServiceMode;
use estop::domain::run::RunState;
use estop::domain::step::{Outcome, StepState};
use estop::sim::{Aspect, Fault, INVOICE_BOT, Lag, On, Tenant, What};

use crate::world::{Setting, World, invoice_bot};

/// Agents of a large blueprint.
const CROWD: usize = 2_000;

/// One action on one entity, and how its effect shows in the tenant.
pub struct Case {
    pub action: Action,
    pub entity: Entity,
    pub touched: ObjectId,
    pub aspect: Aspect,
    pub on: fn() -> On,
}

pub fn user_of(agent: ObjectId) -> ObjectId {
    let tenant = Tenant::contoso();
    let mut users = tenant.users.values();
    let user = users.find(|user| user.identity_parent_id == Some(agent.uuid()));
    ObjectId::from_uuid(user.unwrap().id)
}

pub fn finance() -> ObjectId {
    let tenant = Tenant::contoso();
    let app = tenant.agents[&invoice_bot().uuid()].blueprint_app_id;
    ObjectId::from_uuid(tenant.blueprint_of_app(app).unwrap().ids.principal)
}

pub fn cases() -> Vec<Case> {
    let (agent, user, blueprint) = (invoice_bot(), user_of(invoice_bot()), finance());
    let case = |action, entity: Entity, touched, aspect, on| Case {
        action,
        entity,
        touched,
        aspect,
        on,
    };
    let enabled = Aspect::AccountEnabled;
    let agents: fn() -> On = || On::request("PATCH", "agentIdentity$");
    let blueprints: fn() -> On = || On::request("PATCH", "agentIdentityBlueprintPrincipal$");
    let users: fn() -> On = || On::request("PATCH", "/users/");
    let revoke: fn() -> On = || On::request("POST", "revokeSignInSessions");
    let confirm: fn() -> On = || On::request("POST", "confirmCompromised");
    vec![
        case(
            Action::DisableAgent,
            Entity::agent(agent),
            agent,
            enabled,
            agents,
        ),
        case(
            Action::DisableBlueprint,
            Entity::blueprint(blueprint),
            blueprint,
            enabled,
            blueprints,
        ),
        case(
            Action::DisableAgentUser,
            Entity::agent(agent),
            user,
            enabled,
            users,
        ),
        case(
            Action::DisableAgentUser,
            Entity::agent_user(user),
            user,
            enabled,
            users,
        ),
        case(
            Action::RevokeSessions,
            Entity::agent_user(user),
            user,
            Aspect::SessionsRevoked,
            revoke,
        ),
        case(
            Action::ConfirmCompromised,
            Entity::agent(agent),
            agent,
            Aspect::Risk,
            confirm,
        ),
    ]
}

impl Case {
    /// The plan a person would be shown: the action, with what stops the entity before it.
    pub fn plan(&self) -> Plan {
        let mut plan = Plan::by_hand(self.entity, &[estop::domain::playbook::Also::AgentUsers]);
        for step in &mut plan.steps {
            step.optional = false;
        }
        plan
    }

    /// The effect took place, and of its kind only once.
    fn took_effect_once(&self, world: &World) {
        let effects = world.effects_of(self.touched, self.aspect);
        let about = format!("{} of {}: {effects:?}", self.action, self.entity);
        if self.action == Action::RevokeSessions {
            // Revoking twice is revoking: there is nothing to count but that it happened.
            assert!(!effects.is_empty(), "{about}");
        } else {
            assert_eq!(effects.len(), 1, "{about}");
        }
    }
}

#[tokio::test]
async fn a_signed_detection_stops_the_agent_and_its_user() {
    let world = World::new().await;

    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    let run = world.only_run().await;
    assert_eq!(run.state, RunState::Contained, "{:?}", run.because);
    assert_eq!(world.switched(invoice_bot()), [false]);
    for step in world.steps(run.id).await {
        assert_eq!(step.state, StepState::Ok, "{step:?}");
    }
    let coverage = run.coverage.unwrap();
    let closed = |door| {
        let mut doors = coverage.doors.iter();
        doors.any(|report| report.door == door && report.state == DoorState::Closed)
    };
    assert!(
        closed(Door::AgentIdentity) && closed(Door::AgentUsers),
        "{coverage:?}"
    );
    world.nothing_left_over().await;
}

#[tokio::test]
async fn every_action_takes_effect_once_and_is_read_back() {
    for case in cases() {
        let world = World::new().await;

        let run = world.contain_by(case.plan()).await;
        world.settle().await;

        assert_eq!(
            world.state(run).await,
            RunState::Contained,
            "{}",
            case.action
        );
        case.took_effect_once(&world);
        let steps = world.steps(run).await;
        let verify = steps.iter().find(|step| step.plan.action == Action::Verify);
        assert_eq!(verify.unwrap().outcome, Some(Outcome::Done));
        world.nothing_left_over().await;
    }
}

/// However many agents hang from it, and whoever is added while it is stopped.
#[tokio::test]
async fn g14_a_blueprint_of_thousands_is_stopped_by_one_write_and_so_is_who_comes_later() {
    let mut tenant = Tenant::contoso();
    let crowd = tenant.add_blueprint("Crowd");
    let agents: Vec<_> = (0..CROWD)
        .map(|n| tenant.add_agent(&format!("crowd-{n}"), crowd))
        .collect();
    let setting = Setting {
        tenant,
        ..Setting::default()
    };
    let world = World::with(setting).await;
    world.settle().await;
    let blueprint = ObjectId::from_uuid(crowd.principal);
    let asked_before = world.entra.journal_len();
    let write = On::request("PATCH", "agentIdentityBlueprintPrincipal$");
    let added = Arc::new(Mutex::new(None));
    let late = Arc::clone(&added);
    world.entra.foreign_write_before(write, move |tenant| {
        *late.lock().unwrap() = Some(tenant.add_agent("late", crowd));
    });

    let run = world
        .contain_by(Plan::by_hand(Entity::blueprint(blueprint), &[]))
        .await;
    world.settle().await;

    assert_eq!(world.state(run).await, RunState::Contained);
    assert_eq!(world.switched(blueprint), [false]);
    let asked = world.entra.journal().split_off(asked_before);
    let writes = asked.iter().filter(|call| call.method == "PATCH");
    assert_eq!(writes.count(), 1);
    assert!(asked.len() < 50, "{} calls for one switch", asked.len());
    let late = added.lock().unwrap().unwrap();
    for agent in [agents[0], agents[CROWD - 1], late] {
        let request = world.entra.sign_in_request(agent, "https://login.test");
        let answer = world.entra.exchange(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), http::StatusCode::BAD_REQUEST, "{agent}");
    }
    world.nothing_left_over().await;
}

#[tokio::test]
async fn two_detections_about_one_agent_stop_it_once() {
    let world = World::new().await;

    world.detect_agent(invoice_bot()).await;
    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    for run in world.runs().await {
        assert_eq!(run.state, RunState::Contained, "{:?}", run.because);
    }
    assert_eq!(world.runs().await.len(), 2);
    assert_eq!(world.switched(invoice_bot()), [false]);
    assert_eq!(world.switched(user_of(invoice_bot())), [false]);
    world.nothing_left_over().await;
}

#[tokio::test]
async fn every_action_that_is_ordered_twice_takes_effect_once() {
    for case in cases() {
        let world = World::new().await;

        let mut runs = vec![
            world.contain_by(case.plan()).await,
            world.contain_by(case.plan()).await,
        ];
        world.settle().await;
        runs.push(world.contain_by(case.plan()).await);
        world.settle().await;

        for run in runs {
            let state = world.state(run).await;
            assert_eq!(state, RunState::Contained, "{}", case.action);
            let steps = world.steps(run).await;
            let step = steps.iter().find(|step| step.plan.action == case.action);
            assert!(step.unwrap().took_effect(), "{step:?}");
        }
        case.took_effect_once(&world);
        world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn e01_killed_with_the_write_on_its_way_every_action_takes_effect_once() {
    for case in cases() {
        for what in [What::HoldReply, What::HoldRequest] {
            let world = World::new().await;
            world
                .entra
                .push_fault(Fault::new((case.on)(), what.clone()));
            let run = world.contain_by(case.plan()).await;
            world.until_held(1).await;

            let world = world.restart().await;
            world.settle().await;
            // What was still in the network arrives after all.
            world.entra.release();
            world.settle().await;

            let state = world.state(run).await;
            assert_eq!(state, RunState::Contained, "{} {what:?}", case.action);
            case.took_effect_once(&world);
            world.nothing_left_over().await;
        }
    }
}

#[tokio::test]
async fn g03_a_lost_answer_is_asked_again_and_takes_effect_once() {
    for case in cases() {
        for what in [
            What::LoseReplyAfterEffect,
            What::LoseRequest,
            What::RefuseConnection,
        ] {
            let world = World::new().await;
            world
                .entra
                .push_fault(Fault::new((case.on)().times(2), what.clone()));

            let run = world.contain_by(case.plan()).await;
            world.settle().await;

            let state = world.state(run).await;
            assert_eq!(state, RunState::Contained, "{} {what:?}", case.action);
            case.took_effect_once(&world);
            world.nothing_left_over().await;
        }
    }
}

#[tokio::test]
async fn g07_a_refused_write_holds_nothing_and_a_person_is_told() {
    for case in cases() {
        for (status, code) in [
            (403, "Authorization_RequestDenied"),
            (400, "Request_BadRequest"),
        ] {
            let world = World::new().await;
            let what = What::Status {
                status,
                code: code.to_owned(),
            };
            world
                .entra
                .push_fault(Fault::new((case.on)().always(), what));

            let run = world.contain_by(case.plan()).await;
            world.settle().await;

            let state = world.state(run).await;
            let about = format!("{} {status}: {state}", case.action);
            assert!(
                matches!(state, RunState::Failed | RunState::Partial),
                "{about}"
            );
            let steps = world.steps(run).await;
            let step = steps.iter().find(|step| step.plan.action == case.action);
            assert_eq!(step.unwrap().outcome, Some(Outcome::Refused), "{about}");
            assert!(step.unwrap().evidence.as_deref().unwrap().contains(code));
            assert_eq!(world.effects_of(case.touched, case.aspect), [], "{about}");
            let told = world.told().await;
            assert!(
                told.iter().any(|text| text.contains("did not contain")),
                "{told:?}"
            );
            if case.action.contains() {
                let kind = case.action.closes().unwrap();
                let id = case.touched;
                let held = world.service.store.containment(Entity { kind, id }).await;
                assert_eq!(held.unwrap().unwrap().held_by, [], "{about}");
            }
            world.nothing_left_over().await;
        }
    }
}

#[tokio::test]
async fn g07_without_the_permission_the_step_is_refused_and_says_so() {
    let world = World::new().await;
    world.entra.set_permissions(&["AgentIdentity.Read.All"]);
    world.entra.revoke_access_tokens();

    let run = world.contain(Entity::agent(invoice_bot())).await;
    world.settle().await;

    assert_eq!(world.state(run).await, RunState::Failed);
    assert!(world.switched(invoice_bot()).is_empty());
    world.nothing_left_over().await;
}

#[tokio::test]
async fn an_agent_that_is_nowhere_is_looked_for_five_minutes_and_then_told() {
    let world = World::new().await;
    let nowhere: ObjectId =
        serde_json::from_str("\"00000000-1111-4222-8333-444444444444\"").unwrap();

    let run = world.contain(Entity::agent(nowhere)).await;
    world.pass(Duration::from_secs(4 * 60)).await;
    let early = world.state(run).await;
    world.pass(Duration::from_secs(2 * 60)).await;
    world.settle().await;

    assert_eq!(early, RunState::Running);
    assert_eq!(world.state(run).await, RunState::Failed);
    let steps = world.steps(run).await;
    assert_eq!(steps[0].outcome, Some(Outcome::NotFound), "{steps:?}");
    world.nothing_left_over().await;
}

#[tokio::test]
async fn a_new_agent_that_is_not_everywhere_yet_is_stopped_when_it_is() {
    let world = World::new().await;
    let what = What::Status {
        status: 404,
        code: "Request_ResourceNotFound".to_owned(),
    };
    let on = On::request(
        "GET",
        &format!("{}/microsoft.graph.agentIdentity", invoice_bot()),
    );
    world.entra.push_fault(Fault::new(on.times(6), what));

    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    assert_eq!(world.only_run().await.state, RunState::Contained);
    world.nothing_left_over().await;
}

#[tokio::test]
async fn g07_a_refusal_after_a_lost_answer_is_unknown_and_never_failed() {
    let world = World::new().await;
    let on = || On::request("PATCH", "agentIdentity$");
    world
        .entra
        .push_fault(Fault::new(on(), What::LoseReplyAfterEffect));
    let what = What::Status {
        status: 403,
        code: "Authorization_RequestDenied".to_owned(),
    };
    world
        .entra
        .push_fault(Fault::new(on().after(1).always(), what));

    let run = world.contain(Entity::agent(invoice_bot())).await;
    world.settle().await;

    let steps = world.steps(run).await;
    assert_eq!(steps[0].outcome, Some(Outcome::Unknown), "{steps:?}");
    // The first write did take effect, and reading back shows it.
    let run = world.run(run).await;
    assert_eq!(run.state, RunState::Contained, "{:?}", run.because);
    world.nothing_left_over().await;
}

/// Something on the way carried the write twice, and the copy that was answered was told to come
/// later. What reads closed then is our own doing, and an undo opens it.
#[tokio::test]
async fn e04_what_reads_closed_at_once_after_a_word_to_come_later_is_ours() {
    for (status, code) in [(429, "TooManyRequests"), (409, "Conflict")] {
        for case in cases().into_iter().filter(|case| case.action.contains()) {
            let world = World::new().await;
            let what = What::RefuseAfterEffect {
                status,
                code: code.to_owned(),
            };
            world.entra.push_fault(Fault::new((case.on)(), what));

            let run = world.contain_by(case.plan()).await;
            world.settle().await;
            let contained = world.state(run).await;
            world.undo(run).await;
            world.settle().await;

            let about = format!("{status} {} {:?}", case.action, world.steps(run).await);
            assert_eq!(contained, RunState::Contained, "{about}");
            assert_eq!(world.state(run).await, RunState::Undone, "{about}");
            assert_eq!(world.switched(case.touched), [false, true], "{about}");
            world.nothing_left_over().await;
        }
    }
}

/// A read that fails says nothing, and is made again before the next attempt takes for somebody else's
/// what is our own doing: whichever read it is.
#[tokio::test]
async fn e04_the_read_after_a_word_to_come_later_is_made_again_where_it_fails() {
    for reads in 1..5 {
        let world = World::new().await;
        let refused = What::RefuseAfterEffect {
            status: 429,
            code: "TooManyRequests".to_owned(),
        };
        let away = What::Status {
            status: 504,
            code: "GatewayTimeout".to_owned(),
        };
        let write = On::request("PATCH", "agentIdentity$");
        world.entra.push_fault(Fault::new(write, refused));
        let read = On::request("GET", "agentIdentity$").after(reads);
        world.entra.push_fault(Fault::new(read, away));

        let run = world.contain(Entity::agent(invoice_bot())).await;
        world.settle().await;
        let contained = world.state(run).await;
        world.undo(run).await;
        world.settle().await;

        let about = format!("after {reads} reads: {:?}", world.steps(run).await);
        assert_eq!(contained, RunState::Contained, "{about}");
        assert_eq!(world.state(run).await, RunState::Undone, "{about}");
        assert_eq!(world.switched(invoice_bot()), [false, true], "{about}");
        world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn g07_what_reads_closed_after_a_refusal_is_held_and_goes_back_as_it_was() {
    for case in cases().into_iter().filter(|case| case.action.contains()) {
        let world = World::new().await;
        let what = What::RefuseAfterEffect {
            status: 403,
            code: "Authorization_RequestDenied".to_owned(),
        };
        // One read after it is old news.
        world.entra.push_fault(Fault::new((case.on)(), what));
        world
            .entra
            .push_fault(Fault::new((case.on)(), What::StaleReads(Lag::Reads(1))));

        let run = world.contain_by(case.plan()).await;
        world.settle().await;

        let steps = world.steps(run).await;
        let step = steps.iter().find(|step| step.plan.action == case.action);
        let step = step.unwrap();
        assert_eq!(step.outcome, Some(Outcome::Unknown), "{}", case.action);
        let evidence = step.evidence.as_deref().unwrap();
        assert!(evidence.contains("and yet"), "{evidence}");
        assert_eq!(
            world.state(run).await,
            RunState::Contained,
            "{}",
            case.action
        );
        case.took_effect_once(&world);
        let kind = case.action.closes().unwrap();
        let id = case.touched;
        let held = world.service.store.containment(Entity { kind, id }).await;
        assert_eq!(held.unwrap().unwrap().held_by, [run], "{}", case.action);

        world.undo(run).await;
        world.settle().await;

        assert_eq!(
            world.switched(case.touched),
            [false, true],
            "{}",
            case.action
        );
        world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn a_delivery_read_days_late_still_has_its_day_to_be_carried_out() {
    let world = World::with(Setting {
        yaml: "mode: off\nprotected: []\n".to_owned(),
        ..Setting::default()
    })
    .await;
    let detection = "adminConfirmedAgentCompromised";
    world.detect(detection, "agent", invoice_bot()).await;
    world
        .pass_in(
            Duration::from_secs(3 * 24 * 3600),
            Duration::from_secs(3600),
        )
        .await;
    let on = On::request("PATCH", "agentIdentity$");
    world
        .entra
        .push_fault(Fault::new(on, What::RefuseConnection));

    let mode = ServiceMode::Enforce;
    world.order(OrderKind::Mode { mode }).await.unwrap();
    world.settle().await;

    assert_eq!(world.only_run().await.state, RunState::Contained);
    world.nothing_left_over().await;
}

/// What was read before another run of the playbook struck is no reason to strike again.
#[tokio::test]
async fn w27_a_look_that_began_before_another_run_struck_leads_to_no_second_write() {
    let world = World::new().await;
    let switch = format!("{INVOICE_BOT}/microsoft.graph.agentIdentity$");
    let look = On::request("GET", &switch);
    world.entra.push_fault(Fault::new(look, What::HoldReply));
    world.detect_agent(invoice_bot()).await;
    world.until_held(1).await;

    world.detect_agent(invoice_bot()).await;
    let second = || async {
        let runs = world.runs().await;
        runs.iter().any(|run| run.state == RunState::Contained)
    };
    assert!(world.until(second).await);
    world.entra.release();
    world.settle().await;

    let runs = world.runs().await;
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| run.state == RunState::Contained));
    let writes = world.writes();
    let struck = writes
        .iter()
        .filter(|one| one.starts_with("PATCH") && one.ends_with("agentIdentity"));
    assert_eq!(struck.count(), 1, "{writes:?}");
    world.nothing_left_over().await;
}
