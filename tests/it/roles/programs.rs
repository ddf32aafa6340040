//! Real programs that are one service together, each with its own role in the database.

use std::time::Duration;

use estop::domain::run::RunState;
use estop::sim::INVOICE_BOT;
use estop::store::RunFilter;
use tokio::process::Command;

use super::prepared;
use crate::program::{Program, Site, exchange};

/// How often a test looks at what it waits for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long it looks before it gives up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Long enough for a worker to have looked several times.
const A_WHILE: Duration = Duration::from_secs(4);

/// Starts a part as its own role in the database, and waits until it is there.
pub(super) async fn part(site: &Site, role: &str) -> Program {
    let address = site
        .database()
        .unwrap()
        .address_as(&format!("estop_{role}"));
    let mut part = site.start(&[("ESTOP_ROLE", role), ("ESTOP_STORE", &address)]);
    let there = part.doors().await;
    assert!(there.is_some(), "{role} did not start:\n{}", site.log());
    part
}

fn enabled(site: &Site) -> bool {
    site.entra.agent(INVOICE_BOT).unwrap().account_enabled
}

pub(super) async fn until(site: &Site, so: impl AsyncFn() -> bool) {
    let looking = async {
        while !so().await {
            site.clock.sleep(LOOK_EVERY).await;
        }
    };
    let found = site.clock.within(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("it did not come to that:\n{}", site.log()));
}

/// Posts the usual detection through this part's door.
async fn detected(site: &Site, ingest: &mut Program) -> u16 {
    let door = ingest.doors().await.unwrap();
    let delivery = site.signed("msg_1", &site.detection());
    let answer = exchange(&site.clock, &door, &delivery).await;
    answer.unwrap().status
}

/// A status, and what was said.
pub(super) async fn asked(site: &Site, part: &Program, token: &str, path: &str) -> (u16, String) {
    let control = part.control().unwrap().replace("http://", "");
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    let answer = exchange(&site.clock, &control, &request).await.unwrap();
    (answer.status, answer.text)
}

