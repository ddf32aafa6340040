//! One file's text to one playbook.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::asking::{self, Modes};
use super::audience;
use super::clause::Clause;
use super::code::Code;
use super::fault::{Fault, Faults};
use super::fields::{self, Map, Words};
use super::limits;
use super::named;
use super::reach;
use super::steps::{self, Placed};
use super::trigger;
use super::written;
use super::yaml::{self, Entry, Shape};
use crate::domain::approval::ApprovalTerms;
use crate::domain::entity::EntityKind;
use crate::domain::param::ParamKind;
use crate::domain::playbook::{
    Also, Audience, Call, ClauseText, Guardrail, HoldFor, Mode, Playbook, PlaybookName, Reach,
    StepSpec, Trigger,
};

/// Longest summary or owner, in characters.
pub(super) const LINE_MAX: usize = 300;

pub(super) const KEYS: Words<'static> = Words {
    noun: "key",
    known: &[
        "playbook",
        "summary",
        "owner",
        "trigger",
        "when",
        "unless",
        "on_unknown",
        "entity",
        "via",
        "also",
        "mode",
        "recommended",
        "guardrail",
        "approval",
        "steps",
        "hold",
        "notify",
    ],
    later: &["activation"],
};
pub(super) const MODES: Words<'static> = Words {
    noun: "mode",
    known: &["observe", "ask", "provisional", "enforce"],
    later: &[],
};

/// A playbook with its compiled clauses and the text it came from.
pub struct Loaded {
    /// The playbook, as everyone else knows it.
    pub playbook: Arc<Playbook>,
    /// The file's text, which its digest is of.
    pub text: Arc<str>,
    /// What its author should look at, though it is taken: warnings and notes.
    pub remarks: Vec<Fault>,
    pub(super) when: Vec<Clause>,
    pub(super) unless: Vec<Clause>,
}

/// Reads and checks one playbook. `file` is only for messages and the name: `x/NAME.yaml` must
/// hold the playbook `NAME`.
///
/// # Errors
/// Everything that was found wrong, errors first, at most [`super::FAULTS_MAX`].
pub fn read(file: &str, text: &str) -> Result<Loaded, Vec<Fault>> {
    let mut faults = Faults::none_in(file, text);
    let parts = yaml::tree(text, &mut faults).and_then(|root| {
        let at = match &root.shape {
            Shape::Map(entries) => entries.first().map(|entry| entry.key_span.clone()),
            Shape::Text { .. } | Shape::List(_) | Shape::Reported => None,
        };
        let map = Map::of(&root, "a playbook", &at.unwrap_or(0..0), &mut faults)?;
        parts(&map, file, &mut faults)
    });
    if faults.refuse() {
        return Err(faults.told());
    }
    let Some(parts) = parts else {
        faults
            .error(&(0..text.len().min(1)), "this file holds no playbook")
            .coded(Code::Missing)
            .help("it begins with `playbook: NAME`");
        return Err(faults.told());
    };
    Ok(parts.loaded(faults))
}

/// What a file says, part by part; all of it was read without an error.
struct Parts {
    name: PlaybookName,
    summary: String,
    owner: Option<String>,
    trigger: Trigger,
    when: Vec<Clause>,
    unless: Vec<Clause>,
    on_unknown: Mode,
    entity: EntityKind,
    via: Vec<Reach>,
    also: Vec<Also>,
    mode: Mode,
    recommended: Option<Mode>,
    guardrail: Option<Guardrail>,
    approval: Option<ApprovalTerms>,
    steps: Vec<StepSpec>,
    hold: Option<HoldFor>,
    notify: Vec<Audience>,
}

impl Parts {
    fn loaded(self, faults: Faults) -> Loaded {
        let text = Arc::clone(faults.text());
        let texts = |clauses: &[Clause]| -> Vec<ClauseText> {
            clauses.iter().map(|clause| clause.text().clone()).collect()
        };
        let playbook = Playbook {
            name: self.name,
            digest: hex::encode(Sha256::digest(text.as_bytes())),
            summary: self.summary,
            owner: self.owner,
            trigger: self.trigger,
            when: texts(&self.when),
            unless: texts(&self.unless),
            on_unknown: self.on_unknown,
            entity: self.entity,
            via: self.via,
            also: self.also,
            mode: self.mode,
            recommended: self.recommended,
            guardrail: self.guardrail,
            approval: self.approval,
            steps: self.steps,
            hold: self.hold,
            notify: self.notify,
        };
        Loaded {
            playbook: Arc::new(playbook),
            text,
            remarks: faults.told(),
            when: self.when,
            unless: self.unless,
        }
    }
}

