//! What every request passes before anyone reads it, and every reply before it leaves.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::guesses::Guesses;
use super::problem::Problem;
use crate::clock::Clock;
use crate::command::{Sort, authenticate};
use crate::domain::order::{Operator, Scope};
use crate::store::Store;

/// Longest time a request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// Names of query parameters that carry credentials elsewhere.
const CREDENTIAL_NAMES: [&str; 8] = [
    "token",
    "access_token",
    "api_key",
    "apikey",
    "key",
    "bearer",
    "authorization",
    "secret",
];

/// What a request is let in by.
#[derive(Clone)]
pub struct Entrance {
    /// Where credentials are looked up.
    store: Store,
    clock: Clock,
    /// How many credentials were refused lately.
    guesses: Arc<Guesses>,
}

impl Entrance {
    /// Asks this store.
    pub fn new(store: Store, clock: Clock) -> Self {
        let guesses = Arc::default();
        Self {
            store,
            clock,
            guesses,
        }
    }
}

/// Checks, authenticates, limits; then tells refusals in full and sets the headers.
pub(super) async fn pass(
    State(entrance): State<Entrance>,
    request: Request,
    next: Next,
) -> Response {
    let instance = request.uri().path().to_owned();
    let id = format!("req_{}", entrance.clock.uuid().simple());
    let reply = match admit(&entrance, request).await {
        Err(problem) => problem.into_response(),
        Ok(request) => {
            let within = entrance.clock.within(REQUEST_LIMIT, next.run(request));
            within
                .await
                .unwrap_or_else(|_| Problem::too_slow().into_response())
        }
    };
    finished(reply, &instance, &id)
}

/// The request with its operator, or why it goes no further.
async fn admit(entrance: &Entrance, mut request: Request) -> Result<Request, Problem> {
    if carries_credential(request.uri().query().unwrap_or_default()) {
        return Err(Problem::token_in_url());
    }
    if matches!(request.uri().path(), "/healthz" | "/readyz") {
        return Ok(request);
    }
    let bearer = bearer(request.headers()).ok_or_else(Problem::no_token)?;
    let operator = known(entrance, bearer).await?;
    if !may(&operator, request.method()) {
        return Err(Problem::role_missing(&operator));
    }
    request.extensions_mut().insert(operator);
    Ok(request)
}

/// Whose credential it is. So many refusals are looked up in a second, and no more (threat C05).
async fn known(entrance: &Entrance, bearer: &str) -> Result<Operator, Problem> {
    let Entrance {
        store,
        clock,
        guesses,
    } = entrance;
    let elapsed = clock.elapsed();
    if !guesses.may_try(bearer, elapsed) {
        return Err(Problem::too_many());
    }
    match authenticate((store, clock), bearer).await {
        Ok(operator) => {
            guesses.believed(bearer);
            Ok(operator)
        }
        Err(error) => {
            if error.sort == Sort::Unbelieved {
                guesses.refused(bearer, elapsed);
            }
            Err(error.into())
        }
    }
}

/// The token of the one `Authorization` header there may be.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// Looking needs any scope of the control API; everything else may change something.
fn may(operator: &Operator, method: &Method) -> bool {
    match operator.scope {
        Scope::Respond => true,
        Scope::View => matches!(*method, Method::GET | Method::HEAD),
        Scope::Ingest(_) => false,
    }
}

fn carries_credential(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes()).any(|(name, value)| {
        CREDENTIAL_NAMES.contains(&name.to_ascii_lowercase().as_str())
            || value.contains("estop_")
            || name.contains("estop_")
    })
}

/// Tells a refusal in full, and sets what every reply carries.
fn finished(mut reply: Response, instance: &str, id: &str) -> Response {
    if let Some(problem) = reply.extensions_mut().remove::<Problem>() {
        reply = problem.told(instance, id);
    }
    let status = reply.status();
    let headers = reply.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("x-request-id", id);
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    reply
}

pub(super) async fn nowhere() -> Problem {
    Problem::nowhere()
}

pub(super) async fn no_such_method() -> Problem {
    Problem::no_such_method()
}
