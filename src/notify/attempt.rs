//! One attempt: counted, made, and its end stored.

use std::time::Duration;

use super::{Teller, words};
use crate::domain::id::NoticeId;
use crate::domain::record::Actor;
use crate::domain::telling::{DestinationName, Telling, Whom, Word};
use crate::pager::{Destination, Error as Far, Page};
use crate::store::{Error, Held, TellingEnd};

/// The first pause after an attempt that was not taken; it doubles.
const PAUSE: Duration = Duration::from_secs(2);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// Pause where a person must mend something first.
const PAUSE_MEND: Duration = Duration::from_secs(900);
/// A process that dies in an attempt tries again after this; longer than any attempt takes.
const TAKEN_UP_AFTER: Duration = Duration::from_secs(90);

/// How it ended, with what was heard.
pub(super) type Ended = (TellingEnd, String);

/// Makes one attempt at one thing, and stores what became of it.
pub(super) async fn make(teller: &Teller, telling: Telling) -> Result<(), Error> {
    let again_at = teller.clock.now().plus(TAKEN_UP_AFTER);
    if !teller.store.try_telling(&telling, again_at).await? {
        return Ok(());
    }
    let tried = Telling {
        attempts: telling.attempts.saturating_add(1),
        ..telling
    };
    let (end, said) = match &tried.whom {
        Whom::Page(name) => page(teller, &tried, name).await?,
        Whom::Sponsors => teller.address_sponsors(&tried).await?,
        Whom::SponsorsBy(name) => teller.tell_sponsors(&tried, name).await?,
        Whom::Incident => teller.tell_incident(&tried).await?,
    };
    note(teller, &tried, (&end, &said));
    let at = teller.clock.now();
    teller.store.telling_ended(&tried, (end, said), at).await
}

async fn page(teller: &Teller, tried: &Telling, name: &DestinationName) -> Result<Ended, Error> {
    let Some(place) = teller.place(name) else {
        return Ok(gone(name));
    };
    let id = NoticeId::from_uuid(tried.about);
    let Some(held) = teller.store.held_notice(id).await? else {
        return Ok((TellingEnd::Moot, "its notice is gone".to_owned()));
    };
    if tried.word == Word::Raise
        && place.after.is_some()
        && let Some(who) = acknowledged_elsewhere(teller, &held, name).await
    {
        let at = teller.clock.now();
        let moot = (TellingEnd::Moot, format!("acknowledged at {who}"));
        // First, so that this place is not told of an alarm it never heard.
        teller.store.telling_ended(tried, moot.clone(), at).await?;
        teller.store.acknowledge(id, Actor(who), at).await?;
        return Ok(moot);
    }
    Ok(send(
        teller,
        place,
        tried,
        &words::page(teller, tried, &held.notice),
    )
    .await)
}

pub(super) fn gone(name: &DestinationName) -> Ended {
    let said = format!("`page.{name}` is no longer configured");
    (TellingEnd::Moot, said)
}

/// Has somebody taken it in hand where it was told before?
async fn acknowledged_elsewhere(
    teller: &Teller,
    held: &Held,
    name: &DestinationName,
) -> Option<String> {
    let thread = words::thread(&held.notice.key);
    for place in teller.places.iter().filter(|place| place.name != *name) {
        // What cannot be asked has not been acknowledged: one page too many is the safer end.
        if let Some(Ok(true)) = place.acknowledged(&teller.way, &thread).await {
            return Some(format!("page:{}", place.name));
        }
    }
    None
}

pub(super) async fn send(
    teller: &Teller,
    place: &Destination,
    tried: &Telling,
    page: &Page,
) -> Ended {
    match place.send(&teller.way, page).await {
        Ok(heard) => (TellingEnd::Told, heard),
        Err(error) => failed(teller, tried, &error),
    }
}

fn failed(teller: &Teller, tried: &Telling, error: &Far) -> Ended {
    let (pause, said) = match error {
        Far::TryAgain { after, .. } => (after.unwrap_or_else(|| backoff(teller, tried)), error),
        Far::Mend { .. } => (PAUSE_MEND, error),
        Far::Pointless { .. } => return (TellingEnd::GivenUp, error.to_string()),
    };
    again(teller, tried, (pause, said.to_string()))
}

/// Tried again after a pause, or given up where that would be too late.
pub(super) fn again(teller: &Teller, tried: &Telling, (pause, said): (Duration, String)) -> Ended {
    let next = teller.clock.now().plus(pause);
    if next >= tried.deadline {
        return (TellingEnd::GivenUp, said);
    }
    (TellingEnd::Again(next), said)
}

/// The incident waits for a person to mend a role or the configuration.
pub(super) fn mend(teller: &Teller, tried: &Telling, said: String) -> Ended {
    again(teller, tried, (PAUSE_MEND, said))
}

/// Doubling, with half of it left to chance so that a herd does not form.
pub(super) fn backoff(teller: &Teller, tried: &Telling) -> Duration {
    let doubled = PAUSE.saturating_mul(1 << tried.attempts.saturating_sub(1).min(16));
    let most = doubled.min(PAUSE_MAX);
    most / 2 + teller.clock.jitter(most / 2)
}

fn note(teller: &Teller, tried: &Telling, (end, said): (&TellingEnd, &str)) {
    let (whom, word) = (&tried.whom, tried.word.word());
    let outcome = match end {
        TellingEnd::Told => "told",
        TellingEnd::Again(_) => "again",
        TellingEnd::GivenUp => "given_up",
        TellingEnd::Moot => "moot",
    };
    teller.metrics.told(&whom.text(), outcome);
    match end {
        TellingEnd::GivenUp => tracing::error!(
            telling.id = %tried.id, "{whom} could not be told ({word}) and is not tried again: {said}"
        ),
        TellingEnd::Again(_) => tracing::warn!(
            telling.id = %tried.id, "{whom} could not be told ({word}), trying again: {said}"
        ),
        TellingEnd::Told | TellingEnd::Moot => tracing::debug!(
            telling.id = %tried.id, "{whom} {word}: {outcome}, {said}"
        ),
    }
}
