//! The last good set, and what may take its place.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, mpsc};

use super::attempt::attempt;
use super::set::{active_set, compare, owners};
use crate::catalog::{Catalog, fingerprint};
use crate::clock::Clock;
use crate::domain::restraint::Activation;
use crate::store::{Error, Store};

/// Knocks that may wait.
const KNOCKS_MAX: usize = 2;

/// Why the folder is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its files changed.
    Files,
    /// Someone at the machine sent SIGHUP.
    Signal,
}

impl Cause {
    /// The word for it in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Signal => "signal",
        }
    }
}

/// What came of a look at the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// These very files were taken or refused before.
    Same,
    /// The set is in force.
    InForce {
        /// Its digest.
        set: String,
    },
    /// The last good set stays.
    Refused {
        /// What is wrong, with its place.
        why: String,
    },
}

/// Takes what a folder holds. Cheap to clone; clones share the catalog and take turns.
#[derive(Clone)]
pub struct Reloader {
    folder: PathBuf,
    store: Store,
    catalog: Arc<ArcSwap<Catalog>>,
    activation: Activation,
    clock: Clock,
    /// The files as they were last tried.
    tried: Arc<Mutex<String>>,
    knock: mpsc::Sender<Cause>,
}

impl Reloader {
    /// Begins with the set that is in force, read from the folder as it is now. The second part is
    /// for the loop that is to be woken.
    pub fn new(
        folder: PathBuf,
        (store, clock): (Store, Clock),
        catalog: Arc<ArcSwap<Catalog>>,
        activation: Activation,
    ) -> (Self, mpsc::Receiver<Cause>) {
        let (knock, heard) = mpsc::channel(KNOCKS_MAX);
        let reloader = Self {
            tried: Arc::new(Mutex::new(fingerprint(&folder))),
            folder,
            store,
            catalog,
            activation,
            clock,
            knock,
        };
        (reloader, heard)
    }

    /// Has the loop look soon. A knock that waits already is enough.
    pub fn knock(&self, cause: Cause) {
        let _ = self.knock.try_send(cause);
    }

    pub(super) fn knocker(&self) -> mpsc::Sender<Cause> {
        self.knock.clone()
    }

    /// The folder that is looked at.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// The files as they are now, as one digest.
    pub(super) fn files(&self) -> String {
        fingerprint(&self.folder)
    }

    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Do the files differ from those that were last tried?
    pub(super) async fn is_due(&self) -> bool {
        self.files() != *self.tried.lock().await
    }

    /// Tries the folder, unless the same files were tried before. A signal tries them again.
    ///
    /// # Errors
    /// When the store cannot record the set; then the last good one stays.
    pub async fn reload(&self, cause: Cause) -> Result<Reloaded, Error> {
        let mut tried = self.tried.lock().await;
        let before = self.files();
        if before == *tried && cause == Cause::Files {
            return Ok(Reloaded::Same);
        }
        let set = attempt(&self.folder, &self.clock).await;
        if self.files() != before {
            // It was still being written: what was read may be of two minds.
            return Ok(Reloaded::Same);
        }
        let taken = match set {
            Ok(catalog) => self.take(catalog, cause).await?,
            Err(refused) => self.refuse((&before, cause), refused.told()).await?,
        };
        *tried = before;
        Ok(taken)
    }

    async fn take(&self, catalog: Catalog, cause: Cause) -> Result<Reloaded, Error> {
        let before = self.catalog.load_full();
        let mut set = active_set(&catalog, (cause.word(), self.activation));
        set.owners = owners(&catalog, &self.folder);
        compare(&mut set, (&before, &catalog));
        let digest = set.digest.clone();
        self.store.activate_set(set, self.clock.now()).await?;
        self.catalog.store(Arc::new(catalog));
        tracing::info!("the playbooks of {} are in force", self.folder.display());
        Ok(Reloaded::InForce { set: digest })
    }

    async fn refuse(&self, (files, cause): (&str, Cause), why: String) -> Result<Reloaded, Error> {
        let at = self.clock.now();
        self.store
            .refuse_set((files.to_owned(), cause.word()), why.clone(), at)
            .await?;
        Ok(Reloaded::Refused { why })
    }
}
