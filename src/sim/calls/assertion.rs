//! Client assertions at the token endpoint: signed with a registered certificate, or federated.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;

use crate::sim::calls::call::Call;
use crate::sim::calls::refusal::Refusal;
use crate::sim::state::State;

/// Whom a federated token must be meant for.
const EXCHANGE: &str = "api://AzureADTokenExchange";
/// Longest life of an assertion, in seconds.
const LIFE_LIMIT: i64 = 600;
/// How far clocks may be apart, in seconds.
const LEEWAY: i64 = 300;

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    sub: String,
    #[serde(default)]
    jti: String,
    nbf: Option<i64>,
    exp: i64,
}

/// Is it estop that asserts this?
pub(in crate::sim) fn admitted(state: &State, call: &Call, text: &str) -> Result<(), Refusal> {
    let header = jsonwebtoken::decode_header(text).map_err(|_| malformed())?;
    match header.x5t_s256 {
        Some(thumbprint) => certified(state, call, (text, &thumbprint, header.alg)),
        None => federated(call, text),
    }
}

fn certified(
    state: &State,
    call: &Call,
    (text, thumbprint, algorithm): (&str, &str, Algorithm),
) -> Result<(), Refusal> {
    let registered = state.tenant.client.certificate.as_ref();
    let Some(certificate) = registered.filter(|it| it.thumbprint == thumbprint) else {
        let text = "The certificate used to sign the client assertion is not registered.";
        return Err(Refusal::sign_in(700_027, "invalid_client", text));
    };
    let mut checks = Validation::new(Algorithm::PS256);
    // The model has its own clock, so times are checked below.
    (
        checks.validate_exp,
        checks.validate_nbf,
        checks.validate_aud,
    ) = (false, false, false);
    checks.required_spec_claims.clear();
    let key = DecodingKey::from_rsa_der(&certificate.public_key);
    let decoded = jsonwebtoken::decode::<Claims>(text, &key, &checks);
    let claims = match decoded {
        Ok(decoded) if algorithm == Algorithm::PS256 => decoded.claims,
        Ok(_) | Err(_) => {
            let text = "Client assertion failed signature validation.";
            return Err(Refusal::sign_in(700_027, "invalid_client", text));
        }
    };
    let client = state.tenant.client.app.to_string();
    if claims.iss != client || claims.sub != client || claims.jti.is_empty() {
        let text = "Client assertion must name the client as issuer and subject, and a jti.";
        return Err(Refusal::sign_in(700_021, "invalid_client", text));
    }
    let meant_for_us = format!("{}{}", call.base, call.path);
    if claims.aud != meant_for_us {
        let text = "Client assertion audience claim does not match.";
        return Err(Refusal::sign_in(700_023, "invalid_client", text));
    }
    in_time(call, &claims)
}

fn federated(call: &Call, text: &str) -> Result<(), Refusal> {
    let claims = text.split('.').nth(1);
    let claims = claims.and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
    let claims: Claims = claims
        .and_then(|claims| serde_json::from_slice(&claims).ok())
        .ok_or_else(malformed)?;
    if claims.aud != EXCHANGE {
        let text = "No matching federated identity record found for presented assertion audience.";
        return Err(Refusal::sign_in(700_212, "invalid_client", text));
    }
    in_time(call, &claims)
}

fn in_time(call: &Call, claims: &Claims) -> Result<(), Refusal> {
    let now = call.at.as_seconds();
    let begun = claims.nbf.is_none_or(|nbf| nbf <= now + LEEWAY);
    let short = claims.aud == EXCHANGE || claims.exp <= now + LIFE_LIMIT + LEEWAY;
    if begun && short && claims.exp > now - LEEWAY {
        return Ok(());
    }
    let text = "Client assertion is not within its valid time range.";
    Err(Refusal::sign_in(700_024, "invalid_client", text))
}

fn malformed() -> Refusal {
    Refusal::sign_in(
        50_027,
        "invalid_client",
        "JWT token is invalid or malformed.",
    )
}

/// What the claims parameter says the client can do: answer claims challenges, if it is `cp1`.
pub(in crate::sim) fn capability(claims: Option<&str>) -> Result<Option<&'static str>, Refusal> {
    let Some(text) = claims else {
        return Ok(None);
    };
    let claims: Value = serde_json::from_str(text).map_err(|_| {
        Refusal::sign_in(
            50_175,
            "invalid_request",
            "The claims parameter is not JSON.",
        )
    })?;
    let offered = claims["access_token"]["xms_cc"]["values"].as_array();
    let offers = offered.is_some_and(|values| values.iter().any(|it| it == "cp1"));
    Ok(offers.then_some("cp1"))
}
