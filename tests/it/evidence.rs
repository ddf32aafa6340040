//! Evidence: gathered beside the strike and never before it, told for what it is, signed.

use std::collections::BTreeSet;
use std::time::Duration;

use estop::cli::Exit;
use estop::domain::coverage::{Door, DoorReport, DoorState};
use estop::domain::evidence::{EvidencePart, EvidenceState, KeptPart, PartState};
use estop::domain::id::RunId;
use estop::domain::run::RunState;
use estop::domain::sight::{Sight, wanted_by};
use estop::evidence::{Broken, verify};
use estop::sim::{Fault, Item, Limits, On, Premises, RetryAfter, Shelf, SignInLine, Tenant, What};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::power::Desk;
use crate::world::{Setting, World, invoice_bot};

const MINUTE: Duration = Duration::from_secs(60);
/// What no other loop of a world asks for.
const READS: [&str; 4] = [
    "/oauth2PermissionGrants",
    "/appRoleAssignments",
    "/roleManagement/",
    "/auditLogs/",
];
const SUBSCRIPTION: &str = "00000000-0000-0000-0000-00000000abcd";

fn setting(change: impl FnOnce(&mut Tenant)) -> Setting {
    let mut tenant = Tenant::contoso();
    let extras = wanted_by(Sight::Evidence).map(str::to_owned);
    tenant.client.permissions.extend(extras);
    change(&mut tenant);
    let usual = Setting::default();
    let yaml = format!("{}evidence: {{ within: 1h }}\n", usual.yaml);
    Setting {
        yaml,
        tenant,
        ..usual
    }
}

async fn contained(world: &World) -> RunId {
    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    let run = world.only_run().await;
    assert_eq!(run.state, RunState::Contained, "{run:?}");
    run.id
}

async fn parts(world: &World, run: RunId) -> Vec<KeptPart> {
    world.service.store.evidence_parts(run).await.unwrap()
}

async fn part(world: &World, run: RunId, wanted: EvidencePart) -> KeptPart {
    let all = parts(world, run).await;
    let found = all.iter().find(|kept| kept.part == wanted);
    found.unwrap_or_else(|| panic!("{wanted}: {all:?}")).clone()
}

async fn body(world: &World, run: RunId, wanted: EvidencePart) -> Value {
    let kept = part(world, run, wanted).await;
    assert_eq!(kept.state, PartState::Read, "{kept:?}");
    serde_json::from_str(&kept.body.unwrap()).unwrap()
}

/// Waits until all but the sign-ins after containment is gathered.
async fn gathered(world: &World, run: RunId) {
    let store = &world.service.store;
    let so = || async {
        let evidence = store.evidence(run).await.unwrap();
        evidence.is_some_and(|it| it.state != EvidenceState::Due)
    };
    assert!(world.until(so).await, "{:?}", parts(world, run).await);
}

fn asked(world: &World, piece: &str) -> usize {
    let journal = world.entra.journal();
    let all = journal.iter().filter(|one| one.path.contains(piece));
    all.count()
}

async fn door(world: &World, run: RunId, wanted: Door) -> DoorReport {
    let coverage = world.run(run).await.coverage.unwrap();
    let mut doors = coverage.doors.into_iter();
    doors.find(|report| report.door == wanted).unwrap()
}

#[tokio::test]
async fn nothing_is_gathered_before_the_strike_was_accepted() {
    let world = World::with(setting(|_| {})).await;
    let strike = On::request("PATCH", "microsoft.graph.agentIdentity").times(3);
    let retry_after = Some(RetryAfter::Seconds(20));
    let busy = What::Throttle { retry_after };
    world.entra.push_fault(Fault::new(strike, busy));

    let run = contained(&world).await;
    gathered(&world, run).await;

    let journal = world.entra.journal();
    let struck = journal
        .iter()
        .position(|one| {
            one.path.ends_with("microsoft.graph.agentIdentity") && one.status == Some(204)
        })
        .unwrap();
    let first = journal
        .iter()
        .position(|one| READS.iter().any(|read| one.path.contains(read)))
        .unwrap();
    assert!(struck > 4 && first > struck, "{struck} {first}");
}