fn parts(map: &Map<'_>, file: &str, faults: &mut Faults) -> Option<Parts> {
    map.only(&KEYS, faults);
    let name = map
        .must("playbook", faults)
        .and_then(|e| named::name(e, file, faults));
    let summary = map
        .must("summary", faults)
        .and_then(|e| line(e, "summary", faults));
    let owner = optional(map.get("owner"), |e| line(e, "owner", faults));
    let trigger = map
        .must("trigger", faults)
        .and_then(|e| trigger::read(e, faults));
    let params = trigger.as_ref().map(params).unwrap_or_default();
    let clauses = written::clauses(map, &params, faults);
    let on_unknown = written::on_unknown(map, faults);
    let entity = map
        .must("entity", faults)
        .and_then(|e| reach::entity(e, faults));
    let via = reach::via(map, entity, faults);
    let also = reach::also(map, entity, faults);
    let mode = map.must("mode", faults).and_then(|e| mode_of(e, faults));
    let recommended = optional(map.get("recommended"), |e| mode_of(e, faults));
    let guardrail = optional(map.get("guardrail"), |e| limits::guardrail(e, faults));
    let approval = optional(map.get("approval"), |e| asking::approval(e, faults));
    let modes = [
        ("mode", mode),
        ("recommended", recommended.flatten()),
        ("on_unknown", on_unknown),
    ];
    asking::check_approval(map, &modes, faults);
    if let (Some(trigger), Some(entity), Some(via)) = (&trigger, entity, &via) {
        reach::check_call(map, (trigger, entity, via), &modes, faults);
    }
    let steps = map
        .must("steps", faults)
        .and_then(|e| steps::read(e, faults));
    let hold = optional(map.get("hold"), |e| limits::hold(e, faults));
    if let Some(steps) = &steps {
        check_steps(map, steps, (entity, also.as_deref(), &modes), faults);
        if let Some(Some(hold)) = hold {
            let approval = approval.as_ref().and_then(Option::as_ref);
            asking::check_hold(map, (hold, approval), (&modes, steps), faults);
        }
    }
    let notify = audience::read(map.get("notify"), faults);
    if map.get("guardrail").is_none() {
        reach::guarded(map, (mode, entity), faults);
    }
    if let Some(Some(guardrail)) = guardrail {
        reach::blueprints(map, guardrail, (entity, &modes), faults);
    }
    let (when, unless) = clauses?;
    Some(Parts {
        name: name?,
        summary: summary?,
        owner: owner?,
        trigger: trigger?,
        when,
        unless,
        on_unknown: on_unknown?,
        entity: entity?,
        via: via?,
        also: also?,
        mode: mode?,
        recommended: recommended?,
        guardrail: guardrail?,
        approval: approval?,
        steps: steps?.iter().map(Placed::spec).collect(),
        hold: hold?,
        notify: notify?,
    })
}

/// The steps, held against everything else the playbook says.
fn check_steps(
    map: &Map<'_>,
    steps: &[Placed<'_>],
    (entity, also, modes): (Option<EntityKind>, Option<&[Also]>, &Modes<'_>),
    faults: &mut Faults,
) {
    if let Some(also) = also {
        steps::check(steps, entity, also, faults);
        reach::unused_also(map, steps, also, faults);
        asking::check_always(steps, modes, faults);
    }
    asking::check_provisional(map, modes, steps, faults);
}

/// What clauses may ask for beside the facts.
fn params(trigger: &Trigger) -> BTreeMap<String, ParamKind> {
    match &trigger.call {
        Call::Manual { params } => params.clone(),
        Call::Each | Call::Together(_) | Call::Schedule { .. } => BTreeMap::new(),
    }
}

/// Left out is fine; there and wrong is not.
fn optional<'n, T>(
    entry: Option<&'n Entry>,
    read: impl FnOnce(&'n Entry) -> Option<T>,
) -> Option<Option<T>> {
    match entry {
        Some(entry) => read(entry).map(Some),
        None => Some(None),
    }
}

fn line(entry: &Entry, key: &str, faults: &mut Faults) -> Option<String> {
    let text = fields::text(&entry.value, key, faults)?.trim();
    if text.chars().count() > LINE_MAX {
        let what = format!("`{key}` is longer than {LINE_MAX} characters");
        faults.error(&entry.key_span, what);
        return None;
    }
    Some(text.to_owned())
}

fn mode_of(entry: &Entry, faults: &mut Faults) -> Option<Mode> {
    Mode::from_word(MODES.read(&entry.value, faults)?)
}
