//! A disk that changes bits by itself: whatever it changes of the record, of approvals or of what
//! was done is refused at the start, named by the proof, or of no effect.

use std::path::{Path, PathBuf};

use estop::audit::{Noted, head, verify_store};
use estop::clock::Clock;
use estop::domain::approval::Approval;
use estop::domain::entity::ObjectId;
use estop::domain::run::RunState;
use estop::sim::Tenant;
use estop::store::{ApprovalFilter, Entry, RunFilter, Store, Workplace};
use estop::vault::Vault;
use http::StatusCode;

use crate::approvals::{playbook, with_playbook};
use crate::cluster::is_only_for_sqlite;
use crate::power::Desk;
use crate::world::{World, invoice_bot};

/// Bits that are changed, each in a copy of its own.
const BITS: usize = 1_000;
/// One of so many is changed in the journal of a service that was killed.
const IN_THE_JOURNAL: usize = 5;
const TWO: &str = "from: [soc-leads], quorum: 2, within: 60m, on_timeout: keep";

/// A desk with a run that two people approved, and one that a second still has to approve.
async fn story() -> Desk {
    let desk = Desk::with(with_playbook(playbook("ask", TWO))).await;
    let (ada, bo) = (desk.lead(1).await, desk.lead(2).await);
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;
    let shown = desk.shown().await;
    for who in [&ada, &bo] {
        let said = desk.approves(who, &shown).await;
        assert_eq!(said.status, StatusCode::ACCEPTED, "{}", said.text);
    }
    desk.world.settle().await;
    assert_eq!(desk.world.only_run().await.state, RunState::Contained);
    let agents = Tenant::contoso().agents.into_keys();
    let other = agents
        .map(ObjectId::from_uuid)
        .find(|agent| *agent != invoice_bot());
    let other = other.unwrap();
    desk.world.detect_agent(other).await;
    desk.world.settle().await;
    let said = desk.approves(&ada, &desk.shown().await).await;
    assert_eq!(said.status, StatusCode::ACCEPTED, "{}", said.text);
    desk
}

fn files(folder: &Path) -> [Vec<u8>; 2] {
    ["estop.db", "estop.db-wal"].map(|name| std::fs::read(folder.join(name)).unwrap_or_default())
}

/// What must never differ unseen.
#[derive(Debug, PartialEq)]
struct Facts {
    lines: Vec<String>,
    approvals: Vec<Approval>,
    runs: Vec<String>,
    steps: Vec<String>,
}

/// What is read of a store, and what its proof says.
async fn read(store: &Store, noted: Noted) -> Result<Facts, String> {
    let proof = verify_store(store, noted, |_| ()).await;
    proof.map_err(|bad| bad.to_string())?;
    let damaged = |why: estop::store::Error| why.to_string();
    let filter = ApprovalFilter {
        limit: 100,
        ..ApprovalFilter::default()
    };
    let mut approvals = store.approvals(filter).await.map_err(damaged)?;
    for approval in &mut approvals {
        // What was seen is looked at again before anything is done.
        approval.world = None;
    }
    let runs = store.runs(RunFilter {
        limit: 100,
        ..RunFilter::default()
    });
    let (mut told, mut steps) = (Vec::new(), Vec::new());
    for run in runs.await.map_err(damaged)? {
        told.push(format!(
            "{} {} {} {} {} {}",
            run.id, run.playbook, run.entity, run.mode, run.state, run.plan_digest
        ));
        for step in store.steps(run.id).await.map_err(damaged)? {
            steps.push(format!(
                "{} {} {} {:?} {:?} {:?} {:?}",
                step.plan.action,
                step.plan.entity,
                step.state,
                step.outcome,
                step.before,
                step.evidence,
                step.undo
            ));
        }
    }
    let lines = store.sealed_lines(0, 10_000).await.map_err(damaged)?;
    Ok(Facts {
        lines: lines.into_iter().map(|line| line.line).collect(),
        approvals,
        runs: told,
        steps,
    })
}

/// Puts these files into a fresh folder and opens them as a service does.
async fn opened(
    clock: &Clock,
    [file, journal]: &[Vec<u8>; 2],
    noted: &Noted,
) -> Result<Facts, String> {
    let folder = tempfile::tempdir_in(memory()).unwrap();
    let path = folder.path().join("estop.db");
    std::fs::write(&path, file).unwrap();
    if !journal.is_empty() {
        std::fs::write(folder.path().join("estop.db-wal"), journal).unwrap();
    }
    let way = (Entry::Service, Vault::open_door());
    let opened = Store::open_at(&path, way, (clock.clone(), Workplace::Threads)).await;
    let (store, life) = opened.map_err(|error| error.to_string())?;
    tokio::select! {
        facts = read(&store, noted.clone()) => facts,
        () = life => panic!("the writer has ended"),
    }
}

/// Where a copy costs no disk.
fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    }
}

/// The same numbers each time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }
}

