//! The few things the door ever says. Errors are RFC 9457 problems with `done`, `retryable` and
//! `fix`; each is a constant, so that no refusal can differ from another (threat W25).

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, StatusCode};

/// Seconds a sender should wait when we could not store.
const UNABLE_RETRY: HeaderValue = HeaderValue::from_static("5");

/// Seconds a sender should wait that sends too much.
const BUSY_RETRY: HeaderValue = HeaderValue::from_static("1");

/// A reply that is not "taken".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// Not believed, whatever the reason.
    Refused,
    /// Compressed, or not `application/json`.
    NotJson,
    /// Above the limit.
    TooLarge,
    /// The body did not come in time.
    TooSlow,
    /// The body broke off, or its length was said in two ways.
    BrokenOff,
    /// No such status, or not with this ticket.
    NotFound,
    /// Too much at once, from this source or in all.
    Busy,
    /// We are unable, and the sender is not wrong.
    Unable,
}

impl Problem {
    const fn status(self) -> StatusCode {
        match self {
            Self::Refused => StatusCode::UNAUTHORIZED,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BrokenOff => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Unable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The number of its status.
    pub(super) fn code(self) -> u16 {
        self.status().as_u16()
    }

    /// One word for the log.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::NotJson => "not_json",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::BrokenOff => "broken_off",
            Self::NotFound => "not_found",
            Self::Busy => "busy",
            Self::Unable => "unable",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Refused => concat!(
                r#"{"type":"/errors/refused","title":"The delivery was not believed","status":401,"#,
                r#""code":"refused","done":"nothing","retryable":false,"#,
                r#""fix":"Check the source's name, key, clock and signature; the log says which."}"#
            ),
            Self::NotJson => concat!(
                r#"{"type":"/errors/not-json","title":"Only plain JSON is taken","status":415,"#,
                r#""code":"not-json","done":"nothing","retryable":false,"#,
                r#""fix":"Send Content-Type: application/json and no Content-Encoding."}"#
            ),
            Self::TooLarge => concat!(
                r#"{"type":"/errors/too-large","title":"The body is too large","status":413,"#,
                r#""code":"too-large","done":"nothing","retryable":false,"#,
                r#""fix":"Send at most 1 MiB; group fewer alerts into one delivery."}"#
            ),
            Self::TooSlow => concat!(
                r#"{"type":"/errors/too-slow","title":"The body did not come in time","status":408,"#,
                r#""code":"too-slow","done":"nothing","retryable":true,"#,
                r#""fix":"Send the whole body within 10 seconds."}"#
            ),
            Self::BrokenOff => concat!(
                r#"{"type":"/errors/broken-off","title":"The body has no certain end","status":400,"#,
                r#""code":"broken-off","done":"nothing","retryable":true,"#,
                r#""fix":"Send the whole body and say its length once."}"#
            ),
            Self::NotFound => concat!(
                r#"{"type":"/errors/not-found","title":"There is no such status","status":404,"#,
                r#""code":"not-found","done":"nothing","retryable":false,"#,
                r#""fix":"Use the address from the Location header as it is."}"#
            ),
            Self::Busy => concat!(
                r#"{"type":"/errors/busy","title":"Too many deliveries at once","status":429,"#,
                r#""code":"busy","done":"nothing","retryable":true,"#,
                r#""fix":"Send the same again after the time in Retry-After."}"#
            ),
            Self::Unable => concat!(
                r#"{"type":"/errors/unable","title":"We are unable now","status":503,"#,
                r#""code":"unable","done":"nothing","retryable":true,"#,
                r#""fix":"Send the same again in a few seconds."}"#
            ),
        }
    }

    /// Whether the connection ends with it: a stranger gets no second try on it, and a body we
    /// did not read to its end must not be taken for the next request.
    const fn ends_connection(self) -> bool {
        match self {
            Self::Refused | Self::NotJson | Self::TooLarge | Self::TooSlow | Self::BrokenOff => {
                true
            }
            Self::NotFound | Self::Busy | Self::Unable => false,
        }
    }

    /// The whole reply.
    pub(super) fn reply(self) -> Response {
        let mut reply = json(self.status(), self.text().to_owned());
        let mut set = |name: HeaderName, value| reply.headers_mut().insert(name, value);
        set(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.ends_connection() {
            set(CONNECTION, HeaderValue::from_static("close"));
        }
        if self == Self::Busy {
            set(RETRY_AFTER, BUSY_RETRY);
        }
        if self == Self::Unable {
            set(RETRY_AFTER, UNABLE_RETRY);
        }
        reply
    }
}

/// A JSON reply that nobody may cache.
pub(super) fn json(status: StatusCode, text: String) -> Response {
    let mut reply = Response::new(Body::from(text));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

#[cfg(test)]
mod tests {
    use super::Problem;

    #[test]
    fn every_problem_is_json_that_says_its_own_status_and_what_to_do() {
        for problem in [
            Problem::Refused,
            Problem::NotJson,
            Problem::TooLarge,
            Problem::TooSlow,
            Problem::BrokenOff,
            Problem::NotFound,
            Problem::Busy,
            Problem::Unable,
        ] {
            let said: serde_json::Value = serde_json::from_str(problem.text()).unwrap();

            assert_eq!(said["status"], problem.status().as_u16());
            assert_eq!(said["done"], "nothing");
            assert!(said["retryable"].is_boolean() && said["fix"].is_string());
        }
    }
}
