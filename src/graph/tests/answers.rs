use std::time::Duration;

use base64::Engine as _;
use futures_util::FutureExt as _;

use super::super::{Enabled, Error, Priority};
use super::{answer, answering, ask, clock, id, linked, with_header};
use crate::transport::{Failure, Transport};

const AGENT: &str = r#"{"id":"00000000-0000-0001-0000-000000000001","accountEnabled":true}"#;

#[tokio::test]
async fn a_switch_is_one_patch_of_the_cast_with_proof() {
    let (clock, _hand) = clock();
    let (graph, seen) = answering(&clock, |_, _| Ok(answer(204, "")));

    let receipt = graph
        .set_agent_enabled(ask(Priority::Contain), id(1), Enabled::No)
        .await;

    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].method(), "PATCH");
    assert_eq!(
        seen[0].uri().to_string(),
        "https://graph.microsoft.com/v1.0/servicePrincipals/\
         00000000-0000-0001-0000-000000000001/microsoft.graph.agentIdentity"
    );
    assert_eq!(seen[0].body().as_ref(), br#"{"accountEnabled":false}"#);
    let header = |name| seen[0].headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("authorization"), "Bearer t1");
    assert_eq!(header("x-ms-throttle-priority"), "high");
    assert_eq!(
        header("client-request-id"),
        "00000000-0000-0000-0000-000000000007"
    );
    assert_eq!(
        receipt.unwrap().to_string(),
        "PATCH /servicePrincipals/0000…0001 204, request-id a1b2"
    );
}

#[tokio::test]
async fn only_containing_asks_for_high_priority() {
    let (clock, _hand) = clock();
    let (graph, seen) = answering(&clock, |_, _| Ok(answer(200, AGENT)));

    graph.agent(ask(Priority::Verify), id(1)).await.unwrap();

    let seen = seen.lock().unwrap();
    assert!(!seen[0].headers().contains_key("x-ms-throttle-priority"));
    assert!(!seen[0].headers().contains_key("consistencylevel"));
}

#[tokio::test]
async fn g03_a_lost_reply_to_a_write_is_unknown_and_to_a_read_is_asked_again() {
    let (clock, _hand) = clock();
    let (graph, seen) = answering(&clock, |_, _| Err(Failure::Lost("reset".to_owned())));

    let write = graph
        .set_agent_enabled(ask(Priority::Contain), id(1), Enabled::No)
        .await;
    let read = graph.agent(ask(Priority::Verify), id(1)).await;

    assert!(matches!(write, Err(Error::Unknown { .. })), "{write:?}");
    assert!(matches!(read, Err(Error::TryAgain { .. })), "{read:?}");
    assert_eq!(
        seen.lock().unwrap().len(),
        2,
        "nothing is retried in hiding"
    );
}

#[tokio::test]
async fn a_write_that_was_never_sent_may_be_tried_again() {
    let (clock, _hand) = clock();
    let (graph, _seen) = answering(&clock, |_, _| Err(Failure::NotSent("refused".to_owned())));

    let write = graph
        .set_agent_enabled(ask(Priority::Contain), id(1), Enabled::No)
        .await;

    assert!(matches!(write, Err(Error::TryAgain { .. })), "{write:?}");
}

#[tokio::test]
async fn g03_a_write_without_an_answer_in_ten_seconds_is_unknown() {
    let (clock, hand) = clock();
    let graph = linked(
        &clock,
        Transport::in_process(|_| std::future::pending().boxed()),
    );
    let mut write = Box::pin(graph.set_agent_enabled(ask(Priority::Contain), id(1), Enabled::No));
    assert!(futures_util::poll!(&mut write).is_pending());

    hand.advance(Duration::from_secs(10));

    let write = write.await;
    assert!(matches!(write, Err(Error::Unknown { .. })), "{write:?}");
}

/// What a caller can do about an error.
#[derive(Debug, PartialEq)]
enum Next {
    TryAgain,
    Look,
    Gone,
    Person,
}

fn next(error: &Error) -> Next {
    match error {
        Error::TryAgain { .. } => Next::TryAgain,
        Error::Unknown { .. } => Next::Look,
        Error::NotFound { .. } => Next::Gone,
        Error::Refused { .. } => Next::Person,
    }
}

