//! The last good set, and what may take its place.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, mpsc};

use super::attempt::{Trials, attempt};
use super::set::{active_set, compare, owners};
use crate::catalog::{Catalog, fingerprint};
use crate::clock::Clock;
use crate::domain::restraint::Activation;
use crate::store::{Error, Instead, Rehearsal, Store};

/// Knocks that may wait: one of changed files, the others of whoever asks.
pub(super) const KNOCKS_MAX: usize = 4;

/// Why the folder is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The service began with it, and its tests are still ahead.
    Start,
    /// Its files changed.
    Files,
    /// Someone at the machine sent SIGHUP.
    Signal,
}

impl Cause {
    /// The word for it in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
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
    trials: Trials,
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
            trials: Trials::default(),
        };
        (reloader, heard)
    }

    /// The same, with its sets tried elsewhere.
    #[must_use]
    pub fn trying(mut self, trials: Trials) -> Self {
        self.trials = trials;
        self
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

    pub(super) const fn trials(&self) -> Trials {
        self.trials
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
        let cause = match cause {
            // Changed since the service began with them: as any other change.
            Cause::Start if before != *tried => Cause::Files,
            Cause::Start | Cause::Files | Cause::Signal => cause,
        };
        let set = attempt(&self.folder, &self.clock, self.trials).await;
        if self.files() != before {
            // It was still being written: what was read may be of two minds.
            return Ok(Reloaded::Same);
        }
        let taken = match (set, cause) {
            (Ok(catalog), Cause::Start) if self.is_in_force(&catalog) => {
                self.passed(&catalog).await?
            }
            (Ok(catalog), Cause::Start | Cause::Files | Cause::Signal) => {
                self.take(catalog, cause).await?
            }
            (Err(refused), Cause::Start) => self.go_back(&before, refused.told()).await?,
            (Err(refused), Cause::Files | Cause::Signal) => {
                let why = (Instead::LastGood, refused.told());
                self.refuse((&before, cause), why).await?
            }
        };
        *tried = before;
        Ok(taken)
    }

    fn is_in_force(&self, catalog: &Catalog) -> bool {
        self.catalog.load().digest() == catalog.digest()
    }

    /// What the service began with is good.
    async fn passed(&self, catalog: &Catalog) -> Result<Reloaded, Error> {
        let digests = catalog.all().map(|one| one.playbook.digest.clone());
        let digests = digests.collect();
        self.store.set_rehearsed(digests, self.clock.now()).await?;
        let set = catalog.digest();
        Ok(Reloaded::InForce { set })
    }

    /// What the service began with gives way to the last set that passed, where one did.
    async fn go_back(&self, files: &str, why: String) -> Result<Reloaded, Error> {
        let texts = self.store.last_rehearsed().await?;
        let texts = texts.iter().map(|(name, text)| (name, text.as_str()));
        let files_of: Vec<_> = texts
            .map(|(name, text)| (format!("{name}.yaml"), text))
            .collect();
        let texts = files_of.iter().map(|(file, text)| (file.as_str(), *text));
        let instead = match Catalog::of_texts(texts) {
            // Written for another version of us, or there was none.
            Err(_) => Instead::Itself,
            Ok(last) if last.all().next().is_none() => Instead::Itself,
            Ok(last) => {
                if !self.is_in_force(&last) {
                    self.take(last, Cause::Start).await?;
                }
                Instead::LastGood
            }
        };
        self.refuse((files, Cause::Start), (instead, why)).await
    }

    async fn take(&self, catalog: Catalog, cause: Cause) -> Result<Reloaded, Error> {
        let before = self.catalog.load_full();
        let mut set = active_set(&catalog, (cause.word(), self.activation));
        // What comes back from the record is in no file.
        if cause != Cause::Start {
            set.owners = owners(&catalog, &self.folder);
        }
        set.rehearsal = Rehearsal::Passed;
        compare(&mut set, (&before, &catalog));
        let digest = set.digest.clone();
        self.store.activate_set(set, self.clock.now()).await?;
        self.catalog.store(Arc::new(catalog));
        tracing::info!("the playbooks of {} are in force", self.folder.display());
        Ok(Reloaded::InForce { set: digest })
    }

    async fn refuse(
        &self,
        (files, cause): (&str, Cause),
        (instead, why): (Instead, String),
    ) -> Result<Reloaded, Error> {
        let at = self.clock.now();
        let files = files.to_owned();
        self.store
            .refuse_set((files, cause.word()), (instead, why.clone()), at)
            .await?;
        Ok(Reloaded::Refused { why })
    }
}