#[tokio::test]
async fn a_throttled_report_delays_no_run_and_is_read_later() {
    let world = World::with(setting(|_| {})).await;
    let reports = On::request("GET", "/auditLogs/").times(4);
    let retry_after = Some(RetryAfter::Seconds(30));
    let busy = What::Throttle { retry_after };
    world.entra.push_fault(Fault::new(reports, busy));

    let run = contained(&world).await;
    let early = parts(&world, run).await;
    gathered(&world, run).await;

    assert!(early.iter().all(|kept| kept.part != EvidencePart::SignIns));
    let late = part(&world, run, EvidencePart::SignIns).await;
    assert_eq!(late.state, PartState::Read);
    world.chain_holds().await;
}

#[tokio::test]
async fn a_report_that_never_comes_is_given_up_and_the_run_stays_contained() {
    let world = World::with(setting(|_| {})).await;
    let broken = What::Status {
        status: 503,
        code: "serviceNotAvailable".to_owned(),
    };
    let reports = On::request("GET", "/auditLogs/").always();
    world.entra.push_fault(Fault::new(reports, broken));

    let run = contained(&world).await;
    world.pass(70 * MINUTE).await;

    let kept = part(&world, run, EvidencePart::SignIns).await;
    assert_eq!(kept.state, PartState::GivenUp);
    assert!(kept.why.unwrap().contains("503"));
    let grants = part(&world, run, EvidencePart::Grants).await;
    assert_eq!(grants.state, PartState::Read);
    assert_eq!(world.state(run).await, RunState::Contained);
}

#[tokio::test]
async fn no_more_than_five_reports_are_asked_for_in_ten_seconds() {
    let mut setting = setting(|_| {});
    setting.limits = Limits::published();
    let world = World::with(setting).await;
    world.detect_agent(invoice_bot()).await;
    let blueprint = world.entra.tenant().blueprints.keys().next().copied();
    world
        .detect("signInSpike", "blueprint", blueprint.unwrap())
        .await;
    world.settle().await;

    world.pass(2 * MINUTE).await;

    let journal = world.entra.journal();
    let reports = journal.iter().filter(|it| it.path.contains("/auditLogs/"));
    let statuses: Vec<_> = reports.map(|it| it.status).collect();
    assert!(statuses.len() >= 5, "{statuses:?}");
    assert!(statuses.iter().all(|it| *it == Some(200)), "{statuses:?}");
}

#[tokio::test]
async fn killed_between_two_parts_it_goes_on_where_it_stood() {
    let world = World::with(setting(|_| {})).await;
    let reports = On::request("GET", "/auditLogs/").times(1);
    world
        .entra
        .push_fault(Fault::new(reports, What::HoldRequest));
    let run = contained(&world).await;
    world.until_held(1).await;
    let before = parts(&world, run).await;
    assert!(before.len() > 4, "{before:?}");

    let world = world.restart().await;
    gathered(&world, run).await;

    let after = parts(&world, run).await;
    assert!(before.iter().all(|kept| after.contains(kept)));
    assert!(after.len() > before.len());
    assert_eq!(asked(&world, "/oauth2PermissionGrants"), 1);
    world.chain_holds().await;
}

#[tokio::test]
async fn a_part_we_may_not_read_names_the_permission_and_claims_no_door() {
    let world = World::with(setting(|tenant| {
        let rights = &mut tenant.client.permissions;
        rights.retain(|it| it != "AuditLog.Read.All" && it != "Directory.Read.All");
        rights.retain(|it| it != "RoleManagement.Read.Directory");
    }))
    .await;

    let run = contained(&world).await;
    gathered(&world, run).await;

    for (wanted, right) in [
        (EvidencePart::SignIns, "AuditLog.Read.All"),
        (
            EvidencePart::DirectoryRoles,
            "RoleManagement.Read.Directory",
        ),
        (EvidencePart::Grants, "Directory.Read.All"),
    ] {
        let kept = part(&world, run, wanted).await;
        assert_eq!(kept.state, PartState::NotReadable);
        assert!(kept.why.unwrap().ends_with(&format!("it needs {right}")));
    }
    let roles = door(&world, run, Door::Roles).await;
    assert_eq!(roles.state, DoorState::NotChecked);
    assert!(roles.proof.contains("RoleManagement.Read.Directory"));
}

