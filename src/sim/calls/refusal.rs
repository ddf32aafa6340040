//! How Graph says no: one error shape, with the codes of the fact sheet.

use http::StatusCode;
use serde_json::{Value, json};

use crate::sim::calls::call::Call;

/// A refusal, before it is dressed as an answer.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Refusal {
    pub(in crate::sim) status: StatusCode,
    pub(in crate::sim) code: String,
    pub(in crate::sim) message: String,
    /// Further headers, such as `Retry-After` and `WWW-Authenticate`.
    pub(in crate::sim) headers: Vec<(&'static str, String)>,
    /// The token endpoint has another error shape than Graph.
    pub(in crate::sim) shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Shape {
    Graph,
    /// With the AADSTS number.
    OAuth(u32),
}

impl Refusal {
    pub(in crate::sim) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            headers: Vec::new(),
            shape: Shape::Graph,
        }
    }

    pub(in crate::sim) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message)
    }

    pub(in crate::sim) fn unsupported_query(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_UnsupportedQuery", message)
    }

    /// No entity of that kind with that object id: absent, or an id of another kind.
    pub(in crate::sim) fn no_resource(id: &str) -> Self {
        let message = format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are \
             not present."
        );
        Self::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", message)
    }

    pub(in crate::sim) fn no_path(path: &str) -> Self {
        let message = format!("No operation is modelled at '{path}'.");
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFound", message)
    }

    pub(in crate::sim) fn not_permitted() -> Self {
        let message = "Insufficient privileges to complete the operation.";
        Self::new(
            StatusCode::FORBIDDEN,
            "Authorization_RequestDenied",
            message,
        )
    }

    pub(in crate::sim) fn no_access(message: &str) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "InvalidAuthenticationToken",
            message,
        )
        .with("www-authenticate", CHALLENGE.to_owned())
    }

    /// 401 with a claims challenge; `claims` is the base64 text to be sent back.
    pub(in crate::sim) fn claims_wanted(claims: &str) -> Self {
        let challenge = format!("{CHALLENGE}, error=\"insufficient_claims\", claims=\"{claims}\"");
        let message = "Continuous access evaluation resulted in challenge.";
        Self::new(
            StatusCode::UNAUTHORIZED,
            "InvalidAuthenticationToken",
            message,
        )
        .with("www-authenticate", challenge)
    }

    pub(in crate::sim) fn throttled() -> Self {
        let message = "Too many requests.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message)
    }

    /// A refusal of the token endpoint.
    pub(in crate::sim) fn sign_in(number: u32, error: &str, text: &str) -> Self {
        let status = match error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        };
        let message = format!("AADSTS{number}: {text}");
        Self {
            shape: Shape::OAuth(number),
            ..Self::new(status, error, message)
        }
    }

    pub(in crate::sim) fn with(mut self, header: &'static str, value: String) -> Self {
        self.headers.push((header, value));
        self
    }

    /// The JSON of the answer.
    pub(in crate::sim) fn body(&self, call: &Call) -> Value {
        let date: String = call.at.to_string().chars().take(19).collect();
        let request = call.id.to_string();
        let client = call.header("client-request-id").unwrap_or(&request);
        match self.shape {
            Shape::Graph => json!({"error": {
                "code": self.code,
                "message": self.message,
                "innerError": {
                    "date": date, "request-id": request, "client-request-id": client,
                },
            }}),
            Shape::OAuth(number) => json!({
                "error": self.code,
                "error_description": format!(
                    "{} Trace ID: {request} Correlation ID: {client} Timestamp: {date}Z",
                    self.message
                ),
                "error_codes": [number],
                "timestamp": format!("{date}Z"),
                "trace_id": request,
                "correlation_id": client,
            }),
        }
    }
}

const CHALLENGE: &str = "Bearer realm=\"\", \
    authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
    client_id=\"00000003-0000-0000-c000-000000000000\"";
