//! Notice that no worker is alive: what senders and people say is stored, and nobody carries it out.
//!
//! Whoever tells people is a worker, so a part that is none writes it down for whoever looks after
//! the platform: as a figure that is scraped, and as an error once it is certain.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::store::Store;
use crate::telemetry::Metrics;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(15);
/// For so long a worker may be on its way: all parts are started together, or one takes over.
const CERTAIN_AFTER: Duration = Duration::from_secs(60);

/// What looking for a worker needs.
#[derive(Clone)]
pub struct Attendance {
    /// Where one of the workers says that it keeps house.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
}

/// Since when no worker is seen, by our own clock, and whether that was said.
#[derive(Default)]
struct Absence {
    since: Option<Duration>,
    said: bool,
}

/// Looks for a worker until told to stop.
pub async fn attendance_loop(attendance: Attendance, stop: CancellationToken) {
    let rounds = async {
        let mut absence = Absence::default();
        loop {
            attendance.look(&mut absence).await;
            attendance.clock.sleep(EVERY).await;
        }
    };
    let _ = stop.run_until_cancelled(rounds).await;
}

impl Attendance {
    async fn look(&self, absence: &mut Absence) {
        match self.store.keeper().await {
            Ok(Some(_)) => self.seen(absence),
            Ok(None) => self.missed(absence),
            // A store that is away is told by whoever needs it; who works is not known meanwhile.
            Err(error) => tracing::debug!(%error, "whether a worker is alive is not known"),
        }
    }

    fn seen(&self, absence: &mut Absence) {
        if std::mem::take(absence).said {
            tracing::info!("a worker is alive again: what waited is carried out");
        }
        self.metrics.no_worker(Duration::ZERO);
    }

    fn missed(&self, absence: &mut Absence) {
        let now = self.clock.elapsed();
        let gone = now.saturating_sub(*absence.since.get_or_insert(now));
        self.metrics.no_worker(gone);
        if gone >= CERTAIN_AFTER && !absence.said {
            absence.said = true;
            tracing::error!(
                "no worker has been alive for {} s: what is taken and ordered is stored, and nobody \
                 is contained or told; start one: estop serve --role worker",
                gone.as_secs()
            );
        }
    }
}
