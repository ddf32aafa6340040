//! Replicas that lag: what reads show of an entity for a while after it was written.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::moment::Moment;
use crate::sim::changes::Aspect;
use crate::sim::faults::Lag;

/// Old states by what changed. A second write of the same aspect replaces the first.
#[derive(Debug, Default)]
pub(in crate::sim) struct Shadows(BTreeMap<(Uuid, Aspect), Shadow>);

#[derive(Debug)]
struct Shadow {
    old: Map<String, Value>,
    lag: Lag,
    since: Moment,
    reads: u32,
}

impl Shadows {
    pub(in crate::sim) fn remember(
        &mut self,
        key: (Uuid, Aspect),
        old: Map<String, Value>,
        (lag, since): (Lag, Moment),
    ) {
        self.0.insert(
            key,
            Shadow {
                old,
                lag,
                since,
                reads: 0,
            },
        );
    }

    /// Lays the old properties over a fresh read, if this read comes from a lagging replica.
    pub(in crate::sim) fn overlay(
        &mut self,
        key: (Uuid, Aspect),
        now: Moment,
        whole: &mut Map<String, Value>,
    ) {
        let Some(shadow) = self.0.get_mut(&key) else {
            return;
        };
        shadow.reads += 1;
        let (is_old, is_over) = match shadow.lag {
            Lag::For(span) => {
                let lags = now.since(shadow.since) < span.0;
                (lags, !lags)
            }
            Lag::Reads(reads) => (shadow.reads <= reads, shadow.reads >= reads),
            Lag::Flapping(reads) => (
                shadow.reads.is_multiple_of(2) && shadow.reads <= reads,
                shadow.reads >= reads,
            ),
        };
        if is_old {
            whole.extend(shadow.old.clone());
        }
        if is_over {
            self.0.remove(&key);
        }
    }
}
