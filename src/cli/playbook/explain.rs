//! `estop playbook explain`: every playbook's why and why-not, with each clause's value.

use std::path::Path;

use serde_json::json;

use super::super::Room;
use super::super::answers::{Answer, Failure};
use super::super::args::ExplainArgs;
use super::super::exit::Exit;
use super::super::terminal::Terminal;
use super::super::token::{unreadable, visit};
use super::sets::Desk;
use crate::catalog::{Catalog, Decided};
use crate::domain::decision::{ClauseValue, Considered, Decision, Truth};
use crate::domain::detection::{Detection, SourceName};
use crate::domain::id::DetectionId;
use crate::domain::moment::Moment;
use crate::domain::reading::ReaderKind;
use crate::rehearse::{Readable, reason};
use crate::store::Past;

pub(super) async fn explain(room: &mut Room, args: &ExplainArgs) -> Answer {
    let desk = Desk::of(room, args.set.store.config.as_deref())?;
    let catalog = desk.playbooks(&args.set)?;
    let (detection, before) = match args.what.parse::<DetectionId>() {
        Ok(id) => stored(room, args, id).await?,
        Err(_) => (from_file(room, &desk, args)?, Vec::new()),
    };
    let at = args.at.unwrap_or(detection.received_at);
    let judge = desk.judge(&catalog, desk.tenant(Some(&detection)));
    let decisions = judge.decide(&detection, at, &before);
    if room.terminal.wants_json() {
        let told = json!({ "detection": detection, "at": at, "decisions": decisions });
        room.terminal.json(&told);
        return Ok(Exit::Done);
    }
    heading(&mut room.terminal, &detection, at);
    for decision in &decisions {
        tell(&mut room.terminal, &catalog, decision, args.short.into());
    }
    Ok(Exit::Done)
}

/// Which playbooks are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Every,
    /// Those whose trigger held.
    Called,
}

impl From<bool> for Told {
    fn from(short: bool) -> Self {
        if short { Self::Called } else { Self::Every }
    }
}

async fn stored(room: &Room, args: &ExplainArgs, id: DetectionId) -> Result<Past, Failure> {
    let found = visit(room, &args.set.store, async |store| {
        store.detection(id).await.map_err(unreadable)
    });
    let found = found.await?;
    found.ok_or_else(|| Failure::new(Exit::NotFound, format!("there is no {id} in the store")))
}

fn from_file(room: &Room, desk: &Desk, args: &ExplainArgs) -> Result<Detection, Failure> {
    let reader = match args.reader.as_deref() {
        None => None,
        Some(word) => Some(ReaderKind::from_word(word).ok_or_else(|| {
            let known = ReaderKind::ALL.map(ReaderKind::word).join(" or ");
            Failure::usage(format!("there is no reader `{word}`; there is {known}"))
        })?),
    };
    let source = SourceName::new(&args.source)
        .ok_or_else(|| Failure::usage(format!("`{}` is no name of a source", args.source)))?;
    read_file(
        (room, desk),
        Path::new(&args.what),
        (reader, source),
        args.at,
    )
}

/// The detection in a file, as its source's reader reads it, else as any does.
pub(super) fn read_file(
    (room, desk): (&Room, &Desk),
    path: &Path,
    (reader, source): (Option<ReaderKind>, SourceName),
    at: Option<Moment>,
) -> Result<Detection, Failure> {
    let shown = path.display();
    let body = std::fs::read(path).map_err(|why| {
        Failure::usage(format!("{shown}: {why}"))
            .fix("name a file, or a stored detection as det_ and 26 letters")
    })?;
    let terms = desk.sources.get(&source);
    let mut readable = Readable {
        reader: reader.or(terms.map(|terms| terms.reader)),
        types: terms.map(|terms| terms.types.clone()).unwrap_or_default(),
        mapping: terms.and_then(|terms| terms.mapping.clone()),
        source,
        tenant: desk.tenant(None),
        id: DetectionId::from_uuid(room.clock.uuid()),
        at: at.unwrap_or_else(|| room.clock.now()),
    };
    let refused = |why: String| Failure::new(Exit::Failed, format!("{shown}: {why}"));
    let first = readable.read(&body).map_err(refused)?;
    if desk.config.is_some() {
        return Ok(first);
    }
    // Without a configuration the tenant it names is ours.
    readable.tenant = desk.tenant(Some(&first));
    readable.read(&body).map_err(refused)
}

fn heading(terminal: &mut Terminal, detection: &Detection, at: Moment) {
    terminal.line(&format!(
        "{}  {}, {}, from {}, asked at {at}",
        detection.id, detection.detection_type, detection.severity, detection.source
    ));
    for remark in &detection.remarks {
        terminal.line(&format!("  {remark}"));
    }
}

fn tell(terminal: &mut Terminal, catalog: &Catalog, decision: &Decision, told: Told) {
    let word = Decided::of(&decision.verdict).word();
    let because = reason(&decision.verdict).map_or(String::new(), |why| format!(": {why}"));
    terminal.line("");
    terminal.line(&format!("{}  {word}{because}", decision.entity));
    let strongest = catalog.strongest(&decision.considered);
    for one in &decision.considered {
        if told == Told::Called && one.why_not.is_some() {
            continue;
        }
        let chosen = strongest.is_some_and(|strongest| strongest.playbook == one.playbook);
        terminal.line(&format!(
            "  {} {}  {}",
            if chosen { "=>" } else { "  " },
            one.playbook,
            in_a_word(one)
        ));
        let when = one.when.iter().map(|clause| ("when", clause));
        let unless = one.unless.iter().map(|clause| ("unless", clause));
        for (list, clause) in when.chain(unless) {
            terminal.line(&in_a_line(list, clause));
        }
    }
}

fn in_a_word(one: &Considered) -> String {
    match (&one.why_not, one.mode) {
        (Some(why_not), _) => format!("not called: {why_not}"),
        (None, Some(mode)) => format!("matched, {mode}"),
        (None, None) => "called, and a clause speaks against it".to_owned(),
    }
}

fn in_a_line(list: &str, clause: &ClauseValue) -> String {
    let truth = match clause.truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unknown => "unknown",
    };
    let because = clause.because.as_deref();
    let because = because.map_or(String::new(), |why| format!("  ({why})"));
    format!(
        "       {list} {}: {truth:<8} {}{because}",
        clause.name, clause.text
    )
}
