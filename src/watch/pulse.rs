//! Notice a source that has fallen silent: nothing arrives to tell of it. And how long others wait.
//!
//! Who spoke is known from what the doors have counted. Once a minute what was heard is stored, so
//! that a restart forgets nothing, and every silence is held against what is usual.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::caps::Caps;
use crate::domain::detection::SourceName;
use crate::domain::moment::{Moment, Span};
use crate::domain::notice::Urgency;
use crate::domain::pulse::Silence;
use crate::store::{Error, Heard, Store};
use crate::telemetry::Metrics;

/// How often everyone is listened for.
const EVERY: Duration = Duration::from_secs(60);

/// One source that is listened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listened {
    /// Which.
    pub source: SourceName,
    /// How long it may be silent, where its configuration says so.
    pub silent_after: Option<Duration>,
}

/// What listening needs.
#[derive(Clone)]
pub struct Pulses {
    /// Where pulses are kept.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// What the doors have counted.
    pub metrics: Arc<Metrics>,
    /// Who is listened to.
    pub sources: Vec<Listened>,
    /// The caps in force.
    pub caps: Caps,
}

/// How many words of a source were counted when it was last looked at.
type Counted = BTreeMap<SourceName, u64>;

/// Listens until told to stop.
pub async fn pulse_loop(pulses: Pulses, stop: CancellationToken) {
    let rounds = async {
        let (began, mut counted) = (pulses.clock.now(), Counted::new());
        loop {
            if let Err(error) = pulses.listen(began, &mut counted).await {
                tracing::warn!(%error, "who spoke could not be kept; trying again");
            }
            pulses.clock.sleep(EVERY).await;
        }
    };
    let _ = stop.run_until_cancelled(rounds).await;
}

impl Pulses {
    /// How long the oldest in each queue waits, and how full the cap is.
    async fn weigh(&self, now: Moment) -> Result<(), Error> {
        let (oldest, sources) = (self.store.oldest().await?, &self.metrics.sources);
        for (queue, since) in [
            ("unread", oldest.unread),
            ("queued", oldest.queued),
            ("waiting", oldest.waiting),
            ("untold", oldest.untold),
        ] {
            let waits = since.map_or(Duration::ZERO, |since| now.since(since));
            sources.oldest(queue, waits);
        }
        let used = self.store.cap_used(now.minus(self.caps.window.0)).await?;
        sources.cap(used, self.caps.tenant);
        Ok(())
    }

    async fn listen(&self, began: Moment, counted: &mut Counted) -> Result<(), Error> {
        let now = self.clock.now();
        self.weigh(now).await?;
        for one in &self.sources {
            let words = self.metrics.heard(one.source.as_str());
            let before = counted.get(&one.source).copied().unwrap_or(0);
            if words > before {
                let how = match before {
                    0 => Heard::First,
                    _ => Heard::Again,
                };
                let _ = self.store.pulse(&one.source, now).await?;
                self.store.heard(&one.source, now, how).await?;
                counted.insert(one.source.clone(), words);
            }
            let pulse = self.store.pulse(&one.source, now).await?;
            let silence = pulse.silence(now, one.silent_after, began);
            let too_long = i64::from(silence.is_some());
            let lasts = now.since(pulse.last_at);
            let sources = &self.metrics.sources;
            sources.silence(one.source.as_str(), lasts, too_long);
            if let Some(silence) = silence {
                self.complain(one, (pulse.last_at, silence)).await?;
            }
        }
        Ok(())
    }

    /// Told once for each silence.
    async fn complain(
        &self,
        one: &Listened,
        (last_at, silence): (Moment, Silence),
    ) -> Result<(), Error> {
        let source = &one.source;
        let whole = |span: Duration| Span(Duration::from_secs(span.as_secs() / 60 * 60));
        let limit = match one.silent_after {
            Some(_) => "its configuration allows",
            None => "twice its longest silence of the last 30 days is",
        };
        let notice = self.store.notice(
            self.clock.now(),
            Urgency::Page,
            format!("silent {source} {last_at}"),
            format!(
                "The source {source} has sent nothing since {last_at}, for {} now; {limit} {}. Its \
                 detections may be lost. Look at the sender: its rules, its Logic App, its key",
                whole(silence.lasts),
                whole(silence.limit)
            ),
        );
        self.store.tell_once(notice).await
    }
}