#[tokio::test]
async fn d10_a_bit_that_a_disk_changes_is_refused_named_or_of_no_effect() {
    if is_only_for_sqlite("the bits of its file") {
        return;
    }
    let desk = story().await;
    let clock = desk.world.clock.clone();
    let folder = desk.world.folder.path().to_owned();
    let noted = Noted::head(Some(head(&desk.world.service.store).await.unwrap()));
    // As a power cut leaves it, and as a service that was stopped does.
    let mut cut = files(&folder);
    let mut stopped = Vec::new();
    let world = ended(desk)
        .restart_as(|_| stopped = files(&folder).to_vec())
        .await;
    let mut stopped: [Vec<u8>; 2] = stopped.try_into().unwrap();
    drop(world);
    assert!(!cut[1].is_empty(), "nothing is in the journal");
    let good = opened(&clock, &stopped, &noted).await.unwrap();
    assert_eq!(opened(&clock, &cut, &noted).await.unwrap(), good);

    let mut dice = Dice(10);
    let (mut detected, mut harmless) = (0, 0);
    for turn in 0..BITS {
        let (copy, file) = match turn % IN_THE_JOURNAL {
            0 => (&mut cut, 1),
            _ => (&mut stopped, 0),
        };
        let (at, bit) = (dice.below(copy[file].len()), dice.below(8));
        copy[file][at] ^= 1 << bit;
        match opened(&clock, copy, &noted).await {
            Ok(same) if same == good => harmless += 1,
            Ok(other) => panic!(
                "bit {bit} of byte {at} of file {file}: {}",
                first(&other, &good)
            ),
            Err(why) => {
                assert!(!why.is_empty());
                detected += 1;
            }
        }
        copy[file][at] ^= 1 << bit;
    }
    assert!(
        detected > BITS / 10,
        "{detected} detected, {harmless} harmless"
    );
}

/// The first thing that differs.
fn first(other: &Facts, good: &Facts) -> String {
    let differs = |a: &[String], b: &[String]| {
        a.iter()
            .zip(b)
            .find(|(a, b)| a != b)
            .map(|it| format!("{it:?}"))
    };
    differs(&other.runs, &good.runs)
        .or_else(|| differs(&other.steps, &good.steps))
        .or_else(|| differs(&other.lines, &good.lines))
        .unwrap_or_else(|| format!("{:?} {:?}", other.approvals, good.approvals))
}

fn ended(desk: Desk) -> World {
    let Desk { world, api, .. } = desk;
    drop(api);
    world
}

/// Changes what is stored, past everything that keeps it.
fn changed(world: &World, words: &str) {
    let file = world.folder.path().join("estop.db");
    let rows = rusqlite::Connection::open(file).unwrap().execute(words, []);
    assert!(rows.unwrap() > 0, "{words}");
}

#[tokio::test]
async fn d10_the_proof_names_a_run_that_is_no_longer_what_was_sealed() {
    if is_only_for_sqlite("rows of its file") {
        return;
    }
    let desk = story().await;
    let store = &desk.world.service.store;
    let whole = verify_store(store, Noted::default(), |_| ()).await;
    changed(
        &desk.world,
        "update run set state = 'undone' where state = 'contained'",
    );

    let bad = verify_store(store, Noted::default(), |_| ()).await;

    assert!(whole.is_ok(), "{whole:?}");
    let bad = bad.unwrap_err().to_string();
    assert!(bad.contains("what is stored of run_"), "{bad}");
    assert!(bad.contains("its state, `undone`"), "{bad}");
}

#[tokio::test]
async fn d10_nobody_approves_by_terms_that_were_not_sealed() {
    if is_only_for_sqlite("rows of its file") {
        return;
    }
    let forgeries = [
        (
            "update approval set terms = replace(terms, '\"quorum\":2', '\"quorum\":0') where state = 'asked'",
            "its terms",
        ),
        (
            "update approval set expires_at = expires_at + 1048576 where state = 'asked'",
            "its end",
        ),
        (
            "update vote set entra_id = x'00000000000000000000000000000001', name = 'person-9' \
             where approval_id in (select approval_id from approval where state = 'asked')",
            "who said yes",
        ),
        (
            "update step set entity_id = (select entity_id from run where state = 'contained') where state = 'pending'",
            "its steps are not the ones of its plan",
        ),
        (
            "update run set released = 1 where state = 'waiting'",
            "that it was released",
        ),
        (
            "update record set line = replace(line, 'soc-leads', 'soc-feads') where line like '%approval.asked%'",
            "does not fit its seal",
        ),
    ];
    for (forgery, named) in forgeries {
        let desk = story().await;
        let bo = desk.lead(3).await;
        let shown = desk.shown().await;
        let before = desk.world.writes();
        changed(&desk.world, forgery);

        let said = desk.approves(&bo, &shown).await;
        desk.world.settle().await;

        assert!(said.status.is_server_error(), "{forgery}: {}", said.text);
        assert!(said.text.contains(named), "{forgery}: {}", said.text);
        assert_eq!(desk.world.writes(), before, "{forgery}");
    }
}

/// Where the first page of this table lies in the file, once nothing lies in the journal.
fn root_of(folder: &Path, table: &str) -> usize {
    let db = rusqlite::Connection::open(folder.join("estop.db")).unwrap();
    let copied = db.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get(0));
    assert_eq!(copied, Ok(0));
    let root = "select (rootpage - 1) * 4096 from sqlite_schema where name = $1";
    let place: i64 = db.query_row(root, [table], |row| row.get(0)).unwrap();
    usize::try_from(place).unwrap()
}

#[tokio::test]
async fn d10_a_start_refuses_pages_that_do_not_fit() {
    if is_only_for_sqlite("the pages of its file") {
        return;
    }
    let desk = story().await;
    let clock = desk.world.clock.clone();
    let folder = desk.world.folder.path().to_owned();
    let (mut stopped, mut page) = (Vec::new(), 0);
    let world = ended(desk)
        .restart_as(|_| {
            page = root_of(&folder, "run");
            stopped = files(&folder).to_vec();
        })
        .await;
    drop(world);
    let mut stopped: [Vec<u8>; 2] = stopped.try_into().unwrap();
    // How many rows the page has.
    stopped[0][page + 3] ^= 1;

    let refused = opened(&clock, &stopped, &Noted::default())
        .await
        .unwrap_err();

    for part in [
        "cannot be used",
        "The disk may be failing",
        "put the last good copy back",
    ] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
}
