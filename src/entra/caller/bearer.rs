//! The one place an access token is taken from.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::doubt::Doubt;

/// Longest access token that is looked at; Entra's stay far below.
const TOKEN_MAX: usize = 8 * 1024;
const SCHEME: &str = "bearer";

/// The access token of a request: in exactly one `Authorization` header and nowhere else (threat
/// J12).
pub fn bearer(headers: &HeaderMap) -> Result<&str, Doubt> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (all.next(), all.next()) else {
        return Err(Doubt::NoToken);
    };
    let text = only.to_str().map_err(|_| Doubt::NoToken)?;
    let (scheme, token) = text.split_once(' ').ok_or(Doubt::NoToken)?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(Doubt::NoToken);
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if token.is_empty() || token.len() > TOKEN_MAX || !token.bytes().all(plain) {
        return Err(Doubt::Malformed);
    }
    Ok(token)
}
