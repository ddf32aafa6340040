//! What is done beside the switches of agents: removals, the tag, the registry, Foundry, classic
//! service principals. Each is tried done, twice, killed, lost, refused, undone.

use estop::domain::action::Action;
use estop::domain::approved::Approved;
use estop::domain::entity::{Entity, EntityKind, ObjectId};
use estop::domain::permission::Profile;
use estop::domain::plan::{Plan, PlanStep};
use estop::domain::run::RunState;
use estop::domain::step::{Outcome, Step, UndoOutcome};
use estop::sim::{Aspect, Fault, Item, On, Shelf, Tenant, What};
use estop::store::Terms;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::containment::finance;
use crate::world::{Setting, World, invoice_bot};

/// One action on one entity, how its effect shows, and how it ends on the way back.
struct Case {
    action: Action,
    entity: Entity,
    aspect: Aspect,
    /// How many changes it makes.
    effects: usize,
    on: fn() -> On,
    undone: UndoOutcome,
}

const ACTIONS: &str = "actions:
  tag: { set: Estop, attribute: Containment, value: contained }
  foundry:
    api_version: 2025-11-15-preview
    agents:
      7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0:
        - { project: https://contoso.services.ai.azure.com/api/projects/finance, name: invoice-bot }
";

fn furnished() -> Tenant {
    let mut tenant = Tenant::contoso();
    for owner in [invoice_bot(), finance()] {
        tenant.furnish(owner.uuid());
    }
    tenant.register(invoice_bot().uuid(), "one");
    tenant.run_in_foundry(invoice_bot().uuid(), "finance", "invoice-bot");
    tenant.attributes.insert("Estop.Containment".to_owned());
    tenant.add_service_principal("classic-bot");
    let everything = Action::ALL.into_iter().flat_map(Action::permissions);
    tenant.client.permissions = everything.map(|name| (*name).to_owned()).collect();
    tenant
}

fn classic_bot() -> Entity {
    let tenant = furnished();
    let mut all = tenant.principals.values();
    let bot = all.find(|it| it.display_name == "classic-bot").unwrap();
    Entity {
        kind: EntityKind::ServicePrincipal,
        id: ObjectId::from_uuid(bot.id),
    }
}

fn deleted() -> Setting {
    let mut setting = setting(Profile::Eradicate);
    setting.tenant.soft_delete(finance().uuid());
    setting
}

fn setting(profile: Profile) -> Setting {
    let usual = Setting::default();
    Setting {
        yaml: format!("{}{ACTIONS}", usual.yaml),
        tenant: furnished(),
        profile,
        ..usual
    }
}

impl Case {
    async fn world(&self) -> World {
        World::with(match self.action {
            Action::RestoreBlueprint => deleted(),
            other => setting(other.profile()),
        })
        .await
    }

    fn plan(&self) -> Plan {
        plan(self.action, self.entity)
    }

    async fn carry_out(&self, world: &World) -> Step {
        let plan = self.plan();
        let terms = approved(world, &plan);
        let run = world.carry_out(plan, terms).await;
        world.settle().await;
        step(world, run, self.action).await
    }

    fn changes(&self, world: &World) -> usize {
        world.effects_of(self.entity.id, self.aspect).len()
    }

    fn about(&self) -> String {
        format!("{} of {}", self.action, self.entity)
    }
}

fn plan(action: Action, entity: Entity) -> Plan {
    let step = |action| PlanStep {
        action,
        entity,
        optional: false,
    };
    let mut steps = vec![step(action)];
    if action.contains() {
        steps.push(step(Action::Verify));
    }
    Plan {
        entity,
        playbook_digest: String::new(),
        steps,
    }
}

fn approved(world: &World, plan: &Plan) -> Terms {
    Terms {
        approved: Some(Approved {
            plan_digest: plan.digest(),
            by: vec!["ada".to_owned(), "grace".to_owned()],
            at: world.clock.now(),
        }),
        ..Terms::default()
    }
}

async fn step(world: &World, run: estop::domain::id::RunId, action: Action) -> Step {
    let steps = world.steps(run).await;
    let step = steps.into_iter().find(|step| step.plan.action == action);
    step.unwrap()
}

fn cases() -> Vec<Case> {
    use UndoOutcome::{Left, Restored};
    let (agent, blueprint) = (Entity::agent(invoice_bot()), Entity::blueprint(finance()));
    let held = Aspect::Held;
    let case = |action, entity, aspect, effects, on, undone| Case {
        action,
        entity,
        aspect,
        effects,
        on,
        undone,
    };
    let grants: fn() -> On = || On::request("DELETE", "/oauth2PermissionGrants/");
    let roles: fn() -> On = || On::request("DELETE", "/appRoleAssignments/");
    let directory: fn() -> On = || On::request("DELETE", "/roleAssignments/");
    let packages: fn() -> On = || On::request("POST", "/assignmentRequests");
    let secrets: fn() -> On = || On::request("POST", "/removePassword");
    let certificates: fn() -> On = || On::request("PATCH", "agentIdentityBlueprint$");
    let trusts: fn() -> On = || On::request("DELETE", "/federatedIdentityCredentials/");
    let tags: fn() -> On = || On::request("PATCH", "/servicePrincipals/");
    let registry: fn() -> On = || On::request("POST", "/members/$ref");
    let foundry: fn() -> On = || On::request("POST", ":disable");
    let restore: fn() -> On = || On::request("POST", "/restore");
    let enabled = Aspect::AccountEnabled;
    use Action as A;
    vec![
        case(
            A::DisableServicePrincipal,
            classic_bot(),
            enabled,
            1,
            tags,
            Restored,
        ),
        case(
            A::StopInFoundry,
            agent,
            held(Shelf::Foundry),
            1,
            foundry,
            Restored,
        ),
        case(
            A::TagEntity,
            agent,
            held(Shelf::Attributes),
            1,
            tags,
            Restored,
        ),
        case(
            A::TagEntity,
            blueprint,
            held(Shelf::Attributes),
            1,
            tags,
            Restored,
        ),
        case(
            A::QuarantineInRegistry,
            agent,
            held(Shelf::Quarantine),
            1,
            registry,
            Restored,
        ),
        case(
            A::RemoveCredential,
            blueprint,
            held(Shelf::Secrets),
            1,
            secrets,
            Left,
        ),
        case(
            A::RemoveCredential,
            blueprint,
            held(Shelf::Certificates),
            1,
            certificates,
            Left,
        ),
        case(
            A::RemoveCredential,
            blueprint,
            held(Shelf::Trusts),
            1,
            trusts,
            Left,
        ),
        case(
            A::RemoveGrant,
            agent,
            held(Shelf::Grants),
            2,
            grants,
            Restored,
        ),
        case(
            A::RemoveGrant,
            blueprint,
            held(Shelf::Grants),
            2,
            grants,
            Restored,
        ),
        case(
            A::RemoveAppRole,
            agent,
            held(Shelf::AppRoles),
            1,
            roles,
            Restored,
        ),
        case(
            A::RemoveRole,
            agent,
            held(Shelf::DirectoryRoles),
            1,
            directory,
            Restored,
        ),
        case(
            A::RemoveAccessPackage,
            agent,
            held(Shelf::Packages),
            1,
            packages,
            Restored,
        ),
        case(
            A::RestoreBlueprint,
            blueprint,
            Aspect::Deleted,
            1,
            restore,
            Left,
        ),
    ]
}

/// Everything of one kind the entity holds, but for ids that a new thing gets anew.
fn holds(world: &World, case: &Case) -> Vec<Value> {
    let Aspect::Held(shelf) = case.aspect else {
        return Vec::new();
    };
    let held = world.entra.tenant().held(shelf, case.entity.id.uuid());
    let mut held: Vec<Value> = held.into_iter().map(|(_, body)| body).collect();
    for body in &mut held {
        let members = body.as_object_mut().unwrap();
        members.remove("id");
        // What was taken away again reads as if it had never been set.
        members.retain(|_, value| *value != json!({ "Containment": null }));
    }
    held.retain(|body| *body != json!({}));
    held.sort_by_key(Value::to_string);
    held
}

#[tokio::test]
async fn each_takes_effect_once_and_is_put_back_as_it_was() {
    for case in cases() {
        let world = case.world().await;
        let before = holds(&world, &case);

        let done = case.carry_out(&world).await;
        let changed = holds(&world, &case);
        let run = world.only_run().await.id;
        world.undo(run).await;
        world.settle().await;

        let about = case.about();
        assert_eq!(done.outcome, Some(Outcome::Done), "{about}: {done:?}");
        let undone = step(&world, run, case.action).await;
        assert_eq!(undone.undo, Some(case.undone), "{about}");
        assert_eq!(world.state(run).await, RunState::Undone, "{about}");
        if case.undone == UndoOutcome::Restored {
            assert_eq!(case.changes(&world), 2 * case.effects, "{about}");
            assert_eq!(holds(&world, &case), before, "{about}");
        } else {
            assert_eq!(case.changes(&world), case.effects, "{about}");
            assert_eq!(holds(&world, &case), changed, "{about}");
        }
        world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn done_a_second_time_each_changes_nothing_more() {
    for case in cases() {
        let world = case.world().await;

        case.carry_out(&world).await;
        let plan = case.plan();
        let terms = approved(&world, &plan);
        let second = world.carry_out(plan, terms).await;
        world.settle().await;

        let step = step(&world, second, case.action).await;
        assert!(step.took_effect(), "{}: {step:?}", case.about());
        assert_eq!(case.changes(&world), case.effects, "{}", case.about());
        world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn e01_killed_with_the_call_on_its_way_each_takes_effect_once() {
    for case in cases() {
        for what in [What::HoldReply, What::HoldRequest] {
            let world = case.world().await;
            world
                .entra
                .push_fault(Fault::new((case.on)(), what.clone()));
            let plan = case.plan();
            let terms = approved(&world, &plan);
            let run = world.carry_out(plan, terms).await;
            world.until_held(1).await;

            let world = world.restart().await;
            world.settle().await;
            // What was still in the network arrives after all.
            world.entra.release();
            world.settle().await;

            let step = step(&world, run, case.action).await;
            let about = format!("{} {what:?}: {step:?}", case.about());
            assert!(step.took_effect(), "{about}");
            assert_eq!(case.changes(&world), case.effects, "{about}");
            world.nothing_left_over().await;
        }
    }
}

#[tokio::test]
async fn g03_lost_on_the_way_each_is_asked_again_and_takes_effect_once() {
    for case in cases() {
        for what in [
            What::LoseReplyAfterEffect,
            What::LoseRequest,
            What::RefuseConnection,
        ] {
            let world = case.world().await;
            world
                .entra
                .push_fault(Fault::new((case.on)().times(2), what.clone()));

            let step = case.carry_out(&world).await;

            let about = format!("{} {what:?}: {step:?}", case.about());
            assert!(step.took_effect(), "{about}");
            assert_eq!(case.changes(&world), case.effects, "{about}");
            world.nothing_left_over().await;
        }
    }
}

#[tokio::test]
async fn g07_refused_each_changes_nothing_and_says_so() {
    for case in cases() {
        let world = case.world().await;
        let what = What::Status {
            status: 403,
            code: "Authorization_RequestDenied".to_owned(),
        };
        let fault = Fault::new((case.on)().always(), what);
        world.entra.push_fault(fault);

        let step = case.carry_out(&world).await;

        let about = format!("{}: {step:?}", case.about());
        assert_eq!(step.outcome, Some(Outcome::Refused), "{about}");
        assert!(step.evidence.unwrap().contains("RequestDenied"), "{about}");
        assert_eq!(case.changes(&world), 0, "{about}");
        world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn each_needs_the_permissions_it_names() {
    for case in cases() {
        for permission in case.action.permissions() {
            let world = case.world().await;
            let mut left = world.entra.tenant().client.permissions;
            left.retain(|held| held != permission);
            // Wider rights that would do instead are not held either.
            left.retain(|held| held != "Application.ReadWrite.All");
            let left: Vec<_> = left.iter().map(String::as_str).collect();
            world.entra.set_permissions(&left);
            world.entra.revoke_access_tokens();

            let step = case.carry_out(&world).await;

            let about = format!("{} without {permission}: {step:?}", case.about());
            assert!(!step.took_effect(), "{about}");
        }
    }
}

#[tokio::test]
async fn what_always_asks_is_not_done_without_an_approval_of_this_very_plan() {
    for case in cases().iter().filter(|case| case.action.always_asks()) {
        let other = plan(case.action, Entity::agent(classic_bot().id));
        let world = case.world().await;
        let nobody = Terms {
            approved: Some(Approved {
                plan_digest: case.plan().digest(),
                by: Vec::new(),
                at: world.clock.now(),
            }),
            ..Terms::default()
        };
        for terms in [Terms::default(), approved(&world, &other), nobody] {
            let run = world.carry_out(case.plan(), terms).await;
            world.settle().await;

            let step = step(&world, run, case.action).await;
            let about = format!("{}: {step:?}", case.about());
            assert_eq!(step.outcome, Some(Outcome::Denied), "{about}");
            assert!(step.evidence.unwrap().contains("approval"), "{about}");
        }
        assert_eq!(world.writes(), Vec::<String>::new(), "{}", case.about());
    }
}

#[tokio::test]
async fn without_its_profile_nothing_is_done() {
    for case in cases() {
        let wrong = match case.action.profile() {
            Profile::Agents => continue,
            Profile::Classic => Profile::Eradicate,
            Profile::Eradicate => Profile::Classic,
        };
        let world = World::with(setting(wrong)).await;

        let step = case.carry_out(&world).await;

        let about = format!("{}: {step:?}", case.about());
        assert_eq!(step.outcome, Some(Outcome::Denied), "{about}");
        let needed = case.action.profile().word();
        assert!(step.evidence.unwrap().contains(needed), "{about}");
        assert_eq!(world.writes(), Vec::<String>::new(), "{about}");
    }
}

#[tokio::test]
async fn with_nothing_to_take_away_nothing_is_sent() {
    for case in cases().iter().filter(|case| case.action.always_asks()) {
        let mut bare = setting(Profile::Eradicate);
        bare.tenant.belongings.clear();
        let world = World::with(bare).await;

        let step = case.carry_out(&world).await;

        let about = format!("{}: {step:?}", case.about());
        assert_eq!(step.outcome, Some(Outcome::AlreadyDone), "{about}");
        assert_eq!(world.writes(), Vec::<String>::new(), "{about}");
    }
}

#[tokio::test]
async fn g13_what_is_no_plain_service_principal_is_never_switched_as_one() {
    let mut setting = setting(Profile::Classic);
    let managed = setting.tenant.add_managed_identity("build-runner");
    let kinds = [
        managed,
        invoice_bot().uuid(),
        finance().uuid(),
        setting.tenant.client.principal,
        *setting.tenant.users.keys().next().unwrap(),
    ];
    for id in kinds {
        let world = World::with(setting.clone()).await;
        let entity = Entity {
            kind: EntityKind::ServicePrincipal,
            id: ObjectId::from_uuid(id),
        };

        let run = world
            .contain_by(plan(Action::DisableServicePrincipal, entity))
            .await;
        world.settle().await;

        assert_eq!(world.writes(), Vec::<String>::new(), "{entity}");
        let step = step(&world, run, Action::DisableServicePrincipal).await;
        assert!(!step.took_effect(), "{entity}: {step:?}");
    }
}

#[tokio::test]
async fn a_classic_agent_is_contained_and_read_back() {
    let world = World::with(setting(Profile::Classic)).await;

    let run = world
        .contain_by(plan(Action::DisableServicePrincipal, classic_bot()))
        .await;
    world.settle().await;

    assert_eq!(world.state(run).await, RunState::Contained);
    assert_eq!(world.switched(classic_bot().id), [false]);
}

#[tokio::test]
async fn removed_credentials_are_recorded_without_any_part_of_a_secret() {
    let case = &cases()[5];
    let world = case.world().await;

    let step = case.carry_out(&world).await;

    let before = serde_json::to_string(&step.before).unwrap();
    assert!(before.contains("keyId"), "{before}");
    assert!(before.contains("repo:contoso/agents"), "{before}");
    assert!(
        !before.contains("hint") && !before.contains("SIM"),
        "{before}"
    );
}

#[tokio::test]
async fn a_certificate_that_came_after_the_look_is_nobodys_approval() {
    let case = &cases()[5];
    let world = case.world().await;
    let owner = finance().uuid();
    let first_removal = On::request("POST", "/removePassword");
    world
        .entra
        .foreign_write_before(first_removal, move |tenant| {
            let key = Uuid::from_u128(7);
            let body = json!({ "keyId": key, "displayName": "new", "endDateTime": null });
            tenant.put(Shelf::Certificates, &key.to_string(), Item { owner, body });
        });
    let lost = Fault::new(
        On::request("POST", "/removePassword"),
        What::LoseReplyAfterEffect,
    );
    world.entra.push_fault(lost);

    let step = case.carry_out(&world).await;

    let left = world.entra.tenant().held(Shelf::Certificates, owner);
    assert_eq!(left.len(), 2, "{step:?}");
    assert!(!step.took_effect(), "{step:?}");
}

#[tokio::test]
async fn what_someone_granted_since_is_left_and_what_is_missing_is_made_again() {
    let case = &cases()[8];
    let world = case.world().await;
    case.carry_out(&world).await;
    let grants = furnished().held(Shelf::Grants, case.entity.id.uuid());
    let (key, mut body) = grants[0].clone();
    body["scope"] = json!(format!("{} Extra", body["scope"].as_str().unwrap()));
    let owner = case.entity.id.uuid();
    let again = body.clone();
    world.entra.foreign_write(move |tenant| {
        tenant.put(Shelf::Grants, &key, Item { owner, body });
    });

    world.undo(world.only_run().await.id).await;
    world.settle().await;

    let now = world.entra.tenant().held(Shelf::Grants, owner);
    assert_eq!(now.len(), 2);
    assert!(now.iter().any(|(_, grant)| *grant == again), "{now:?}");
}

#[tokio::test]
async fn a_tag_that_someone_changed_since_is_theirs() {
    let case = &cases()[2];
    let world = case.world().await;
    case.carry_out(&world).await;
    let owner = case.entity.id.uuid();
    let theirs = json!({ "Estop": { "Containment": "investigated" } });
    let body = theirs.clone();
    world.entra.foreign_write(move |tenant| {
        let item = Item { owner, body };
        tenant.put(Shelf::Attributes, &owner.to_string(), item);
    });

    let run = world.only_run().await.id;
    world.undo(run).await;
    world.settle().await;

    let step = step(&world, run, case.action).await;
    assert_eq!(step.undo, Some(UndoOutcome::Left));
    let now = world.entra.tenant().held(Shelf::Attributes, owner);
    assert_eq!(now[0].1, theirs);
}

#[tokio::test]
async fn an_agent_foundry_was_never_told_of_is_not_guessed() {
    let world = World::with(setting(Profile::Agents)).await;
    let other = Entity::agent(crate::containment::finance());

    let run = world.contain_by(plan(Action::StopInFoundry, other)).await;
    world.settle().await;

    let step = step(&world, run, Action::StopInFoundry).await;
    assert_eq!(step.outcome, Some(Outcome::Refused));
    assert!(step.evidence.unwrap().contains("does not say where"));
    assert_eq!(world.writes(), Vec::<String>::new());
}
