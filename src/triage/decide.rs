//! One entity of a detection, weighed against every playbook. Pure: the same facts give the same
//! answer and the same reasons.

use crate::catalog::Catalog;
use crate::domain::decision::{
    AskReason, Considered, Decision, ObserveReason, StandDownReason, Truth, Verdict,
};
use crate::domain::detection::{Detection, DetectionType, Sighting};
use crate::domain::entity::{EntityKind, TenantId};
use crate::domain::guard::{Guards, Judgement};
use crate::domain::moment::Moment;
use crate::domain::playbook::{Mode, ServiceMode};
use crate::domain::reach::Caller;
use crate::domain::restraint::{HeldBack, Restraints};
use crate::domain::source::May;

/// Everything a decision depends on, beside the detection.
pub struct Weighing<'a> {
    /// The playbooks in force.
    pub catalog: &'a Catalog,
    /// Whom we do not touch.
    pub guards: &'a Guards,
    /// What holds playbooks back.
    pub restraints: &'a Restraints,
    /// What the source may ask for.
    pub may: &'a May,
    /// Our tenant.
    pub tenant: TenantId,
    /// How far the service may go.
    pub service: ServiceMode,
    /// Now.
    pub now: Moment,
    /// Does Entra only tell us what we told it ourselves?
    pub echo: Echo,
}

/// Whose word an `adminConfirmedAgentCompromised` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// Our own `confirm_compromised` came back to us.
    Ours,
    /// Someone else's, or another detection.
    NotOurs,
}

/// Decides for one entity.
pub fn decide(weighing: &Weighing<'_>, detection: &Detection, sighting: &Sighting) -> Decision {
    let entity = sighting.entity;
    if let Some(because) = stands_down(weighing, detection, sighting) {
        return Decision {
            entity,
            verdict: Verdict::StandDown { because },
            considered: Vec::new(),
        };
    }
    let mut considered = weighing
        .catalog
        .considered(detection, sighting, weighing.now);
    for one in considered
        .iter_mut()
        .filter(|one| !weighing.may.call(&one.playbook))
    {
        one.matched = false;
        one.mode = None;
        one.why_not = Some("this source may not call it".to_owned());
    }
    for one in considered.iter_mut().filter(|one| one.matched) {
        hold_back(weighing, (detection, sighting), one);
    }
    let verdict = match weighing.catalog.strongest(&considered) {
        None => Verdict::StandDown {
            because: StandDownReason::NoPlaybookMatches,
        },
        Some(strongest) => weigh(weighing, (detection, sighting), strongest),
    };
    Decision {
        entity,
        verdict,
        considered,
    }
}

/// Lowers the mode of a playbook that is held back, and notes by what.
fn hold_back(weighing: &Weighing<'_>, about: (&Detection, &Sighting), considered: &mut Considered) {
    let Some(playbook) = weighing.catalog.get(&considered.playbook) else {
        return;
    };
    let Some(held) = weighing.restraints.on(playbook, about, weighing.now) else {
        return;
    };
    if considered.mode > Some(held.cap()) {
        considered.mode = Some(held.cap());
        considered.held_back = Some(held);
    }
}

/// What rules an entity out before any playbook is weighed.
fn stands_down(
    weighing: &Weighing<'_>,
    detection: &Detection,
    sighting: &Sighting,
) -> Option<StandDownReason> {
    if detection.detection_type.as_str() == DetectionType::HEARTBEAT {
        return Some(StandDownReason::Synthetic);
    }
    if sighting
        .tenant
        .is_some_and(|tenant| tenant != weighing.tenant)
    {
        return Some(StandDownReason::AnotherTenant);
    }
    if let Some(known) = &sighting.background
        && known.kind != sighting.entity.kind
    {
        return Some(StandDownReason::AnotherKind { is: known.kind });
    }
    if let Judgement::Never { what } = judged(weighing, sighting) {
        return Some(StandDownReason::NeverTouched { what });
    }
    if let Some(kind) = not_allowed(weighing, sighting) {
        let what = format!("entities of kind {kind}");
        return Some(StandDownReason::SourceMayNot { what });
    }
    let unproposable = sighting.background.as_ref();
    if let Some(what) = unproposable.and_then(|known| known.unproposable.clone()) {
        return Some(StandDownReason::NotProposed { what });
    }
    (weighing.echo == Echo::Ours).then_some(StandDownReason::EchoOfOurConfirm)
}