/// Roles in both places, more than a page of them in Azure, and an owner.
fn with_roles(tenant: &mut Tenant) {
    let bot = invoice_bot().uuid();
    let role = |id: &str, name: &str, owner: Uuid| {
        let definition = Premises::role(name);
        let body = json!({
            "id": id, "roleDefinitionId": definition, "principalId": owner,
            "directoryScopeId": "/",
        });
        (id.to_owned(), Item { owner, body })
    };
    let dana = tenant.users.values().find(|it| it.display_name == "dana");
    let dana = dana.unwrap().id;
    for (id, item) in [
        role("held", "Global Reader", bot),
        role("admin", "Agent ID Administrator", dana),
    ] {
        tenant.put(Shelf::DirectoryRoles, &id, item);
    }
    tenant.owners.insert(bot, vec![dana]);
    let azure = (0..3).map(|n| {
        let scope = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg{n}");
        json!({ "properties": {
            "roleDefinitionId": format!("/x/roleDefinitions/definition{n}"),
            "principalId": bot, "scope": scope,
        }})
    });
    tenant.premises.azure_roles = Some(azure.collect());
}

#[tokio::test]
async fn coverage_says_which_roles_are_held_and_who_can_enable_it_again() {
    let mut setting = setting(with_roles);
    let azure = format!("azure: {{ subscription: {SUBSCRIPTION} }}\n");
    setting.yaml.push_str(&azure);
    let world = World::with(setting).await;

    let run = contained(&world).await;
    gathered(&world, run).await;

    let roles = door(&world, run, Door::Roles).await;
    assert_eq!(roles.state, DoorState::MayWork);
    assert!(roles.until.is_some());
    assert!(roles.proof.contains("Global Reader"), "{}", roles.proof);
    assert!(
        roles.proof.contains("(3): definition0 over"),
        "{}",
        roles.proof
    );
    let again = door(&world, run, Door::CanReenable).await;
    assert_eq!(again.state, DoorState::Open);
    assert!(again.proof.contains("owner (1): dana"), "{}", again.proof);
    assert!(again.proof.contains("(Agent ID Administrator)"));
}

#[tokio::test]
async fn an_azure_role_that_may_not_be_read_is_said_and_not_counted_as_none() {
    let mut setting = setting(|_| {});
    let azure = format!("azure: {{ subscription: {SUBSCRIPTION} }}\n");
    setting.yaml.push_str(&azure);
    let world = World::with(setting).await;

    let run = contained(&world).await;
    gathered(&world, run).await;

    let kept = part(&world, run, EvidencePart::AzureRoles).await;
    assert_eq!(kept.state, PartState::NotReadable);
    assert!(kept.why.unwrap().contains("AuthorizationFailed"));
    let roles = door(&world, run, Door::Roles).await;
    assert_eq!(roles.state, DoorState::NotChecked);
}

