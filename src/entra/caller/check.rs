//! One access token against the rules of one door.

use http::HeaderMap;
use jsonwebtoken::Algorithm;

use super::bearer::bearer;
use super::claims::Split;
use super::doubt::{Denial, Doubt};
use super::keys::SigningKeys;
use super::rules::{BadRules, CallerRules, Issuers};
use crate::domain::entity::ObjectId;
use crate::domain::moment::Moment;

/// Longest id of an access token that is passed on.
const TOKEN_ID_MAX: usize = 64;

/// Who called, by an access token that was checked. [`CallerCheck::check`] is the only way to
/// make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    object_id: ObjectId,
    app_id: ObjectId,
    token_id: String,
}

impl Caller {
    /// `oid`: the service principal.
    pub const fn object_id(&self) -> ObjectId {
        self.object_id
    }

    /// `appid` or `azp`: its application.
    pub const fn app_id(&self) -> ObjectId {
        self.app_id
    }

    /// `uti`: which access token it was; one token may come many times.
    pub fn token_id(&self) -> &str {
        &self.token_id
    }
}

/// Checks the access tokens of one door: both issuers of one tenant, RS256 by its own keys, exact
/// audience, and who may call. Reusable wherever Entra's tokens come in.
#[derive(Clone, Debug)]
pub struct CallerCheck {
    rules: CallerRules,
    issuers: Issuers,
    keys: SigningKeys,
}

impl CallerCheck {
    /// Refuses rules that would let anyone in the tenant call.
    pub fn new(rules: CallerRules, issuers: Issuers, keys: SigningKeys) -> Result<Self, BadRules> {
        Ok(Self {
            rules: rules.checked()?,
            issuers,
            keys,
        })
    }

    /// Believes the one access token in these headers, or says why not. Waits only when it names
    /// a signing key we do not hold.
    pub async fn check(&self, headers: &HeaderMap, now: Moment) -> Result<Caller, Denial> {
        self.check_token(bearer(headers)?, now).await
    }

    /// The same for a bare access token.
    pub async fn check_token(&self, token: &str, now: Moment) -> Result<Caller, Denial> {
        let split = Split::of(token)?;
        let key = self.keys.find(&split.key).await;
        let key = key.map_err(Denial::CannotTell)?.ok_or(Doubt::UnknownKey)?;
        let signed = split.signed.as_bytes();
        let holds = jsonwebtoken::crypto::verify(split.signature, signed, &key, Algorithm::RS256);
        if !holds.unwrap_or(false) {
            return Err(Doubt::Signature.into());
        }
        let claims = split.claims()?;
        let place = (&self.issuers, self.keys.tenant());
        match self.rules.admit(&claims, place, now) {
            Ok(app_id) => Ok(Caller {
                object_id: claims.oid,
                app_id,
                token_id: claims.uti.chars().take(TOKEN_ID_MAX).collect(),
            }),
            Err(doubt) => Err(Denial::Refused {
                doubt,
                caller: Some(claims.oid),
            }),
        }
    }
}
