//! The clock goes round the inventory: what each `find` finds and what it leaves alone, how often,
//! how many at once, and what happens while the tenant cannot be listed.

use std::collections::BTreeSet;
use std::time::Duration;

use estop::domain::entity::{Entity, ObjectId};
use estop::domain::moment::Moment;
use estop::domain::run::RunState;
use estop::sim::{Fault, Item, On, Shelf, Tenant, What};
use serde_json::json;
use uuid::Uuid;

use crate::inventory::until_listed;
use crate::world::{NOW, Setting, World};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Longer than the time between two times that are due.
const ROUND: Duration = Duration::from_secs(11 * 60);

/// A playbook that the clock calls every ten minutes for what is found so.
fn playbook(find: &str, entity: &str, step: &str) -> String {
    format!(
        "playbook: round\nsummary: Somebody should look at it.\n\
         trigger: {{ schedule: \"*/10 * * * *\", find: {find} }}\n\
         entity: {entity}\nmode: ask\n\
         guardrail: {{ entities_max: 500, window: 1h, on_breach: ask }}\n\
         approval: {{ from: [soc], within: 7d, on_timeout: keep }}\n\
         steps:\n  - {step}\nnotify: []\n"
    )
}

async fn unlisted(tenant: Tenant, text: String) -> World {
    World::with(Setting {
        yaml: "mode: enforce\nprotected: []\ninventory: { every: 5m }\n".to_owned(),
        playbooks: vec![("round.yaml", text)],
        tenant,
        ..Setting::default()
    })
    .await
}

async fn world(tenant: Tenant, text: String) -> World {
    let world = unlisted(tenant, text).await;
    until_listed(&world).await;
    world
}

/// Lets one time come and be carried out.
async fn round(world: &World) {
    world.pass(ROUND).await;
    world.settle().await;
}

/// Everyone the playbook was called for so far.
async fn found(world: &World) -> BTreeSet<Entity> {
    let runs = world.runs().await;
    runs.into_iter().map(|run| run.entity).collect()
}

fn agent(id: Uuid) -> Entity {
    Entity::agent(ObjectId::from_uuid(id))
}

#[tokio::test]
async fn an_agent_is_orphaned_whose_blueprint_is_gone_and_that_is_still_on() {
    let mut tenant = Tenant::contoso();
    let retired = tenant.add_blueprint("Retired-Agents");
    let left = tenant.add_agent("left-bot", retired);
    let off = tenant.add_agent("off-bot", retired);
    tenant.agents.get_mut(&off).unwrap().account_enabled = false;
    tenant.soft_delete(retired.principal);
    let world = world(tenant, playbook("orphaned", "agent", "disable_agent")).await;

    round(&world).await;

    assert_eq!(found(&world).await, BTreeSet::from([agent(left)]));
    let run = world.only_run().await;
    assert_eq!(run.state, RunState::Waiting);
    let (detection, _) = world
        .service
        .store
        .detection(run.detection.unwrap())
        .await
        .unwrap()
        .unwrap();
    let said = format!("{detection:?}");
    assert!(said.contains("estop-schedule"), "{said}");
    assert!(world.writes().is_empty());
}

#[tokio::test]
async fn a_user_account_is_orphaned_whose_agent_is_gone() {
    let mut tenant = Tenant::contoso();
    let blueprint = tenant.blueprints.values().next().unwrap().ids;
    let gone = tenant.add_agent("gone-bot", blueprint);
    let user = tenant.add_agent_user(gone);
    tenant.agents.remove(&gone);
    let text = playbook("orphaned", "agent_user", "disable_agent_user");
    let world = world(tenant, text).await;

    round(&world).await;

    let orphan = Entity::agent_user(ObjectId::from_uuid(user));
    assert_eq!(found(&world).await, BTreeSet::from([orphan]));
}

/// Gives a blueprint a secret or certificate that ends after so long.
fn give(tenant: &mut Tenant, name: &str, shelf: Shelf, days: u32) -> Entity {
    let mut blueprints = tenant.blueprints.values();
    let owner = blueprints.find(|it| it.display_name == name).unwrap();
    let owner = owner.ids.principal;
    let id = Uuid::new_v5(&owner, format!("{shelf:?} {days}").as_bytes());
    let end = Moment::from_millis(NOW * 1000).plus(DAY * days);
    let body = json!({
        "keyId": id, "displayName": "key", "endDateTime": end.to_string(), "hint": "SIM",
    });
    tenant.put(shelf, &id.to_string(), Item { owner, body });
    Entity::blueprint(ObjectId::from_uuid(owner))
}

