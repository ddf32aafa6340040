//! Begun where it is made: claim and beginning stand in the transaction that makes the run, and the
//! worker is handed what it would have had to look for. Whom it strikes may have been read by then, too:
//! then its step starts here as well, and a commit less is on its way.

use std::fmt;
use std::sync::Arc;

use serde_json::json;

use super::begin::hold_back;
use super::claimed::{Claimed, StartedStep};
use super::claims::Claim;
use super::company::weigh;
use super::error::Error;
use super::new_run::{Cause, NewRun, insert_begun, insert_run};
use super::room::{self, Needs};
use super::settings::standing_in;
use super::strikes::{self, Started, Strike};
use super::writer::Tx;
use crate::domain::caps::Caps;
use crate::domain::detection::SourceName;
use crate::domain::id::{NoticeId, RunId};
use crate::domain::inventory::Certain;
use crate::domain::moment::Moment;
use crate::domain::plan::PlanStep;
use crate::domain::playbook::Mode;
use crate::domain::record::Record;
use crate::domain::run::{Run, RunEvent, RunLease, RunState};
use crate::domain::step::{Before, Step, StepEvent, StepState};
use crate::domain::unproved::unproved;

/// For whom a run is begun as soon as it is made.
#[derive(Clone, Debug)]
pub struct AtOnce {
    /// Whose lease it is.
    pub claim: Claim,
    /// The service's caps.
    pub caps: Caps,
    /// Steps, by their position, that start there and then, because whom they are about is certain.
    pub certain: Vec<(u16, Certain)>,
    /// Where nobody is certain: what a look at whom it strikes first has read by now.
    pub glimpse: Option<Glimpse>,
}

/// Tells what a look has read by now, once: nobody waits for it here.
#[derive(Clone)]
pub struct Glimpse(Arc<dyn Fn() -> Option<Strike> + Send + Sync>);

impl Glimpse {
    /// `read` answers the step that strikes whom was read, with what was there before it.
    pub fn new(read: impl Fn() -> Option<Strike> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }
}

impl fmt::Debug for Glimpse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Glimpse")
    }
}

impl AtOnce {
    /// Nobody is certain, and nobody looks.
    pub const fn new(claim: Claim, caps: Caps) -> Self {
        let certain = Vec::new();
        Self {
            claim,
            caps,
            certain,
            glimpse: None,
        }
    }
}

/// What became of a run that was made.
#[derive(Clone, Debug)]
pub enum Made {
    /// It is due, or waits for people.
    Left(RunId),
    /// It is begun, and whoever holds this carries it out.
    Begun(Box<Claimed>),
    /// It is above a cap and waits for a person's release.
    Held {
        /// Which.
        run: RunId,
        /// Why.
        because: String,
    },
}

