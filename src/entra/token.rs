//! An access token, and what it says about us.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Error;
use crate::domain::entity::{ObjectId, TenantId};
use crate::domain::moment::Moment;

/// Longest token that is kept; real ones stay under 8 KiB.
const TOKEN_LIMIT: usize = 32 * 1024;
/// Longest decoded claims challenge that is answered.
const CLAIMS_LIMIT: usize = 4 * 1024;

/// An access token for one resource. Cheap to clone, and cannot be printed.
#[derive(Clone)]
pub struct AccessToken(Arc<Parts>);

struct Parts {
    // Marked sensitive, so that its `Debug` hides it and HTTP/2 does not index it.
    authorization: HeaderValue,
    expires_at: Moment,
    identity: Option<Identity>,
}

/// Who we are, as our own token's payload says (facts: the format is not promised to clients).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `tid`: the tenant we act in.
    pub tenant: TenantId,
    /// `oid`: our service principal.
    pub object_id: ObjectId,
    /// `appid` or `azp`: our application.
    pub app_id: ObjectId,
    /// `roles`: the application permissions we hold.
    pub roles: Vec<String>,
    /// `exp`: when the token ends.
    pub expires_at: Moment,
}

/// A claims challenge, as the resource sent it: a JSON object for the token request.
#[derive(Clone)]
pub struct Claims(SecretString);

impl AccessToken {
    /// Keeps a token that ends at `expires_at`. Refuses text that cannot stand in a header.
    pub fn new(secret: &SecretString, expires_at: Moment) -> Result<Self, Error> {
        let text = secret.expose_secret();
        let unfit = || Error::try_again("the authority sent a token that cannot be used");
        if text.is_empty() || text.len() > TOKEN_LIMIT {
            return Err(unfit());
        }
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| unfit())?;
        authorization.set_sensitive(true);
        let identity = identity_in(text);
        Ok(Self(Arc::new(Parts {
            authorization,
            expires_at,
            identity,
        })))
    }

    /// The `Authorization` header that carries it, marked sensitive.
    pub fn authorization(&self) -> HeaderValue {
        self.0.authorization.clone()
    }

    /// When it ends.
    pub fn expires_at(&self) -> Moment {
        self.0.expires_at
    }

    /// Who we are by this token. `None` when the payload is absent or unreadable: then whoever
    /// must not stop itself keeps its hands off (threat E12).
    pub fn identity(&self) -> Option<&Identity> {
        self.0.identity.as_ref()
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Is it the same text, perhaps handed out again?
    pub(super) fn reads_like(&self, other: &Self) -> bool {
        self.0.authorization == other.0.authorization
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessToken(ends {})", self.0.expires_at)
    }
}

impl Claims {
    /// Decodes a challenge's base64 text. `None` for more than 4 KiB or anything but an object.
    pub fn decode(text: &str) -> Option<Self> {
        if text.len() > CLAIMS_LIMIT * 2 {
            return None;
        }
        let bare = text.trim_end_matches('=');
        let bytes = match URL_SAFE_NO_PAD.decode(bare) {
            Ok(bytes) => bytes,
            Err(_) => STANDARD.decode(text).ok()?,
        };
        if bytes.len() > CLAIMS_LIMIT {
            return None;
        }
        serde_json::from_slice::<Map<String, Value>>(&bytes).ok()?;
        String::from_utf8(bytes).ok().map(|json| Self(json.into()))
    }

    /// What a token request carries: that we answer challenges (`cp1`, Microsoft: claims
    /// challenges and client capabilities), and the claims of one that is being answered.
    pub(super) fn asked(challenge: Option<&Self>) -> String {
        let mut asked: Map<String, Value> = challenge
            .and_then(|claims| serde_json::from_str(claims.0.expose_secret()).ok())
            .unwrap_or_default();
        let wanted = asked.entry("access_token").or_insert_with(|| json!({}));
        if !wanted.is_object() {
            *wanted = json!({});
        }
        wanted["xms_cc"] = json!({ "values": ["cp1"] });
        Value::Object(asked).to_string()
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims(..)")
    }
}

#[derive(Deserialize)]
struct Payload {
    tid: TenantId,
    oid: ObjectId,
    #[serde(alias = "azp")]
    appid: ObjectId,
    #[serde(default)]
    roles: Vec<String>,
    exp: i64,
}

fn identity_in(token: &str) -> Option<Identity> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let payload: Payload = serde_json::from_slice(&bytes).ok()?;
    Some(Identity {
        tenant: payload.tid,
        object_id: payload.oid,
        app_id: payload.appid,
        roles: payload.roles,
        expires_at: Moment::from_millis(payload.exp.checked_mul(1000)?),
    })
}