#[tokio::test]
async fn a_blueprint_is_found_whose_secret_or_certificate_ends_within_the_time() {
    let mut tenant = Tenant::contoso();
    let finance = give(&mut tenant, "Finance-Agents", Shelf::Secrets, 20);
    give(&mut tenant, "Finance-Agents", Shelf::Secrets, 400);
    let expense = give(&mut tenant, "Expense-Agents", Shelf::Certificates, 29);
    give(&mut tenant, "Support-Agents", Shelf::Secrets, 31);
    let text = playbook(
        "expiring_credential, within: 30d",
        "blueprint",
        "disable_blueprint",
    );
    let world = world(tenant, text).await;

    round(&world).await;

    assert_eq!(found(&world).await, BTreeSet::from([finance, expense]));
}

fn grant(tenant: &mut Tenant, owner: Uuid, scope: &str) {
    let key = Uuid::new_v5(&owner, scope.as_bytes()).simple().to_string();
    let body = json!({
        "id": key, "clientId": owner, "consentType": "AllPrincipals", "principalId": null,
        "resourceId": Uuid::from_u128(3), "scope": scope,
    });
    tenant.put(Shelf::Grants, &key, Item { owner, body });
}

fn assign(tenant: &mut Tenant, owner: Uuid, role: &str) {
    let key = Uuid::new_v5(&owner, role.as_bytes()).simple().to_string();
    let body = json!({
        "id": key, "appRoleId": role, "principalId": owner, "resourceId": Uuid::from_u128(3),
    });
    tenant.put(Shelf::AppRoles, &key, Item { owner, body });
}

#[tokio::test]
async fn an_agent_is_found_that_holds_a_dangerous_permission_of_either_kind() {
    let mut tenant = Tenant::contoso();
    let blueprint = tenant.blueprints.values().next().unwrap().ids;
    let named = |tenant: &mut Tenant, name: &str| tenant.add_agent(name, blueprint);
    let reads_mail = named(&mut tenant, "reads-mail");
    grant(&mut tenant, reads_mail, "openid User.Read Mail.Read");
    let reads_files = named(&mut tenant, "reads-files");
    // Files.Read.All, as an application permission.
    assign(
        &mut tenant,
        reads_files,
        "01d4889c-1287-42c6-ac1f-5d1e02578ef6",
    );
    let grants = named(&mut tenant, "grants");
    // DelegatedPermissionGrant.ReadWrite.All.
    assign(&mut tenant, grants, "8e8e4742-1d95-4f68-9d56-6ee75648c72a");
    let harmless = named(&mut tenant, "harmless");
    grant(&mut tenant, harmless, "User.Read Mail.ReadBasic Files.Read");
    assign(
        &mut tenant,
        harmless,
        "df021288-bdef-4463-88db-98f22de89214",
    );
    let off = named(&mut tenant, "off");
    grant(&mut tenant, off, "Mail.ReadWrite");
    tenant.agents.get_mut(&off).unwrap().account_enabled = false;
    let world = world(
        tenant,
        playbook("dangerous_grant", "agent", "disable_agent"),
    )
    .await;

    round(&world).await;

    let wanted = [reads_mail, reads_files, grants].map(agent);
    assert_eq!(found(&world).await, BTreeSet::from(wanted));
    let mut said = String::new();
    for run in world.runs().await {
        let id = run.detection.unwrap();
        let kept = world.service.store.detection(id).await.unwrap();
        said.push_str(&format!("{kept:?}"));
    }
    for reason in ["Mail.Read (delegated)", "Files.Read.All (application)"] {
        assert!(said.contains(reason), "{reason} in {said}");
    }
}

fn stray(tenant: &mut Tenant, name: &str) -> Uuid {
    let blueprint = tenant.blueprints.values().next().unwrap().ids;
    tenant.add_agent(name, blueprint)
}

#[tokio::test]
async fn what_was_found_is_found_again_after_thirty_days_and_not_before() {
    let mut tenant = Tenant::contoso();
    stray(&mut tenant, "stray-bot");
    let world = world(tenant, playbook("ownerless", "agent", "disable_agent")).await;

    round(&world).await;
    let first = world.runs().await.len();
    world.leap(DAY * 29).await;
    round(&world).await;
    let early = world.runs().await.len();
    world.leap(DAY * 2).await;
    round(&world).await;

    assert_eq!((first, early), (1, 1));
    let runs = world.runs().await;
    let states: Vec<_> = runs.iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Expired, RunState::Waiting]);
}

