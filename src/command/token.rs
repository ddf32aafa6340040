//! API tokens: who may ask, known from the credential alone.
//!
//! A token is `estop_`, 26 letters that look it up, `_`, and 43 letters of base64url that prove
//! it: 256 random bits, of which only the SHA-256 is stored (threat C01).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::error::Error;
use super::person::authenticate_person;
use super::{Answer, Sort};
use crate::clock::Clock;
use crate::domain::id::TokenId;
use crate::domain::moment::Moment;
use crate::domain::order::{Operator, Scope};
use crate::domain::record::Actor;
use crate::store::{NewToken, Store, StoredToken};

/// Longest life of a token.
pub const TOKEN_LIFE_MAX: Duration = Duration::from_secs(90 * 24 * 3600);
/// Longest name of a token, in characters.
pub const NAME_MAX: usize = 64;

const PREFIX: &str = "estop_";
const ID_LETTERS: usize = 26;
const SECRET_LETTERS: usize = 43;
const OF_TOKEN: &str = "token:";
const OF_MACHINE: &str = "local:";

/// What people call a token: 1 to 64 letters, digits, `.`, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewName(String);

impl NewName {
    /// Takes a plain name; `None` for anything else.
    pub fn new(name: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let fits = !name.is_empty() && name.len() <= NAME_MAX && name.chars().all(plain);
        fits.then(|| Self(name.to_owned()))
    }

    /// The name as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A fresh token. Its text is shown this once and kept nowhere.
pub struct Created {
    /// What looks it up.
    pub id: TokenId,
    /// The whole token, to be shown to one person once.
    pub text: String,
    /// When it ends.
    pub expires_at: Moment,
}

/// The two halves of a token's text.
pub(super) struct Halves {
    id: TokenId,
    secret: [u8; 32],
}

impl Halves {
    pub(super) fn spelled(&self) -> String {
        spell(PREFIX, &self.id.to_string(), self.secret)
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let (id, secret) = read_after(PREFIX, text)?;
        Some(Self {
            id: TokenId::from_uuid(id),
            secret,
        })
    }

    pub(super) const fn of(id: TokenId, secret: [u8; 32]) -> Self {
        Self { id, secret }
    }
}

/// A credential as text: its prefix, the letters of its id, and its secret.
pub(super) fn spell(prefix: &str, id: &str, secret: [u8; 32]) -> String {
    let letters = id.rsplit('_').next().unwrap_or_default();
    format!("{prefix}{letters}_{}", URL_SAFE_NO_PAD.encode(secret))
}

/// The two halves behind a prefix; `None` for anything that is not exactly a credential.
pub(super) fn read_after(prefix: &str, text: &str) -> Option<(Uuid, [u8; 32])> {
    let rest = text.strip_prefix(prefix)?;
    if !rest.is_ascii() || rest.len() != ID_LETTERS + 1 + SECRET_LETTERS {
        return None;
    }
    let (letters, rest) = rest.split_at(ID_LETTERS);
    let secret = URL_SAFE_NO_PAD.decode(rest.strip_prefix('_')?).ok()?;
    let id: TokenId = format!("{}_{letters}", TokenId::PREFIX).parse().ok()?;
    Some((id.uuid(), secret.try_into().ok()?))
}

/// What is kept of a secret.
pub(super) fn hash(secret: [u8; 32]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Is this the secret whose hash was kept? An unknown one is compared too, so that its answer takes
/// as long as a known one's.
pub(super) fn proves(secret: [u8; 32], kept: Option<[u8; 32]>) -> bool {
    let same: bool = hash(secret).ct_eq(&kept.unwrap_or([0; 32])).into();
    same && kept.is_some()
}

/// Who shows this token. Every request asks anew, so that a revoked or expired token ends with the
/// next one (threat C06); an unknown one costs one look-up by its id (threat C05).
pub async fn authenticate((store, clock): (&Store, &Clock), bearer: &str) -> Answer<Operator> {
    if bearer.starts_with(super::person::PREFIX) {
        return authenticate_person((store, clock), bearer).await;
    }
    let halves = Halves::read(bearer).ok_or_else(Error::unbelieved)?;
    let stored = store.token(halves.id).await?;
    let same = proves(halves.secret, stored.as_ref().map(|token| token.hash));
    let now = clock.now();
    let lives = |token: &StoredToken| token.revoked_at.is_none() && now < token.expires_at;
    match stored {
        Some(token) if same && lives(&token) => Ok(Operator {
            name: format!("{OF_TOKEN}{}", token.name),
            scope: token.scope,
            person: None,
        }),
        Some(_) | None => Err(Error::unbelieved()),
    }
}

/// A person who sits at the machine itself and may read the store.
pub fn at_the_machine(name: &str) -> Operator {
    let plain: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        .take(NAME_MAX)
        .collect();
    let name = if plain.is_empty() { "unknown" } else { &plain };
    Operator {
        name: format!("{OF_MACHINE}{name}"),
        scope: Scope::Respond,
        person: None,
    }
}

/// Does nobody in particular stand behind it? Whatever is neither a person's own credential nor
/// someone at the machine counts as a token: the weakest of the three.
pub(super) fn is_token(operator: &Operator) -> bool {
    operator.person.is_none() && !operator.name.starts_with(OF_MACHINE)
}

/// Makes a token and keeps its hash. Its text is in the answer and nowhere else.
pub async fn create_token(
    (store, clock): (&Store, &Clock),
    who: &Operator,
    (name, scope): (NewName, Scope),
    life: Duration,
) -> Answer<Created> {
    if life.is_zero() || life > TOKEN_LIFE_MAX {
        return Err(Error::amend(
            "expiry-out-of-range",
            "a token lives at least a moment and at most 90 days".to_owned(),
            "Give --expires up to 90d, and create a new one before it ends",
        ));
    }
    let now = clock.now();
    refuse_same_name(store, &name, now).await?;
    let halves = Halves::of(TokenId::from_uuid(clock.uuid()), clock.random());
    let expires_at = now.plus(life);
    let new = NewToken {
        id: halves.id,
        hash: hash(halves.secret),
        name: name.0,
        scope,
        expires_at,
    };
    store.keep_token(new, Actor(who.name.clone()), now).await?;
    Ok(Created {
        id: halves.id,
        text: halves.spelled(),
        expires_at,
    })
}

/// The record names a token by its name, so two that live at once must not share one.
async fn refuse_same_name(store: &Store, name: &NewName, now: Moment) -> Answer<()> {
    let lives = |token: &StoredToken| token.revoked_at.is_none() && now < token.expires_at;
    let tokens = store.tokens().await?;
    if tokens
        .iter()
        .any(|token| lives(token) && token.name == name.0)
    {
        return Err(Error::amend(
            "name-taken",
            format!("a token named {} is in use", name.0),
            "Choose another name, or revoke that one first",
        ));
    }
    Ok(())
}

/// Ends a token; the next request that shows it is refused.
pub async fn revoke_token(
    (store, clock): (&Store, &Clock),
    who: &Operator,
    id: TokenId,
) -> Answer<()> {
    let revoked = store
        .revoke_token(id, Actor(who.name.clone()), clock.now())
        .await;
    revoked.map_err(|error| {
        let mut error = Error::from(error);
        if error.sort == Sort::NotNow {
            error.sort = Sort::NotFound;
        }
        error
    })
}