/// The kind that the source may not name. What is reached is reached from whom it names.
fn not_allowed(weighing: &Weighing<'_>, sighting: &Sighting) -> Option<EntityKind> {
    let may = |kind: &EntityKind| weighing.may.entities.contains(kind);
    let own = sighting.entity.kind;
    let reached = sighting.reached();
    if reached.is_empty() {
        return (!may(&own)).then_some(own);
    }
    let allowed = reached.iter().any(|one| may(&one.from.kind));
    (!allowed).then_some(own)
}

fn judged(weighing: &Weighing<'_>, sighting: &Sighting) -> Judgement {
    let kin = sighting.background.iter().flat_map(|known| &known.kin);
    let ids = [sighting.entity.id].into_iter().chain(sighting.blueprint);
    weighing.guards.judge(ids.chain(kin.copied()))
}

fn weigh(
    weighing: &Weighing<'_>,
    (detection, sighting): (&Detection, &Sighting),
    strongest: &Considered,
) -> Verdict {
    let playbook = strongest.playbook.clone();
    if let Some(because) = stands_still(weighing, strongest) {
        return Verdict::Observe { playbook, because };
    }
    let because = if judged(weighing, sighting) == Judgement::Protected {
        Some(AskReason::EntityIsProtected)
    } else {
        asked_whatever(detection, sighting).or_else(|| asks_first(weighing, strongest))
    };
    match because {
        Some(because) => Verdict::AskFirst { playbook, because },
        None if capped(weighing, strongest) == Mode::Provisional => {
            Verdict::Provisional { playbook }
        }
        None => Verdict::Respond { playbook },
    }
}

/// Why people are asked even where the playbook would act by itself.
fn asked_whatever(detection: &Detection, sighting: &Sighting) -> Option<AskReason> {
    let called = detection.called.as_ref();
    if called.is_some_and(|called| called.ask_first) {
        return Some(AskReason::RequesterMayOnlyAsk);
    }
    let outbreak = Caller::of(&detection.source) == Some(Caller::Outbreak);
    let proposed = sighting.reached().iter().any(|one| one.by.only_proposes());
    (outbreak || proposed).then_some(AskReason::OnlyProposed)
}

/// How far it may go, with the source's word applied.
fn capped(weighing: &Weighing<'_>, strongest: &Considered) -> Mode {
    let own = strongest.mode.unwrap_or(Mode::Observe);
    own.min(weighing.may.mode)
}

/// Why people must be asked before anything is done, if they must.
fn asks_first(weighing: &Weighing<'_>, strongest: &Considered) -> Option<AskReason> {
    let playbook = weighing.catalog.get(&strongest.playbook)?;
    match capped(weighing, strongest) {
        Mode::Enforce => None,
        // A playbook that does not say what silence means cannot be held provisionally.
        Mode::Provisional if playbook.approval.is_some() => None,
        Mode::Observe | Mode::Ask | Mode::Provisional => {
            Some(match (strongest.mode, strongest.held_back) {
                (_, Some(HeldBack::Demoted)) => AskReason::PlaybookDemoted,
                (_, Some(HeldBack::Expected { .. })) => AskReason::ChangeExpected,
                (Some(Mode::Ask), _) if playbook.mode == Mode::Ask => AskReason::PlaybookAsks,
                (Some(Mode::Ask), _) => AskReason::ClauseUnknown,
                (Some(Mode::Observe | Mode::Provisional | Mode::Enforce) | None, _) => {
                    AskReason::SourceMayOnlyAsk
                }
            })
        }
    }
}

/// The first of the things that keep a matching playbook from acting.
fn stands_still(weighing: &Weighing<'_>, strongest: &Considered) -> Option<ObserveReason> {
    let written = weighing
        .catalog
        .get(&strongest.playbook)
        .map(|playbook| playbook.mode);
    if written.is_none_or(|mode| mode == Mode::Observe) {
        return Some(ObserveReason::PlaybookObserves);
    }
    if strongest.held_back == Some(HeldBack::NotActivated) {
        return Some(ObserveReason::NotActivated);
    }
    let unknown = |clause: &crate::domain::decision::ClauseValue| clause.truth == Truth::Unknown;
    if strongest.mode == Some(Mode::Observe)
        && strongest.when.iter().chain(&strongest.unless).any(unknown)
    {
        return Some(ObserveReason::ClauseUnknown);
    }
    if weighing.may.mode == Mode::Observe {
        return Some(ObserveReason::SourceMayOnlyObserve);
    }
    (weighing.service.caps(Mode::Enforce) == Mode::Observe)
        .then_some(ObserveReason::ServiceObserves)
}
