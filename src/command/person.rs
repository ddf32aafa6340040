//! People's own credentials: what makes n of m people distinct before anyone signs in with Entra.
//!
//! One is `estop_person_`, 26 letters that look it up, `_`, and 43 letters that prove it, kept as a
//! token is kept. It stands for one object in Entra; two credentials never stand for the same one
//! at a time, and a person without a credential decides nothing.

use std::time::Duration;

use super::Answer;
use super::error::{Error, Sort};
use super::token::{NewName, TOKEN_LIFE_MAX, proves, read_after, spell};
use crate::clock::Clock;
use crate::domain::id::PersonId;
use crate::domain::moment::Moment;
use crate::domain::order::Operator;
use crate::domain::person::Person;
use crate::domain::record::Actor;
use crate::store::{NewPerson, Store};

/// What a person's credential begins with.
pub(super) const PREFIX: &str = "estop_person_";

/// A fresh credential. Its text is shown this once and kept nowhere.
pub struct Admitted {
    /// What looks it up.
    pub id: PersonId,
    /// The whole credential, to be shown to its person once.
    pub text: String,
    /// When it ends.
    pub expires_at: Moment,
}

/// Which person shows this credential; asked anew with every request, as for tokens.
pub(super) async fn authenticate_person(
    (store, clock): (&Store, &Clock),
    bearer: &str,
) -> Answer<Operator> {
    let (id, secret) = read_after(PREFIX, bearer).ok_or_else(Error::unbelieved)?;
    let stored = store.person(PersonId::from_uuid(id)).await?;
    let same = proves(secret, stored.as_ref().map(|person| person.hash));
    match stored {
        Some(person) if same && person.lives(clock.now()) => Ok(person.operator()),
        Some(_) | None => Err(Error::unbelieved()),
    }
}

/// Makes a person's credential and keeps its hash. Its text is in the answer and nowhere else.
pub async fn add_person(
    (store, clock): (&Store, &Clock),
    who: &Operator,
    (name, person): (NewName, Person),
    life: Duration,
) -> Answer<Admitted> {
    if life.is_zero() || life > TOKEN_LIFE_MAX {
        return Err(Error::amend(
            "expiry-out-of-range",
            "a person's credential lives at least a moment and at most 90 days".to_owned(),
            "Give --expires up to 90d, and make a new one before it ends",
        ));
    }
    let now = clock.now();
    refuse_second(store, (&name, &person), now).await?;
    let id = PersonId::from_uuid(clock.uuid());
    let secret = clock.random();
    let expires_at = now.plus(life);
    let new = NewPerson {
        id,
        hash: super::token::hash(secret),
        name: name.as_str().to_owned(),
        person,
        expires_at,
    };
    store.keep_person(new, Actor(who.name.clone()), now).await?;
    Ok(Admitted {
        id,
        text: spell(PREFIX, &id.to_string(), secret),
        expires_at,
    })
}

/// The record names people by name, and counts them by their object in Entra.
async fn refuse_second(store: &Store, (name, new): (&NewName, &Person), now: Moment) -> Answer<()> {
    let people = store.people().await?;
    for person in people.iter().filter(|person| person.lives(now)) {
        if person.name == name.as_str() || person.person.entra == new.entra {
            return Err(Error::amend(
                "name-taken",
                format!("{} is in use by {}", person.id, person.name),
                "Revoke that one first: estop person revoke PERSON",
            ));
        }
    }
    Ok(())
}

/// Ends a person's credential; the next request that shows it is refused.
pub async fn revoke_person(
    (store, clock): (&Store, &Clock),
    who: &Operator,
    id: PersonId,
) -> Answer<()> {
    let revoked = store
        .revoke_person(id, Actor(who.name.clone()), clock.now())
        .await;
    revoked.map_err(|error| {
        let mut error = Error::from(error);
        if error.sort == Sort::NotNow {
            error.sort = Sort::NotFound;
        }
        error
    })
}
