//! On what a service runs: the runtime's workers, or one thread that somebody else drives.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::task::JoinSet;

use crate::reload::Trials;
use crate::store::{Disk, Workplace};

/// On what a service runs.
#[derive(Clone, Default)]
pub enum Ground {
    /// The runtime's workers, and threads of the store's own.
    #[default]
    Threads,
    /// One thread, which whoever plays the machine drives.
    Played {
        /// Takes every loop, and drops them all when the service is to die.
        take: Arc<dyn Fn(BoxFuture<'static, ()>) + Send + Sync>,
        /// On what the store lies.
        disk: Arc<dyn Disk>,
    },
}

/// The loops of one service. Dropping them ends those that the runtime carries.
pub(super) struct Loops {
    ground: Ground,
    tasks: JoinSet<()>,
}

impl Ground {
    pub(super) fn workplace(&self) -> Workplace {
        match self {
            Self::Threads => Workplace::Threads,
            Self::Played { disk, .. } => Workplace::Here(Arc::clone(disk)),
        }
    }
}

impl Loops {
    /// Where changed playbooks are tried.
    pub(super) fn trials(&self) -> Trials {
        match self.ground {
            Ground::Threads => Trials::Apart,
            Ground::Played { .. } => Trials::Here,
        }
    }

    pub(super) fn on(ground: Ground) -> Self {
        let tasks = JoinSet::new();
        Self { ground, tasks }
    }

    pub(super) fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        match &self.ground {
            Ground::Threads => drop(self.tasks.spawn(work)),
            Ground::Played { take, .. } => take(Box::pin(work)),
        }
    }

    /// Waits until no more than so many are left.
    pub(super) async fn until_left(&mut self, most: usize) {
        while self.tasks.len() > most {
            self.tasks.join_next().await;
        }
    }
}
