//! One round: everything that is due is tried once, part by part, and what passes waits for later.

use std::time::Duration;

use futures_util::future::join_all;

use super::Gatherer;
use super::parts::{Miss, Reader};
use crate::domain::evidence::{
    Contained, Effective, Evidence, EvidencePart, EvidenceState, KeptPart, PartState, Proof, doors,
};
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, Urgency};
use crate::domain::run::Run;
use crate::store::{Error, EvidenceMove};

/// Longest time spent on one run in one round; what it has kept by then stays kept.
const ROUND_MAX: Duration = Duration::from_secs(60);
/// Shortest and longest pause before a part is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));
/// When sign-ins after containment are looked for, counted from the strike: the log lags by
/// minutes, and an agent may not try at once.
const LOOKS: [Duration; 3] = [
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(60 * 60),
];
/// Before that, a token may still be issued by a replica that has not heard.
const SPREAD: Duration = Duration::from_secs(60);
/// What the record says when a run begins to be put back.
const PUT_BACK: &str = "run.undoing";

impl Gatherer {
    pub(super) async fn round(&self) -> Result<(), Error> {
        let due = self.store.due_evidence(self.clock.now()).await?;
        let each = due.into_iter().map(|evidence| async move {
            let work = self.work_on(evidence);
            // What is not done in time is due still, and comes up again.
            self.clock.within(ROUND_MAX, work).await.unwrap_or(Ok(()))
        });
        join_all(each).await.into_iter().collect()
    }

    async fn work_on(&self, evidence: Evidence) -> Result<(), Error> {
        let Some(run) = self.store.run(evidence.run).await? else {
            return Ok(());
        };
        match evidence.state {
            EvidenceState::Due => self.gather(&run, evidence).await,
            EvidenceState::Watching => self.watch(&run, evidence).await,
            EvidenceState::Complete => Ok(()),
        }
    }

    async fn gather(&self, run: &Run, evidence: Evidence) -> Result<(), Error> {
        let mut kept = self.store.evidence_parts(run.id).await?;
        let began = run.struck_at.or(run.ended_at);
        let late = self.is_late(began.unwrap_or(evidence.asked_at));
        let missing: Vec<EvidencePart> = EvidencePart::ALL
            .into_iter()
            .filter(|part| *part != EvidencePart::Refused && part.is_for(run.entity.kind))
            .filter(|part| !kept.iter().any(|it| it.part == *part))
            .collect();
        let mut later: Option<Duration> = None;
        for part in missing {
            let reader = self.reader(run, &kept);
            match (reader.read(part).await, late) {
                (Err(Miss::Later { after, why }), false) => {
                    tracing::debug!(run.id = %run.id, "evidence, {part}: {why}");
                    later = Some(later.map_or(after, |it| it.max(after)));
                }
                (read, _) => {
                    let one = self.as_kept(part, read);
                    self.keep(run, &mut kept, (one, None)).await?;
                }
            }
        }
        let now = self.clock.now();
        let change = match (later, run.struck_at) {
            (Some(after), _) => EvidenceMove {
                state: EvidenceState::Due,
                due_at: now.plus(after.max(pause(evidence.rounds))),
                rounds: evidence.rounds.saturating_add(1),
            },
            (None, Some(struck)) => EvidenceMove {
                state: EvidenceState::Watching,
                due_at: struck.plus(LOOKS[0]),
                rounds: 0,
            },
            (None, None) => complete(now),
        };
        self.store.move_evidence(run.id, change, now).await
    }