async fn tries_to_sign_in(world: &World) -> u16 {
    let base = "https://login.microsoftonline.com";
    let request = world.entra.sign_in_request(invoice_bot().uuid(), base);
    let answer = world.entra.transport().send(request.unwrap()).await;
    answer.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_sign_in_refused_after_containment_is_the_proof() {
    let world = World::with(setting(|_| {})).await;
    let run = contained(&world).await;
    world.pass(2 * MINUTE).await;

    assert_eq!(tries_to_sign_in(&world).await, 400);
    world.pass(4 * MINUTE).await;

    let proof = body(&world, run, EvidencePart::Refused).await;
    assert_eq!(proof["effective"], "refused");
    assert_eq!(proof["sign_ins"][0]["error_code"], 7_000_112);
    let kind = &proof["sign_ins"][0]["agent"]["kind"];
    assert_eq!(kind, "agenticAppInstance");
    let evidence = world.service.store.evidence(run).await.unwrap().unwrap();
    assert_eq!(evidence.state, EvidenceState::Complete);
}

#[tokio::test]
async fn nobody_trying_proves_nothing_and_is_looked_for_three_times_only() {
    let world = World::with(setting(|_| {})).await;
    let run = contained(&world).await;
    gathered(&world, run).await;
    let before = asked(&world, "/auditLogs/signIns");

    world.pass(65 * MINUTE).await;

    let proof = body(&world, run, EvidencePart::Refused).await;
    assert_eq!(proof["effective"], "not_tried");
    // As itself and on behalf of users, three times.
    assert_eq!(asked(&world, "/auditLogs/signIns") - before, 6);
}

#[tokio::test]
async fn a_token_issued_after_containment_is_told_to_a_person() {
    let world = World::with(setting(|_| {})).await;
    let run = contained(&world).await;
    let bot = invoice_bot().uuid();
    let at = world.clock.now().plus(2 * MINUTE);
    world.entra.foreign_write(|tenant| {
        tenant.log_sign_in(SignInLine {
            at,
            event: "servicePrincipal".to_owned(),
            app: bot,
            principal: Some(bot),
            user: None,
            resource: Uuid::from_u128(7),
            error_code: 0,
            // The documentation and the metadata disagree about this property.
            agent: json!("AgentIdentity"),
        });
    });

    world.pass(6 * MINUTE).await;

    let proof = body(&world, run, EvidencePart::Refused).await;
    assert_eq!(proof["effective"], "still_succeeds");
    let told = world.told().await;
    assert!(
        told.iter()
            .any(|text| text.contains("issued a token after"))
    );
}

#[tokio::test]
async fn callers_and_sub_agents_of_the_last_day_are_named_where_logs_show_them() {
    let world = World::with(setting(|_| {})).await;
    world.pass(MINUTE).await;
    let (bot, caller) = (invoice_bot().uuid(), Uuid::from_u128(9));
    let at = world.clock.now();
    let line = |who: Uuid, resource: Uuid| SignInLine {
        at,
        event: "servicePrincipal".to_owned(),
        app: who,
        principal: Some(who),
        user: None,
        resource,
        error_code: 0,
        agent: Value::Null,
    };
    world.entra.foreign_write(|tenant| {
        for _ in 0..150 {
            tenant.log_sign_in(line(bot, Uuid::from_u128(8)));
        }
        tenant.log_sign_in(line(caller, bot));
    });

    let run = contained(&world).await;
    gathered(&world, run).await;

    let read = body(&world, run, EvidencePart::Callers).await;
    assert_eq!(read["callers"], json!([caller]));
    assert_eq!(read["called"], json!([Uuid::from_u128(8)]));
    let own = body(&world, run, EvidencePart::SignIns).await;
    assert_eq!(own["sign_ins"].as_array().unwrap().len(), 150);
    assert_eq!(own["whole"], true);
}

#[tokio::test]
async fn our_own_switch_stands_among_the_directory_changes_without_its_values() {
    let world = World::with(setting(|_| {})).await;

    let run = contained(&world).await;
    gathered(&world, run).await;

    let kept = part(&world, run, EvidencePart::DirectoryChanges).await;
    let text = kept.body.unwrap();
    let read: Value = serde_json::from_str(&text).unwrap();
    // The switch and the verdict leave side by side, so either may be the newer line.
    let about = read["about"].as_array().unwrap();
    let switched = about
        .iter()
        .filter(|line| line["properties"] == json!(["account_enabled"]));
    assert_eq!(switched.count(), 1, "{text}");
    let ids: BTreeSet<_> = about.iter().map(|line| line["id"].as_str()).collect();
    assert_eq!(ids.len(), about.len(), "{text}");
    assert!(!text.contains("newValue") && !text.contains("oldValue"));
}

#[tokio::test]
async fn l02_a_bundle_holds_credential_metadata_and_no_credential() {
    let desk = Desk::with(setting(|tenant| {
        let all: Vec<Uuid> = tenant.blueprints.keys().copied().collect();
        for blueprint in all {
            tenant.furnish(blueprint);
        }
    }))
    .await;
    let run = contained(&desk.world).await;
    gathered(&desk.world, run).await;

    let bundle = desk.get(&format!("/v1/runs/{run}/evidence/bundle")).await;

    let read = body(&desk.world, run, EvidencePart::Credentials).await;
    assert_eq!(read["secrets"].as_array().unwrap().len(), 1);
    let tenant = desk.world.entra.tenant();
    let token = desk.world.entra.access_token().unwrap();
    let secrets = tenant.blueprints.values().map(|it| it.secret.as_str());
    let more = [tenant.client.secret.as_str(), &token, &desk.token];
    for secret in secrets.chain(more) {
        assert!(!bundle.text.contains(secret));
    }
    assert!(!bundle.text.contains("\"hint\""));
}

#[tokio::test]
async fn any_changed_byte_of_a_bundle_is_found() {
    let desk = Desk::with(setting(|_| {})).await;
    let run = contained(&desk.world).await;
    gathered(&desk.world, run).await;
    let bundle = desk.get(&format!("/v1/runs/{run}/evidence/bundle")).await;
    let bundle = bundle.text.into_bytes();
    let intact = verify(&bundle, None).unwrap();

    let head = 0..300;
    let places = head.chain((300..bundle.len()).step_by(37));
    let places = places.chain([bundle.len() - 2, bundle.len() - 1]);

    assert_eq!(intact.run, run.to_string());
    assert!(intact.parts > 5 && intact.records > 5, "{intact:?}");
    for place in places {
        let mut bent = bundle.clone();
        bent[place] ^= 1;
        assert!(verify(&bent, None).is_err(), "byte {place}");
    }
    assert!(verify(&bundle[..bundle.len() - 1], None).is_err());
    let spaced = String::from_utf8(bundle)
        .unwrap()
        .replacen(",\"key\"", ", \"key\"", 1);
    assert!(matches!(
        verify(spaced.as_bytes(), None),
        Err(Broken::Form(_))
    ));
}

#[tokio::test]
async fn the_command_line_shows_exports_and_verifies_and_names_another_signer() {
    let desk = Desk::with(setting(|_| {})).await;
    let run = contained(&desk.world).await;
    gathered(&desk.world, run).await;
    let run = run.to_string();
    let file = desk.world.folder.path().join("run.evidence.json");
    let file = file.to_str().unwrap();

    let shown = desk.types(&["evidence", "show", &run]).await;
    let exported = desk
        .types(&["evidence", "export", &run, "--out", file])
        .await;
    let twice = desk
        .types(&["evidence", "export", &run, "--out", file])
        .await;
    let key = exported.talk.lines().find_map(|it| it.strip_prefix("key "));
    let verified = desk
        .types(&["evidence", "verify", file, "--key", key.unwrap()])
        .await;
    let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let stranger = desk
        .types(&["evidence", "verify", file, "--key", other])
        .await;

    assert!(shown.output.contains("directory roles"), "{}", shown.output);
    assert_eq!((exported.exit, twice.exit), (Exit::Done, Exit::Usage));
    assert_eq!(verified.exit, Exit::Done, "{}", verified.output);
    assert!(verified.output.contains("intact"));
    assert_eq!(stranger.exit, Exit::Failed);
    assert!(stranger.output.contains("somebody else signed it"));
}

#[tokio::test]
async fn the_signing_key_outlives_a_restart_and_nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new().await;
    let path = world.beside_the_store("evidence-key");
    let first = std::fs::read_to_string(&path).unwrap();

    let world = world.restart().await;

    assert_eq!(std::fs::read_to_string(&path).unwrap(), first);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(world);
}
