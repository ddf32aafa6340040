//! Access tokens for services other than Graph, which check them by the tenant's public keys:
//! signed RS256, in both versions that Entra issues.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::moment::Moment;
use crate::sim::state::State;

/// Most signing keys that are listed; the oldest goes first.
const KEYS_LISTED: usize = 3;
/// Bytes of the DER of a public key before its modulus, and of its exponent after it: two lengths
/// in long form and a leading zero, and `02 03 01 00 01`.
const BEFORE_MODULUS: usize = 9;
const EXPONENT: usize = 5;

/// Which of its two forms a token has. The registration of whom it is for decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenVersion {
    /// Issuer `sts.windows.net`, the client in `appid`.
    V1,
    /// Issuer `login.microsoftonline.com`, the client in `azp`.
    V2,
}

/// What an application asks a token for.
#[derive(Clone, Copy, Debug)]
pub struct AppToken<'a> {
    /// Object id of the service principal that asks: an agent's, estop's, a managed identity's.
    pub caller: Uuid,
    /// Its application.
    pub app: Uuid,
    /// What it becomes the `aud` of.
    pub audience: &'a str,
    /// App roles it was assigned there.
    pub roles: &'a [&'a str],
    /// Its form.
    pub version: TokenVersion,
}

/// The tenant's signing keys; the newest signs.
#[derive(Default)]
pub(super) struct Issuer {
    keys: Vec<(String, KeyPair)>,
    made: usize,
}

impl Issuer {
    /// Adds a key and signs with it from now on. The old ones stay listed.
    pub(super) fn rotate(&mut self) {
        // A model without randomness has no keys, and its tokens are refused.
        let Ok(key) = KeyPair::generate(KeySize::Rsa2048) else {
            return;
        };
        self.made += 1;
        self.keys.push((format!("simulated-{}", self.made), key));
        if self.keys.len() > KEYS_LISTED {
            self.keys.remove(0);
        }
    }

    /// Takes every key but the newest off the list.
    pub(super) fn retire(&mut self) {
        let last = self.keys.len().saturating_sub(1);
        self.keys.drain(..last);
    }

    /// The list of public keys, as the key endpoint gives it.
    pub(super) fn listed(&mut self, tenant: Uuid) -> Value {
        self.newest();
        let keys = self.keys.iter().filter_map(|(name, key)| {
            let der = key.public_key().as_ref();
            let modulus = der.get(BEFORE_MODULUS..der.len().checked_sub(EXPONENT)?)?;
            Some(json!({
                "kty": "RSA", "use": "sig", "kid": name, "x5t": name,
                "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB",
                "issuer": format!("https://login.microsoftonline.com/{tenant}/v2.0"),
            }))
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    /// The name of the key that signs.
    pub(super) fn newest(&mut self) -> String {
        if self.keys.is_empty() {
            self.rotate();
        }
        self.keys
            .last()
            .map(|(name, _)| name.clone())
            .unwrap_or_default()
    }

    /// These very parts, signed with the newest key whatever they say.
    pub(super) fn signed(&mut self, header: &str, claims: &str) -> String {
        self.newest();
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let open = format!("{header}.{claims}");
        let Some((_, key)) = self.keys.last() else {
            return open;
        };
        let mut signature = vec![0; key.public_modulus_len()];
        let random = SystemRandom::new();
        match key.sign(&RSA_PKCS1_SHA256, &random, open.as_bytes(), &mut signature) {
            Ok(()) => format!("{open}.{}", URL_SAFE_NO_PAD.encode(signature)),
            Err(_) => open,
        }
    }
}

impl AppToken<'_> {
    /// Its claims, as Entra fills them (Microsoft: access token claims reference).
    pub(super) fn claims(&self, state: &State, (id, at): (Uuid, Moment)) -> Value {
        let tenant = state.tenant.id;
        let (issuer, client, version) = match self.version {
            TokenVersion::V1 => (format!("https://sts.windows.net/{tenant}/"), "appid", "1.0"),
            TokenVersion::V2 => (
                format!("https://login.microsoftonline.com/{tenant}/v2.0"),
                "azp",
                "2.0",
            ),
        };
        let until = at.plus(state.tenant.token_life.0);
        let mut claims = json!({
            "aud": self.audience, "iss": issuer, "ver": version, "tid": tenant,
            "oid": self.caller, "sub": self.caller, "idtyp": "app", "uti": id.simple().to_string(),
            "iat": at.as_seconds(), "nbf": at.as_seconds(), "exp": until.as_seconds(),
        });
        claims[client] = json!(self.app);
        claims[format!("{client}acr")] = json!("2");
        if !self.roles.is_empty() {
            claims["roles"] = json!(self.roles);
        }
        claims
    }
}
