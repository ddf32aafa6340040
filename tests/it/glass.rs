//! The break-glass on the real binary: it works with no server and no database, writes down first
//! what it does, and is told to the record later, once.

use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use estop::domain::entity::{Entity, ObjectId};
use estop::domain::id::RunId;
use estop::domain::record::Chain;
use estop::domain::run::{Run, RunState};
use estop::offline::read;
use estop::sim::{Fault, INVOICE_BOT, On, What};
use estop::store::Store;
use tokio::process::Command;

use crate::program::Site;

/// How often a test looks at what it waits for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long it looks before it gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Types `estop contain GUID --offline` at this site.
fn typed(site: &Site, more: &[&str]) -> Command {
    let bot = INVOICE_BOT.to_string();
    let mut words = vec![
        "contain",
        bot.as_str(),
        "--offline",
        "--yes",
        "--reason",
        "the server is down",
    ];
    words.extend(more);
    site.types(&words)
}

async fn ended(mut command: Command) -> Output {
    command.output().await.unwrap()
}

fn enabled(site: &Site) -> bool {
    site.entra.tenant().agents[&INVOICE_BOT].account_enabled
}

async fn until(site: &Site, store: &Store, id: RunId, state: RunState) -> Run {
    let looking = async {
        loop {
            let run = store.run(id).await.unwrap();
            if let Some(run) = run.filter(|run| run.state == state) {
                return run;
            }
            site.clock.sleep(LOOK_EVERY).await;
        }
    };
    let found = site.clock.within(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("it did not become {state}:\n{}", site.log()))
}

/// Where the break-glass writes down what it does.
fn journal(site: &Site) -> PathBuf {
    let beside = match site.is_shared() {
        true => "estop.offline",
        false => "estop.db.offline",
    };
    site.folder().join(beside)
}

/// How often this was recorded, on a chain that holds.
async fn recorded(store: &Store, what: &str) -> usize {
    let lines = store.sealed_lines(0, 10_000).await.unwrap();
    let mut chain = Chain::default();
    lines.iter().for_each(|line| chain.follow(line).unwrap());
    let said = format!("\"what\":\"{what}\"");
    lines
        .iter()
        .filter(|line| line.line.contains(&said))
        .count()
}

#[tokio::test]
async fn it_contains_with_no_server_and_no_database_and_is_told_later_once() {
    let site = Site::new().await;
    let before = enabled(&site);

    let contained = ended(typed(&site, &[])).await;
    let said = String::from_utf8_lossy(&contained.stdout).into_owned();

    assert!(before && !enabled(&site), "{contained:?}");
    assert_eq!(contained.status.code(), Some(0), "{contained:?}");
    assert!(said.contains("CONTAINED  run_"), "{said}");
    let (db, journal) = (site.folder().join("estop.db"), journal(&site));
    assert!(!db.exists() && journal.exists());
    let lines = read(&journal).unwrap().unwrap().lines;
    let run = lines[0].run;

    for _ in 0..2 {
        let mut program = site.start(&[]);
        program.doors().await.unwrap();
        let visit = site.visit().await;
        until(&site, &visit.store, run, RunState::Contained).await;
        let agent = Entity::agent(ObjectId::from_uuid(INVOICE_BOT));
        let held = visit.store.containment(agent).await.unwrap().unwrap();
        assert_eq!(held.held_by, [run]);
        assert_eq!(recorded(&visit.store, "offline.merged").await, 1);
        let told = visit.store.every_notice().await.unwrap();
        let told = told
            .iter()
            .filter(|one| one.text.contains("the break-glass was used"));
        assert_eq!(told.count(), 1);
        visit.leave().await;
        assert_eq!(program.ask_to_stop().await.code(), Some(0));
    }
}

#[tokio::test]
async fn killed_with_its_write_on_the_way_it_is_finished_by_the_service_and_undone_exactly() {
    let site = Site::new().await;
    let patch = On::request("PATCH", "agentIdentity$");
    site.entra.push_fault(Fault::new(patch, What::HoldReply));
    let mut typing = typed(&site, &[]).kill_on_drop(true).spawn().unwrap();
    site.entra.until_held(1).await;
    typing.kill().await.unwrap();
    site.entra.release();
    let lines = read(&journal(&site)).unwrap().unwrap().lines;
    let run = lines[0].run;

    let mut program = site.start(&[]);
    program.doors().await.unwrap();
    let visit = site.visit().await;
    until(&site, &visit.store, run, RunState::Contained).await;
    let closed = !enabled(&site);
    let undo = [
        "undo",
        &run.to_string(),
        "--reason",
        "mended",
        "--yes",
        "--risk",
        "dismiss",
    ];
    let token = site.token(&visit.store).await;
    let control = program.control().unwrap();
    let undone = ended(site.types_at(&control, &token, &undo)).await;

    assert!(closed);
    assert_eq!(undone.status.code(), Some(0), "{undone:?}\n{}", site.log());
    assert!(enabled(&site), "it is as it was before the break-glass");
    visit.leave().await;
    assert_eq!(program.ask_to_stop().await.code(), Some(0));
}

#[tokio::test]
async fn what_cannot_be_written_down_or_is_protected_is_not_done() {
    let site = Site::new().await;

    let nowhere = ended(typed(&site, &["--journal", "/nonexistent/journal"])).await;
    let protected = site
        .configuration()
        .replace("protected: []", &format!("protected: [{INVOICE_BOT}]"));
    site.write("estop.yaml", &protected);
    let guarded = ended(typed(&site, &[])).await;

    assert_eq!(nowhere.status.code(), Some(1), "{nowhere:?}");
    assert_eq!(guarded.status.code(), Some(1), "{guarded:?}");
    let said = String::from_utf8_lossy(&guarded.stdout).into_owned();
    assert!(said.contains("two people have not agreed"), "{said}");
    assert!(enabled(&site));
    let writes = site.entra.journal();
    assert!(writes.iter().all(|one| one.method != "PATCH"), "{writes:?}");
}