    /// Were attempts to sign in refused while it was contained? Looked for a few times, then that is
    /// that.
    async fn watch(&self, run: &Run, evidence: Evidence) -> Result<(), Error> {
        let (part, now) = (EvidencePart::Refused, self.clock.now());
        let mut kept = self.store.evidence_parts(run.id).await?;
        let Some(struck) = run.struck_at else {
            let one = self.as_kept(part, Err(Miss::Never("it was never struck".to_owned())));
            self.keep(run, &mut kept, (one, None)).await?;
            return self.store.move_evidence(run.id, complete(now), now).await;
        };
        let contained = Contained {
            surely: struck.plus(SPREAD),
            until: self.put_back(run).await?,
        };
        let look = usize::try_from(evidence.rounds).unwrap_or(usize::MAX);
        let next = LOOKS.get(look.saturating_add(1));
        let read = self.reader(run, &kept).sign_ins(part, struck).await;
        let read = read.map(|list| Proof::of(list, contained, now));
        let late = self.is_late(struck.plus(LOOKS[LOOKS.len() - 1]));
        let again = |state, due_at, rounds| EvidenceMove {
            state,
            due_at,
            rounds,
        };
        let change = match (&read, next) {
            (Ok(proof), Some(next)) if proof.effective == Effective::NotTried => {
                let due = struck.plus(*next).max(now.plus(PAUSES.0));
                again(EvidenceState::Watching, due, evidence.rounds + 1)
            }
            (Err(Miss::Later { after, .. }), _) if !late => {
                let due = now.plus((*after).max(PAUSES.0));
                again(EvidenceState::Watching, due, evidence.rounds)
            }
            (Ok(_) | Err(_), _) => complete(now),
        };
        if change.state == EvidenceState::Complete {
            let succeeds = |it: &Proof| it.effective == Effective::StillSucceeds;
            let alarm = read.as_ref().is_ok_and(succeeds).then(|| self.alarm(run));
            let one = self.as_kept(part, read.map(|proof| written(&proof)));
            self.keep(run, &mut kept, (one, alarm)).await?;
        }
        self.store.move_evidence(run.id, change, now).await
    }

    /// When it was to be put back, where it was: from then on a token proves nothing.
    async fn put_back(&self, run: &Run) -> Result<Option<Moment>, Error> {
        let records = self.store.records_of(run.id).await?;
        let back = records.iter().find(|record| record.what == PUT_BACK);
        Ok(back.map(|record| record.at))
    }

    fn is_late(&self, began: Moment) -> bool {
        self.clock.now().since(began) >= self.within
    }

    fn reader<'a>(&'a self, run: &'a Run, kept: &'a [KeptPart]) -> Reader<'a> {
        Reader {
            of: self,
            run,
            kept,
            now: self.clock.now(),
        }
    }

    fn as_kept(&self, part: EvidencePart, read: Result<String, Miss>) -> KeptPart {
        let (state, why, body) = match read {
            Ok(body) => (PartState::Read, None, Some(body)),
            Err(Miss::Never(why)) => (PartState::NotReadable, Some(why), None),
            Err(Miss::Later { why, .. }) => (PartState::GivenUp, Some(why), None),
        };
        KeptPart {
            part,
            state,
            why,
            body,
            at: self.clock.now(),
        }
    }

    async fn keep(
        &self,
        run: &Run,
        kept: &mut Vec<KeptPart>,
        (one, notice): (KeptPart, Option<Notice>),
    ) -> Result<(), Error> {
        kept.push(one.clone());
        let until = run.struck_at.map(|at| at.plus(self.token_lifetime));
        let doors = doors(kept, until);
        self.store.keep_evidence(run.id, one, (doors, notice)).await
    }

    fn alarm(&self, run: &Run) -> Notice {
        let text = format!(
            "{}: {} was issued a token after it was disabled. Look: estop evidence show {}",
            run.id, run.entity, run.id
        );
        let key = format!("{} still succeeds", run.id);
        let mut notice = self
            .store
            .notice(self.clock.now(), Urgency::Page, key, text);
        notice.run = Some(run.id);
        notice
    }
}

pub(super) fn written<T: serde::Serialize>(value: &T) -> String {
    // Texts, numbers, moments and lists of them: they serialize.
    serde_json::to_string(value).unwrap_or_default()
}

fn complete(now: Moment) -> EvidenceMove {
    EvidenceMove {
        state: EvidenceState::Complete,
        due_at: now,
        rounds: 0,
    }
}

fn pause(rounds: u32) -> Duration {
    let (least, most) = PAUSES;
    least.saturating_mul(1 << rounds.min(10)).min(most)
}
