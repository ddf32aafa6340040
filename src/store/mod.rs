//! What happened, where everything stands, and what is left to do: on disk before anyone is told.
//!
//! Knows: SQL, the words and laws of `domain`.
//! Never: Graph, HTTP, YAML, why something is decided.
//!
//! Laws
//! * A change of state, its notice and its record are one transaction, or none.
//! * A state moves only by its law of change, from the state that was expected.
//! * Every write of a worker names its lease's epoch; a lost lease changes nothing.
//! * Nobody hears of success before it is committed; no sender, person or tenant feels its effect
//!   before it is on disk.
//!
//! Read next: `writer`, `write_loop`, `commit`, `journal`, `checkpoint`, `workplace`, `intake`, `deliveries`, `triaged`, `calls`, `claims`, `begin`, `runs`, `steps`,
//! `undo`.

mod access;
mod activation;
mod active;
mod afar;
mod ages;
mod anchors;
mod approvals;
mod asking;
mod at_once;
#[cfg(test)]
mod at_once_tests;
mod attested;
mod baseline;
mod begin;
mod blocks;
mod callbacks;
mod calls;
mod carry;
mod cases;
mod chain;
mod checkpoint;
mod claimed;
mod claims;
mod commit;
mod company;
mod containments;
mod crossing;
mod deliveries;
mod drift_rows;
mod drifts;
mod drills;
mod due;
mod endings;
mod error;
mod evidence;
mod expectations;
mod facts;
mod family;
mod freeze_turns;
mod freezes;
mod hearing;
mod history;
mod holds;
mod intake;
mod inventory;
mod journal;
#[cfg(test)]
mod journal_tests;
mod keeper;
mod lock;
mod migrations;
mod motions;
mod moved;
mod new_run;
mod notices;
mod offline;
mod orders;
mod outbreaks;
mod paging;
mod people;
mod piece;
mod place;
mod postgres;
mod proof;
mod pulls;
mod pulses;
#[cfg(test)]
mod query_plan_tests;
mod records;
mod rehearsed;
mod restraints;
mod retention;
mod room;
mod rows;
mod runs;
mod settings;
mod shared_schema;
mod shipped;
mod silence;
mod sql;
mod sqlite;
mod statuses;
mod steps;
mod stock;
mod strikes;
mod tellings;
mod terms;
mod threads;
mod ties;
mod tokens;
mod triaged;
#[cfg(test)]
mod triaged_tests;
mod tx;
mod unanswered;
mod undo;
mod voting;
mod wolf;
mod workplace;
mod write_loop;
mod writer;
#[cfg(test)]
mod writer_tests;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub use active::{ActiveSet, Instead, RefusedShown, Rehearsal, SetShown};
pub use afar::{Due, TOLD_MAX};
pub use ages::Oldest;
pub use anchors::Cut;
pub use approvals::ApprovalFilter;
pub use asking::NewApproval;
pub use at_once::{AtOnce, Glimpse, Made};
pub use baseline::Offered;
pub use begin::Begun;
pub use callbacks::{Callback, CalledBack};
pub use calls::{NewCall, NewTick};
pub use claimed::{Claimed, StartedStep};
pub use claims::Claim;
pub use company::Company;
pub use containments::{ReadBack, Verified};
pub use crossing::{CrossError, Crossed, Crossing, Obstacle, cross};
pub use deliveries::{Taken, ToRead};
pub use drifts::Watched;
pub use drills::DrillMove;
pub use endings::Ending;
pub use error::{Error, OpenError};
pub use evidence::EvidenceMove;
pub use facts::Facts;
pub use freezes::FreezeFacts;
pub use history::Past;
pub use holds::HeldFilter;
pub use inventory::{ROWS_AT_ONCE, Rollcall};
pub use keeper::KEEPS_MILLIS;
pub use lock::LastEnd;
pub use moved::Movement;
pub use new_run::NewRun;
pub use orders::{Asked, Saw, Taking};
pub use outbreaks::ToCount;
pub use paging::{Held, Which};
pub use people::{NewPerson, StoredPerson};
pub use place::{Host, Place, ServerPlace, SslMode};
pub use pulses::Heard;
pub use retention::Gone;
pub use runs::{LIST_MAX, RunFilter};
pub use settings::{Brake, Standing};
pub use sqlite::Entry;
pub use statuses::Status;
pub use stock::{STOCK_MAX, StockFilter};
pub use strikes::{Started, Strike};
pub use tellings::TellingEnd;
pub use terms::Terms;
pub use ties::Tie;
pub use tokens::{NewToken, StoredToken};
pub use triaged::{Making, Triaged};
pub use undo::Released;
pub use workplace::{Disk, Syncing, Workplace};

use crate::clock::Clock;
use crate::vault::Vault;
use afar::Afar;
use hearing::hear_loop;
use lock::Lock;
use moved::Moved;
use sql::Readers;
use writer::Writer;

/// The store. Cheap to clone; every clone shares one writer.
#[derive(Clone)]
pub struct Store {
    writer: Writer,
    readers: Readers,
    asked: Arc<AtomicU64>,
    moved: Moved,
    afar: Afar,
    /// What opens the bodies of deliveries.
    vault: Arc<Vault>,
    clock: Clock,
    shared: bool,
    /// Keeps other services out for as long as any clone lives.
    lock: Option<Arc<Lock>>,
}

impl Store {
    /// Opens (and where needed creates and migrates) the database. The second part is the writer's
    /// life, which the roof spawns: its thread begins with it and ends with it.
    pub async fn open(
        place: impl Into<Place>,
        entry: Entry,
        clock: Clock,
    ) -> Result<(Self, impl Future<Output = ()> + Send + 'static), OpenError> {
        let way = (entry, Vault::open_door());
        Self::open_at(place, way, (clock, Workplace::Threads)).await
    }

    /// The same, with keys that close the bodies of deliveries, and where its work is done. A
    /// server is never played: its work is done wherever the server is.
    pub async fn open_at(
        place: impl Into<Place>,
        (entry, vault): (Entry, Vault),
        (clock, workplace): (Clock, Workplace),
    ) -> Result<(Self, impl Future<Output = ()> + Send + 'static), OpenError> {
        let vault = Arc::new(vault);
        let mut opened = match place.into() {
            Place::File(path) => sqlite::open(&path, entry, clock.clone()).await?,
            // In a box, as what follows: the way to a server is long, and asked for once.
            Place::Server(server) => Box::pin(postgres::open(&server, clock.clone())).await?,
        };
        if workplace.is_here() {
            opened.readers.stay_here();
        }
        let (moved, afar) = (Moved::default(), Afar::default());
        let shared = opened.hears.is_some();
        let hears = opened.hears.filter(|_| entry == Entry::Service);
        let hearing = hears.map(|server| {
            Box::pin(hear_loop(
                server,
                (moved.clone(), afar.clone()),
                clock.clone(),
            ))
        });
        let (writer, writing) =
            Writer::new(opened.files, (moved.clone(), Arc::clone(&vault)), workplace);
        let life = async move {
            let hearing = async {
                match hearing {
                    Some(hearing) => hearing.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = writing => {}
                () = hearing => {}
            }
        };
        let lock = opened.lock.map(Arc::new);
        Ok((
            Self {
                writer,
                readers: opened.readers,
                asked: Arc::default(),
                moved,
                afar,
                vault,
                clock,
                shared,
                lock,
            },
            life,
        ))
    }
}