async fn typed(mut command: Command) -> (Option<i32>, String) {
    let ended = command.output().await.unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    (ended.status.code(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_parts_each_with_its_own_database_role_contain_prove_and_undo() {
    let Some(site) = Site::shared().await else {
        return;
    };
    prepared(site.database().unwrap()).await;
    let visit = site.visit().await;
    let token = site.token(&visit.store).await;
    let mut ingest = part(&site, "ingest").await;
    let worker = part(&site, "worker").await;
    let console = part(&site, "console").await;

    assert_eq!(detected(&site, &mut ingest).await, 202);
    until(&site, async || !enabled(&site)).await;
    let contained = async || {
        let runs = visit.store.runs(RunFilter {
            limit: 2,
            ..RunFilter::default()
        });
        let runs = runs.await.unwrap();
        matches!(runs.as_slice(), [run] if run.state == RunState::Contained)
    };
    until(&site, contained).await;
    let all = RunFilter {
        limit: 2,
        ..RunFilter::default()
    };
    let run = visit.store.runs(all).await.unwrap()[0].id.to_string();
    let control = console.control().unwrap();
    let undo = ["undo", &run, "--reason", "x", "--yes", "--risk", "dismiss"];
    let undone = typed(site.types_at(&control, &token, &undo)).await;
    let again = [
        "contain",
        &INVOICE_BOT.to_string(),
        "--reason",
        "x",
        "--yes",
    ];
    let again = typed(site.types_at(&control, &token, &again)).await;
    let proved = typed(site.types(&["audit", "verify"])).await;

    assert_eq!(undone.0, Some(0), "{undone:?}\n{}", site.log());
    assert_eq!(again.0, Some(0), "{again:?}\n{}", site.log());
    assert!(!enabled(&site), "a person's order was not carried out");
    assert_eq!(proved.0, Some(0), "{proved:?}");
    for (part, role) in [(&ingest, "ingest"), (&worker, "worker")] {
        let (ready, _) = asked(&site, part, "", "/readyz").await;
        let (metrics, counted) = asked(&site, part, &token, "/metrics").await;
        let (strange, _) = asked(&site, part, "", "/metrics").await;
        let (runs, _) = asked(&site, part, &token, "/v1/runs").await;
        assert_eq!(
            (ready, metrics, strange, runs),
            (200, 200, 401, 404),
            "{role}"
        );
        assert!(counted.contains("estop_"), "{counted}");
    }
    let (heard, why) = asked(&site, &console, &token, "/v1/heard").await;
    assert_eq!(heard, 409, "{why}");
    let doctor = typed(site.types(&["doctor"])).await.1;
    let parts = "3 services work on it (1 ingest, 1 worker, 1 console)";
    assert!(doctor.contains(parts), "{doctor}");
    let denied = site.log().contains("permission denied");
    assert!(!denied, "{}", site.log());
    visit.leave().await;
    for mut part in [ingest, worker, console] {
        assert_eq!(part.ask_to_stop().await.code(), Some(0), "{}", site.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_door_for_senders_takes_waits_for_a_worker_and_the_door_enters_no_tenant() {
    let Some(site) = Site::shared().await else {
        return;
    };
    prepared(site.database().unwrap()).await;
    let mut ingest = part(&site, "ingest").await;

    let taken = detected(&site, &mut ingest).await;
    site.clock.sleep(A_WHILE).await;
    let asked = site.entra.journal();
    let doctor = {
        let mut doctor = site.types(&["doctor"]);
        doctor.env("ESTOP_ROLE", "ingest");
        typed(doctor).await
    };
    let mut worker = part(&site, "worker").await;
    until(&site, async || !enabled(&site)).await;

    assert_eq!(taken, 202);
    assert!(asked.is_empty(), "{asked:?}");
    assert_eq!(doctor.0, Some(1), "{doctor:?}");
    assert!(
        doctor.1.contains("no worker is alive (1 ingest)"),
        "{doctor:?}"
    );
    for part in [&mut ingest, &mut worker] {
        assert_eq!(part.ask_to_stop().await.code(), Some(0), "{}", site.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_that_is_not_there_hinders_a_worker_and_no_door_for_senders() {
    let Some(site) = Site::shared().await else {
        return;
    };
    prepared(site.database().unwrap()).await;
    let files = "{ certificate: { key_file: no.key, certificate_file: no.pem } }, client_id: \
                 9b9c9a9e-1111-4111-8111-000000000001";
    let usual = site.configuration();
    site.write("estop.yaml", &usual.replace("managed_identity", files));

    let mut ingest = part(&site, "ingest").await;
    let taken = detected(&site, &mut ingest).await;
    let mut worker = site.start(&[("ESTOP_ROLE", "worker")]);
    let ended = worker.ended().await;

    assert_eq!(taken, 202);
    assert_eq!(ended.code(), Some(78), "{}", site.log());
    assert!(site.log().contains("no.pem"), "{}", site.log());
    assert_eq!(ingest.ask_to_stop().await.code(), Some(0));
}

#[tokio::test]
async fn a_service_that_may_not_change_an_older_schema_says_who_is_to_prepare_it() {
    let Some(site) = Site::shared().await else {
        return;
    };
    let database = site.database().unwrap();
    database.tell(&super::roles_alone());
    let address = database.address_as("estop_ingest");
    let mut early = site.start(&[("ESTOP_ROLE", "ingest"), ("ESTOP_STORE", &address)]);

    let refused = early.ended().await;
    let before = database.tell("select count(*) from pg_tables where schemaname = 'public'");
    let owner = database.address();
    let prepared = typed(site.types(&["store", "prepare", "--to", &owner])).await;
    database.tell(&super::grants());
    let mut later = part(&site, "ingest").await;

    assert_eq!(refused.code(), Some(78), "{}", site.log());
    assert!(site.log().contains("estop store prepare"), "{}", site.log());
    assert_eq!(before, "0\n", "it changed the schema");
    assert_eq!(prepared.0, Some(0), "{prepared:?}");
    assert!(prepared.1.contains("is at step 26"), "{prepared:?}");
    assert_eq!(later.ask_to_stop().await.code(), Some(0));
}
