//! A call as a span of its run's trace.

use http::HeaderName;

use super::Ask;
use super::answer::word;
use super::call::Call;
use crate::clock::TooLate;
use crate::traces::{Span, Traces};
use crate::transport::{Answer, Failure};

/// Begins when the call leaves: its time in the lane is not Graph's.
pub(super) fn of_call(traces: &Traces, ask: Ask, call: &Call) -> Span {
    let span = traces.call(ask.correlation);
    span.say("http.request.method", || call.method.to_string())
        .say("estop.call", || call.spoken())
        .say("estop.lane", || call.lane.word())
        .say("msgraph.client_request_id", || ask.correlation.to_string())
}

/// What came of it.
pub(super) fn note(span: &mut Span, sent: &Result<Result<Answer, Failure>, TooLate>) {
    match sent {
        Ok(Ok(answer)) => {
            let status = answer.status();
            span.note("http.response.status_code", || i64::from(status.as_u16()));
            let theirs = word(answer.headers(), &HeaderName::from_static("request-id"));
            if let Some(theirs) = theirs {
                span.note("msgraph.request_id", || theirs);
            }
            if !status.is_success() {
                span.fail(|| status.to_string());
            }
        }
        Ok(Err(failure)) => span.fail(|| failure.to_string()),
        Err(late) => span.fail(|| late.to_string()),
    }
}