#[tokio::test]
async fn g02_g07_each_status_says_what_to_do_next() {
    let cases = [
        (301, Next::Look, Next::Look),
        (307, Next::Look, Next::Look),
        (400, Next::Person, Next::Person),
        (403, Next::Person, Next::Person),
        (404, Next::Gone, Next::Gone),
        (409, Next::TryAgain, Next::TryAgain),
        (412, Next::TryAgain, Next::TryAgain),
        (429, Next::TryAgain, Next::TryAgain),
        (500, Next::TryAgain, Next::Look),
        (502, Next::TryAgain, Next::Look),
        (503, Next::TryAgain, Next::Look),
        (504, Next::TryAgain, Next::Look),
    ];
    for (status, for_read, for_write) in cases {
        let (clock, _hand) = clock();
        let (graph, seen) = answering(&clock, move |_, _| {
            let gone = answer(
                status,
                r#"{"error":{"code":"Some_Code","message":"Words."}}"#,
            );
            Ok(with_header(gone, "location", "https://elsewhere.example/"))
        });

        let read = graph
            .agent(ask(Priority::Contain), id(1))
            .await
            .unwrap_err();
        let write = graph.set_agent_enabled(ask(Priority::Contain), id(1), Enabled::No);
        let write = if status == 429 {
            read.clone()
        } else {
            write.await.unwrap_err()
        };

        assert_eq!(next(&read), for_read, "{status} {read}");
        assert_eq!(next(&write), for_write, "{status} {write}");
        for request in &*seen.lock().unwrap() {
            assert_eq!(request.uri().host(), Some("graph.microsoft.com"), "G11");
        }
    }
}

#[tokio::test]
async fn g07_a_refusal_keeps_graphs_code_and_status() {
    let (clock, _hand) = clock();
    let body = r#"{"error":{"code":"Authorization_RequestDenied","message":"No\u0007 rights."}}"#;
    let (graph, _seen) = answering(&clock, move |_, _| Ok(answer(403, body)));

    let error = graph
        .set_agent_enabled(ask(Priority::Contain), id(1), Enabled::No)
        .await;

    assert_eq!(
        error,
        Err(Error::Refused {
            code: "Authorization_RequestDenied".to_owned(),
            status: Some(403),
            because: "PATCH /servicePrincipals/0000…0001 403, request-id a1b2: No rights."
                .to_owned(),
        })
    );
}

#[tokio::test]
async fn a_busy_service_that_names_a_time_has_done_nothing() {
    let (clock, _hand) = clock();
    let (graph, _seen) = answering(&clock, |_, _| {
        Ok(with_header(answer(503, ""), "retry-after", "9"))
    });

    let write = graph
        .set_agent_enabled(ask(Priority::Contain), id(1), Enabled::No)
        .await;

    let Err(Error::TryAgain { after, .. }) = write else {
        panic!("{write:?}");
    };
    assert_eq!(after, Duration::from_secs(9));
}

fn challenged() -> crate::transport::Answer {
    let claims = base64::engine::general_purpose::STANDARD.encode(r#"{"access_token":{}}"#);
    let challenge =
        format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{claims}\"");
    let body = r#"{"error":{"code":"InvalidAuthenticationToken","message":"x"}}"#;
    with_header(answer(401, body), "www-authenticate", &challenge)
}

#[tokio::test]
async fn g05_a_claims_challenge_is_answered_once_with_a_fresh_token() {
    let (clock, _hand) = clock();
    let (graph, seen) = answering(&clock, |_, number| {
        Ok(if number == 1 {
            challenged()
        } else {
            answer(204, "")
        })
    });

    let write = graph
        .set_agent_enabled(ask(Priority::Contain), id(1), Enabled::No)
        .await;

    let seen = seen.lock().unwrap();
    assert!(write.is_ok(), "{write:?}");
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1].headers()["authorization"], "Bearer t2");
}

#[tokio::test]
async fn g05_a_challenge_without_end_is_refused_after_two_requests() {
    let (clock, _hand) = clock();
    let (graph, seen) = answering(&clock, |_, _| Ok(challenged()));

    let write = graph
        .set_agent_enabled(ask(Priority::Contain), id(1), Enabled::No)
        .await;

    assert!(
        matches!(
            write,
            Err(Error::Refused {
                status: Some(401),
                ..
            })
        ),
        "{write:?}"
    );
    assert_eq!(seen.lock().unwrap().len(), 2);
}