#[tokio::test]
async fn a_changed_playbook_finds_again_what_was_found() {
    let mut tenant = Tenant::contoso();
    stray(&mut tenant, "stray-bot");
    let text = playbook("ownerless", "agent", "disable_agent");
    let world = world(tenant, text.clone()).await;

    round(&world).await;
    round(&world).await;
    let unchanged = world.runs().await.len();
    let changed = text.replace("within: 7d", "within: 6d");
    let changed = vec![("round.yaml", changed)];
    let world = world.restart_as(|setting| setting.playbooks = changed);
    let world = world.await;
    until_listed(&world).await;
    round(&world).await;

    assert_eq!(unchanged, 1);
    assert_eq!(world.runs().await.len(), 2);
}

#[tokio::test]
async fn at_most_two_hundred_are_called_for_at_once_and_the_rest_follow() {
    let mut tenant = Tenant::contoso();
    for n in 0..205 {
        stray(&mut tenant, &format!("stray-{n}"));
    }
    let world = world(tenant, playbook("ownerless", "agent", "disable_agent")).await;

    round(&world).await;
    let first = world.runs().await.len();
    let told = world.told().await;
    round(&world).await;

    assert_eq!(first, 200);
    let more = told.iter().filter(|text| text.contains("found 5 more"));
    assert_eq!(more.count(), 1, "{told:?}");
    assert_eq!(found(&world).await.len(), 205);
    assert_eq!(world.runs().await.len(), 205);
}

fn cannot_be_listed(world: &World) {
    let on = On::request("GET", "microsoft.graph.agentIdentity").always();
    let what = What::Status {
        status: 503,
        code: "serviceNotAvailable".to_owned(),
    };
    world.entra.push_fault(Fault::new(on, what));
}

#[tokio::test]
async fn a_time_waits_for_the_inventory_and_is_carried_out_once_it_is_listed() {
    let mut tenant = Tenant::contoso();
    let stray = stray(&mut tenant, "stray-bot");
    let world = unlisted(tenant, playbook("ownerless", "agent", "disable_agent")).await;
    cannot_be_listed(&world);

    world.pass(Duration::from_secs(25 * 60)).await;
    let blind = world.runs().await.len();
    world.entra.clear_faults();
    // It is listed every five minutes; the time that was due is not over for an hour.
    world.pass(Duration::from_secs(6 * 60)).await;
    world.settle().await;

    assert_eq!(blind, 0, "nothing is said of what was not listed");
    assert_eq!(found(&world).await, BTreeSet::from([agent(stray)]));
    let told = world.told().await;
    let given_up = told
        .iter()
        .any(|it| it.contains("could not be carried out"));
    assert!(!given_up, "{told:?}");
}

#[tokio::test]
async fn a_time_for_which_nothing_is_listed_is_given_up_after_an_hour_and_told() {
    let mut tenant = Tenant::contoso();
    stray(&mut tenant, "stray-bot");
    let text = playbook("ownerless", "agent", "disable_agent");
    let text = text.replace("*/10 * * * *", "0 */3 * * *");
    let world = unlisted(tenant, text).await;
    cannot_be_listed(&world);
    let given_up = |told: Vec<String>| {
        let told = told.into_iter();
        told.filter(|text| text.contains("could not be carried out"))
            .count()
    };

    // Every third hour is due; the first comes within three.
    let tick = Duration::from_secs(30);
    let due = until_due(&world).await;
    world.pass_in(Duration::from_secs(50 * 60), tick).await;
    let early = given_up(world.told().await);
    world.pass_in(Duration::from_secs(15 * 60), tick).await;
    let late = given_up(world.told().await);

    assert!(due < Duration::from_secs(3 * 3600), "{due:?}");
    assert_eq!((early, late), (0, 1), "{:?}", world.told().await);
    assert_eq!(world.runs().await.len(), 0);
}

/// Moves the clock to the next third hour.
async fn until_due(world: &World) -> Duration {
    let every = 3 * 3600;
    let left = every - world.clock.now().as_seconds() % every;
    let left = Duration::from_secs(u64::try_from(left).unwrap());
    world.pass_in(left, Duration::from_secs(30)).await;
    left
}