/// Makes a run and begins it. Where writes are stopped it is left to the workers, who try it again
/// for as long as that lasts. `fresh` names the notice that it may lead to.
pub(super) async fn make_begun(
    tx: &mut Tx,
    (new, cause): (&NewRun, &Cause<'_>),
    at_once: &AtOnce,
    (fresh, at): (NoticeId, Moment),
) -> Result<Made, Error> {
    let enforced = new.mode != Mode::Observe;
    if enforced && standing_in(tx).await?.stops_writes() {
        insert_run(tx, new, cause, at).await?;
        return Ok(Made::Left(new.id));
    }
    let strikes = new.plan.steps.iter().any(|step| step.action.contains());
    if enforced && strikes {
        let caps = super::motions::caps_in_force(tx, at_once.caps, at).await?;
        if let Err(reached) = room::take(tx, needs(new, cause), caps, at).await? {
            insert_run(tx, new, cause, at).await?;
            let since = at.minus(caps.window.0);
            let because = reached.to_string();
            hold_back(tx, new.id, &because, (at, since, fresh)).await?;
            let run = new.id;
            return Ok(Made::Held { run, because });
        }
    }
    let state = moved(RunState::Queued.after(RunEvent::Begun))?;
    let mut claimed = claimed(new, cause, (state, at))?;
    claimed.started = unread(tx, &claimed, &at_once.certain).await?;
    insert_begun(tx, (new, cause), (&claimed, &at_once.claim), at).await?;
    let detail = json!({ "was": RunState::Queued, "because": null });
    let record = Record::new(at, &format!("run.{}", state.word()), detail);
    tx.record(&record.about_run(new.id)).await?;
    let run = (new.id, new.terms.hold_for);
    for step in &claimed.steps {
        if let Some(unread) = claimed.started(step.position) {
            let strike = strike(step, unread.started.before.clone());
            strikes::started(tx, run, (&strike, step.plan.action), at).await?;
        }
    }
    let read = read(tx, &claimed, at_once, at).await?;
    claimed.started.extend(read);
    Ok(Made::Begun(Box::new(claimed)))
}

/// Starts the step that strikes whom a look has read by now.
async fn read(
    tx: &mut Tx,
    claimed: &Claimed,
    at_once: &AtOnce,
    at: Moment,
) -> Result<Option<StartedStep>, Error> {
    let glimpsed = at_once.glimpse.as_ref().and_then(|Glimpse(read)| read());
    let Some(strike) = glimpsed else {
        return Ok(None);
    };
    let mut steps = claimed.steps.iter();
    let tried = |step: &&Step| step.position == strike.position && step.begun_at.is_some();
    let Some(step) = steps.find(tried) else {
        return Ok(None);
    };
    let run = &claimed.run;
    let run = (run.id, run.playbook.to_string(), claimed.terms.hold_for);
    let started = strikes::start(tx, run, (step, strike), at).await?;
    Ok(Some(StartedStep {
        position: step.position,
        ids: Vec::new(),
        started,
    }))
}

/// What is stored of each step that starts before anything was read.
async fn unread(
    tx: &mut Tx,
    claimed: &Claimed,
    certain: &[(u16, Certain)],
) -> Result<Vec<StartedStep>, Error> {
    let mut unread = Vec::with_capacity(certain.len());
    for (position, Certain(ids)) in certain {
        let position = *position;
        let mut steps = claimed.steps.iter();
        let Some(step) = steps.find(|step| step.position == position && step.begun_at.is_some())
        else {
            continue;
        };
        let mut strike = strike(
            step,
            Before::Unproven {
                id: step.plan.entity.id,
            },
        );
        let run = (claimed.run.id, claimed.run.playbook.to_string());
        let company = weigh(tx, run, &mut strike).await?;
        let before = strike.before;
        unread.push(StartedStep {
            position,
            ids: ids.clone(),
            started: Started { before, company },
        });
    }
    Ok(unread)
}

fn strike(step: &Step, before: Before) -> Strike {
    Strike {
        position: step.position,
        before,
        closes: vec![step.plan.entity],
    }
}

fn needs(new: &NewRun, cause: &Cause<'_>) -> Needs {
    Needs {
        entity: new.plan.entity,
        source: cause.source.map(SourceName::to_string).unwrap_or_default(),
        playbook: new.playbook.to_string(),
        terms: new.terms.clone(),
    }
}

/// The run as it is stored: claimed for the first time, begun, and every step that is tried now
/// counts an attempt.
fn claimed(
    new: &NewRun,
    cause: &Cause<'_>,
    (state, at): (RunState, Moment),
) -> Result<Claimed, Error> {
    let mut run = Run {
        id: new.id,
        detection: cause.detection,
        order: cause.order,
        source: cause.source.cloned(),
        playbook: new.playbook.clone(),
        entity: new.plan.entity,
        mode: new.mode,
        state,
        because: None,
        plan_digest: new.plan.digest(),
        received_at: cause.received_at,
        begun_at: Some(at),
        struck_at: None,
        contained_at: None,
        ended_at: None,
        coverage: None,
    };
    run.coverage = Some(unproved(&run));
    let steps = (0..).zip(&new.plan.steps);
    let steps = steps.map(|(position, plan)| first_try(new.mode, (position, plan), at));
    Ok(Claimed {
        lease: RunLease {
            run: new.id,
            epoch: 1,
        },
        run,
        steps: steps.collect::<Result<_, _>>()?,
        terms: new.terms.clone(),
        attempts: 1,
        risk: None,
        prior: None,
        ordered_at: None,
        kept: false,
        begun: true,
        started: Vec::new(),
        reopened: Vec::new(),
    })
}

/// A step with its first attempt counted, unless it waits until a person keeps the containment.
fn first_try(mode: Mode, (position, plan): (u16, &PlanStep), at: Moment) -> Result<Step, Error> {
    let waits = mode == Mode::Provisional && plan.action.waits_for_keep();
    let (state, attempts, begun_at) = if waits {
        (StepState::Pending, 0, None)
    } else {
        let state = moved(StepState::Pending.after(StepEvent::Tried))?;
        (state, 1, Some(at))
    };
    Ok(Step {
        position,
        plan: *plan,
        state,
        outcome: None,
        attempts,
        before: None,
        evidence: None,
        begun_at,
        ended_at: None,
        undo: None,
    })
}

fn moved<T>(moved: Result<T, impl std::fmt::Display>) -> Result<T, Error> {
    moved.map_err(|illegal| Error::Refused(illegal.to_string()))
}
