//! The two faces of the model: a transport inside the process, and a router for loopback.
//!
//! Over a socket a lost answer has to be a broken connection. The router answers such a request
//! with a body that fails before its first byte: hyper gives up on the connection before it has
//! flushed the head, so the client sees it close without a byte of an answer.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;

use crate::sim::admin;
use crate::sim::entra::Entra;
use crate::transport::{Failure, Transport};

/// Largest request body that is read.
const BODY_LIMIT: usize = 1024 * 1024;

impl Entra {
    /// A way into this tenant without sockets. Every host leads to it.
    pub fn transport(&self) -> Transport {
        let entra = self.clone();
        Transport::in_process(move |request| {
            let entra = entra.clone();
            Box::pin(async move { entra.exchange(request).await })
        })
    }

    /// The same tenant for a loopback listener: Graph, the token endpoints, and under `/sim` the
    /// side for tests that drive another process. That side asks for no credential.
    pub fn router(&self) -> Router {
        Router::new()
            .nest("/sim", admin::router())
            .fallback(through)
            .with_state(self.clone())
    }
}

async fn through(State(entra): State<Entra>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    match entra.exchange(Request::from_parts(parts, body)).await {
        Ok(answer) => answer.map(Body::from),
        Err(Failure::NotSent(why) | Failure::Lost(why)) => broken(why),
    }
}

fn broken(why: String) -> Response {
    let fails = futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other(why)) });
    let mut response = Response::new(Body::from_stream(fails));
    response.headers_mut().insert(
        header::CONTENT_LENGTH,
        header::HeaderValue::from_static("1"),
    );
    response
}
