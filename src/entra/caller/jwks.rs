//! The tenant's signing keys, as its key endpoint lists them (RFC 7517).

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::entity::TenantId;

/// Largest answer that is read as a list of keys.
const ANSWER_MAX: usize = 256 * 1024;
/// Most keys of one list.
const KEYS_MAX: usize = 100;
/// Shortest and longest modulus, in bytes.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

/// Keys by name.
pub(super) type Keys = BTreeMap<String, Arc<DecodingKey>>;

#[derive(Deserialize)]
struct List {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Written {
    kty: String,
    kid: String,
    n: String,
    e: String,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    issuer: Option<String>,
}

/// The RSA keys of the list that may sign for `tenant`; why, if there is none. What cannot be used
/// is passed over: Entra lists keys of other kinds, too.
pub(super) fn keys_in(body: &[u8], tenant: TenantId) -> Result<Keys, &'static str> {
    if body.len() > ANSWER_MAX {
        return Err("the list of signing keys is larger than 256 KiB");
    }
    let list: List = serde_json::from_slice(body).map_err(|_| "the answer is no list of keys")?;
    if list.keys.len() > KEYS_MAX {
        return Err("the list has more than 100 signing keys");
    }
    let mut keys = Keys::new();
    for value in list.keys {
        let Ok(written) = serde_json::from_value::<Written>(value) else {
            continue;
        };
        if let Some(key) = written.key(tenant)
            && keys.insert(written.kid, Arc::new(key)).is_some()
        {
            return Err("two signing keys have one name");
        }
    }
    if keys.is_empty() {
        return Err("the list has no RSA key for signatures");
    }
    Ok(keys)
}

impl Written {
    fn key(&self, tenant: TenantId) -> Option<DecodingKey> {
        let or = |said: &Option<String>, only: &str| said.as_deref().is_none_or(|it| it == only);
        let fits = self.kty == "RSA" && or(&self.purpose, "sig") && or(&self.alg, "RS256");
        // A key may name whose tokens it signs: this tenant, or with a placeholder any.
        let ours = self.issuer.as_deref().is_none_or(|issuer| {
            issuer.contains("{tenantid}") || issuer.contains(&tenant.to_string())
        });
        let modulus = URL_SAFE_NO_PAD.decode(&self.n).ok()?;
        let exponent = URL_SAFE_NO_PAD.decode(&self.e).ok()?;
        let sized = MODULUS.contains(&modulus.len()) && (1..=8).contains(&exponent.len());
        (fits && ours && sized && !self.kid.is_empty())
            .then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
    }
}
