//! What an access token says, typed. Times are plain integers: text, fractions and negative
//! numbers are none (threat J08).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserializer, IgnoredAny};
use serde::{Deserialize, de::DeserializeOwned};

use super::doubt::Doubt;
use crate::domain::entity::{ObjectId, TenantId};

/// Longest name of a signing key.
const KEY_NAME_MAX: usize = 128;
/// Most roles that are read.
const ROLES_MAX: usize = 256;

/// An access token, split and not yet believed.
pub(super) struct Split<'a> {
    pub(super) signed: &'a str,
    pub(super) signature: &'a str,
    pub(super) key: String,
    claims: &'a str,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
    // What must be understood and is not ours to understand; its mere presence ends it.
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

/// The claims that decide. `act` and every other is passed over (threat J13).
#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) tid: TenantId,
    pub(super) oid: ObjectId,
    pub(super) sub: String,
    pub(super) ver: String,
    pub(super) exp: u64,
    pub(super) nbf: u64,
    pub(super) iat: u64,
    pub(super) appid: Option<ObjectId>,
    pub(super) azp: Option<ObjectId>,
    #[serde(default)]
    pub(super) roles: Vec<String>,
    pub(super) idtyp: Option<String>,
    #[serde(default)]
    pub(super) uti: String,
    #[serde(default, deserialize_with = "present")]
    pub(super) scp: bool,
}

impl<'a> Split<'a> {
    /// Takes three parts and a header that names RS256 and a key. What the header says about
    /// where to find a key (`jku`, `x5u`, `jwk`, `x5c`) is not read (threat J03).
    pub(super) fn of(token: &'a str) -> Result<Self, Doubt> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Doubt::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Doubt::Malformed)?;
        if claims.contains('.') || claims.is_empty() || signature.is_empty() {
            return Err(Doubt::Malformed);
        }
        let header: Header = decoded(header)?;
        if header.alg != "RS256" {
            return Err(Doubt::Algorithm);
        }
        let fits = !header.kid.is_empty() && header.kid.len() <= KEY_NAME_MAX;
        if header.crit || !header.typ.eq_ignore_ascii_case("JWT") || !fits {
            return Err(Doubt::Malformed);
        }
        Ok(Self {
            signed,
            signature,
            key: header.kid,
            claims,
        })
    }

    /// The claims. Only to be asked for once the signature is checked.
    pub(super) fn claims(&self) -> Result<Claims, Doubt> {
        let claims: Claims = decoded(self.claims)?;
        if claims.roles.len() > ROLES_MAX {
            return Err(Doubt::Malformed);
        }
        Ok(claims)
    }
}

fn decoded<T: DeserializeOwned>(part: &str) -> Result<T, Doubt> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Doubt::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Doubt::Malformed)
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}
