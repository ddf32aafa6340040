//! From the outbox to the log, the counters, and a row for each place that is to be told.

use super::Teller;
use crate::domain::notice::{Notice, TEST_PAGE, Urgency};
use crate::domain::telling::{NewTelling, Whom, Word};
use crate::pager::{Destination, Taking};
use crate::store::Error;
use crate::telemetry::Metrics;

impl Teller {
    /// Tells the log, and writes down who else is to be told, in one commit with the mark.
    pub(super) async fn drain(&self) -> Result<(), Error> {
        let notices = self.store.untold().await?;
        if notices.is_empty() {
            return Ok(());
        }
        let mut tellings = Vec::new();
        for notice in &notices {
            tell(notice, &self.metrics);
            let places = self.places.iter().filter(|place| takes(place, notice));
            tellings.extend(places.map(|place| to_be_told(place, notice)));
        }
        let ids = notices.iter().map(|notice| notice.id).collect();
        self.store.address(ids, tellings, self.clock.now()).await
    }
}

fn tell(notice: &Notice, metrics: &Metrics) {
    Metrics::count(&metrics.notices, notice.urgency.word());
    let run = notice.run.map(|run| run.to_string());
    match notice.urgency {
        Urgency::Page => tracing::error!(notice.id = %notice.id, run.id = run, "{}", notice.text),
        Urgency::Tell => tracing::info!(notice.id = %notice.id, run.id = run, "{}", notice.text),
    }
}

fn takes(place: &Destination, notice: &Notice) -> bool {
    let taking = match notice.urgency {
        Urgency::Page => place.takes.pages,
        Urgency::Tell => place.takes.notices,
    };
    taking == Taking::Yes
}

/// A place further up hears of a page only when nobody has taken it in hand by then.
fn to_be_told(place: &Destination, notice: &Notice) -> NewTelling {
    let after = match notice.urgency {
        // A test is for everyone at once.
        Urgency::Page if notice.key != TEST_PAGE => place.after.unwrap_or_default(),
        Urgency::Page | Urgency::Tell => std::time::Duration::ZERO,
    };
    NewTelling {
        whom: Whom::Page(place.name.clone()),
        word: Word::Raise,
        about: notice.id.uuid(),
        due_at: notice.at.plus(after),
    }
}
