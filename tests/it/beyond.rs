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
    /// Method and a piece of path.
    call: (&'static str, &'static str),
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
    let mut tenant = furnished();
    // What a deployment with this profile is granted; with more it does not start.
    let admitted = |action: &Action| profile.includes(action.profile());
    let granted = Action::ALL.into_iter().filter(admitted);
    let granted = granted.flat_map(Action::permissions);
    tenant.client.permissions = granted.map(|name| (*name).to_owned()).collect();
    Setting {
        yaml: format!("{}{ACTIONS}", usual.yaml),
        tenant,
        profile,
        ..usual
    }
}

impl Case {
    async fn world(&self) -> World {
        let setting = if self.action == Action::RestoreBlueprint {
            deleted()
        } else {
            setting(self.action.profile())
        };
        World::with(setting).await
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

    fn on(&self) -> On {
        On::request(self.call.0, self.call.1)
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

/// What is done, to whom, what changes how often, by which call, and how it ends on the way back.
type Row = (
    Action,
    Entity,
    (Aspect, usize),
    (&'static str, &'static str),
    UndoOutcome,
);

fn cases() -> Vec<Case> {
    let mut rows = stops();
    rows.extend(removals());
    rows.extend(of_blueprints());
    let case = |(action, entity, (aspect, effects), call, undone): Row| Case {
        action,
        entity,
        aspect,
        effects,
        call,
        undone,
    };
    rows.into_iter().map(case).collect()
}

fn stops() -> Vec<Row> {
    use Action::{DisableServicePrincipal, QuarantineInRegistry, StopInFoundry, TagEntity};
    let agent = Entity::agent(invoice_bot());
    let back = UndoOutcome::Restored;
    let held = |shelf| (Aspect::Held(shelf), 1);
    let switch = (Aspect::AccountEnabled, 1);
    let patch = ("PATCH", "/servicePrincipals/");
    let registry = ("POST", "/members/$ref");
    vec![
        (DisableServicePrincipal, classic_bot(), switch, patch, back),
        (
            StopInFoundry,
            agent,
            held(Shelf::Foundry),
            ("POST", ":disable"),
            back,
        ),
        (TagEntity, agent, held(Shelf::Attributes), patch, back),
        (
            QuarantineInRegistry,
            agent,
            held(Shelf::Quarantine),
            registry,
            back,
        ),
    ]
}

fn removals() -> Vec<Row> {
    use Action::{RemoveAccessPackage, RemoveAppRole, RemoveGrant, RemoveRole};
    let agent = Entity::agent(invoice_bot());
    let back = UndoOutcome::Restored;
    let held = |shelf, count| (Aspect::Held(shelf), count);
    let gone = |path| ("DELETE", path);
    let grants = gone("/oauth2PermissionGrants/");
    let app_roles = gone("/appRoleAssignments/");
    let roles = gone("/roleAssignments/");
    let packages = ("POST", "/assignmentRequests");
    vec![
        (RemoveGrant, agent, held(Shelf::Grants, 2), grants, back),
        (
            RemoveAppRole,
            agent,
            held(Shelf::AppRoles, 1),
            app_roles,
            back,
        ),
        (
            RemoveRole,
            agent,
            held(Shelf::DirectoryRoles, 1),
            roles,
            back,
        ),
        (
            RemoveAccessPackage,
            agent,
            held(Shelf::Packages, 1),
            packages,
            back,
        ),
    ]
}

fn of_blueprints() -> Vec<Row> {
    use Action::{RemoveCredential, RemoveGrant, RestoreBlueprint, TagEntity};
    let blueprint = Entity::blueprint(finance());
    let (back, left) = (UndoOutcome::Restored, UndoOutcome::Left);
    let held = |shelf, count| (Aspect::Held(shelf), count);
    let removed = |shelf, call| (RemoveCredential, blueprint, held(shelf, 1), call, left);
    let grants = ("DELETE", "/oauth2PermissionGrants/");
    let patch = ("PATCH", "/servicePrincipals/");
    let restore = ("POST", "/restore");
    vec![
        removed(Shelf::Secrets, ("POST", "/removePassword")),
        removed(Shelf::Certificates, ("PATCH", "agentIdentityBlueprint$")),
        removed(Shelf::Trusts, ("DELETE", "/federatedIdentityCredentials/")),
        (RemoveGrant, blueprint, held(Shelf::Grants, 2), grants, back),
        (
            TagEntity,
            blueprint,
            held(Shelf::Attributes, 1),
            patch,
            back,
        ),
        (
            RestoreBlueprint,
            blueprint,
            (Aspect::Deleted, 1),
            restore,
            left,
        ),
    ]
}

/// The first case of this action.
fn case_of(action: Action) -> Case {
    let mut all = cases().into_iter();
    all.find(|case| case.action == action).unwrap()
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
            world.entra.push_fault(Fault::new(case.on(), what.clone()));
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
                .push_fault(Fault::new(case.on().times(2), what.clone()));

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
        let fault = Fault::new(case.on().always(), what);
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
    let case = case_of(Action::RemoveCredential);
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
    let case = case_of(Action::RemoveCredential);
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
    let case = case_of(Action::RemoveGrant);
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
    let case = case_of(Action::TagEntity);
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

#[tokio::test]
async fn a_stop_in_foundry_fills_the_door_of_the_runtime_and_a_refused_one_leaves_it_open() {
    use estop::domain::coverage::{Door, DoorState};

    let other = Entity::agent(crate::containment::finance());
    for (entity, state, word) in [
        (
            Entity::agent(invoice_bot()),
            DoorState::Unverified,
            "go on until they end",
        ),
        (other, DoorState::Open, "was not stopped"),
    ] {
        let world = World::with(setting(Profile::Agents)).await;

        let run = world.contain_by(plan(Action::StopInFoundry, entity)).await;
        world.settle().await;

        let coverage = world.run(run).await.coverage.unwrap();
        let doors = coverage.doors.iter();
        let door = doors
            .filter(|it| it.door == Door::Runtime)
            .collect::<Vec<_>>();
        assert_eq!(door.len(), 1);
        assert_eq!(door[0].state, state, "{door:?}");
        assert!(door[0].proof.contains(word), "{door:?}");
    }
}
