//! Every call, and everything that may happen to it: what a caller is told, and what is true.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use estop::graph::Priority;
use estop::sim::{Fault, Garbage, INVOICE_BOT, Lag, On, RetryAfter, What};
use estop::transport::{Answer, Failure};

use super::calls::make;
use super::rows::{Host, Kind, ROWS, Row};
use super::table::{calls, matched, priority};
use super::{Bench, End, Twist, answer};

const ERROR: &str = r#"{"error":{"code":"Some_Code","message":"Words."}}"#;
const HTML: &str = "<html><body>Sign in to continue</body></html>";

/// Something that happens to one request.
struct Trouble {
    name: &'static str,
    twist: fn() -> Twist,
    /// What a read is told, and a write.
    ends: (End, End),
}

const fn trouble(name: &'static str, twist: fn() -> Twist, ends: (End, End)) -> Trouble {
    Trouble { name, twist, ends }
}

const LATER: (End, End) = (End::TryAgain, End::TryAgain);
/// A read may be asked again; of a write nobody knows.
const LOST: (End, End) = (End::TryAgain, End::Unknown);
const SENSELESS: (End, End) = (End::Unknown, End::Unknown);
const REFUSED: (End, End) = (End::Refused, End::Refused);

const TROUBLES: &[Trouble] = &[
    trouble("429", || busy(429, None), LATER),
    trouble("429 in 7 s", || busy(429, Some("7")), LATER),
    trouble(
        "429 until a date",
        || busy(429, Some("Mon, 21 Sep 2026 14:13:25 GMT")),
        LATER,
    ),
    trouble("429 in 0 s", || busy(429, Some("0")), LATER),
    trouble("429 in -1 s", || busy(429, Some("-1")), LATER),
    trouble("429 in 1e9 s", || busy(429, Some("1000000000")), LATER),
    trouble("503 in 7 s", || busy(503, Some("7")), LATER),
    trouble("409", || status(409), LATER),
    trouble("412", || status(412), LATER),
    trouble("408", || status(408), LOST),
    trouble("500", || status(500), LOST),
    trouble("501", || status(501), LOST),
    trouble("502 of a proxy", || Twist::Instead(answer(502, HTML)), LOST),
    trouble("503", || status(503), LOST),
    trouble("504", || status(504), LOST),
    trouble(
        "500 after the effect",
        || Twist::Changed(|_| answer(500, ERROR)),
        LOST,
    ),
    trouble("no answer in time", || Twist::Silence, LOST),
    trouble(
        "no answer in time, after the effect",
        || Twist::SilenceAfter,
        LOST,
    ),
    trouble(
        "reset",
        || Twist::Fail(Failure::Lost("reset".to_owned())),
        LOST,
    ),
    trouble("reply lost after the effect", || Twist::LoseReply, LOST),
    trouble(
        "not sent",
        || Twist::Fail(Failure::NotSent("refused".to_owned())),
        LATER,
    ),
    trouble("truncated", || Twist::Changed(truncated), SENSELESS),
    trouble("a byte order mark", || Twist::Changed(marked), SENSELESS),
    trouble(
        "HTML with 200",
        || Twist::Changed(|_| answer(200, HTML)),
        SENSELESS,
    ),
    trouble(
        "HTML with 200, nothing done",
        || Twist::Instead(answer(200, HTML)),
        SENSELESS,
    ),
    trouble(
        "HTML with 204",
        || Twist::Changed(|_| answer(204, HTML)),
        SENSELESS,
    ),
    trouble(
        "an empty 200",
        || Twist::Changed(|_| answer(200, "")),
        SENSELESS,
    ),
    trouble(
        "an empty 202",
        || Twist::Changed(|_| answer(202, "")),
        SENSELESS,
    ),
    trouble(
        "a list",
        || Twist::Changed(|_| answer(200, "[]")),
        SENSELESS,
    ),
    trouble(
        "a text",
        || Twist::Changed(|_| answer(200, r#""ok""#)),
        SENSELESS,
    ),
    trouble(
        "null",
        || Twist::Changed(|_| answer(200, "null")),
        SENSELESS,
    ),
    trouble(
        "members of a wrong type",
        || Twist::Changed(mistyped),
        SENSELESS,
    ),
    trouble(
        "an error with 200",
        || Twist::Changed(|_| answer(200, ERROR)),
        SENSELESS,
    ),
    trouble("301", || elsewhere(301), SENSELESS),
    trouble("302", || elsewhere(302), SENSELESS),
    trouble("303", || elsewhere(303), SENSELESS),
    trouble("307", || elsewhere(307), SENSELESS),
    trouble("308", || elsewhere(308), SENSELESS),
    trouble("400", || status(400), REFUSED),
    trouble("403", || status(403), REFUSED),
    trouble("404", || status(404), (End::NotFound, End::NotFound)),
    trouble(
        "404 of a proxy",
        || Twist::Instead(answer(404, HTML)),
        SENSELESS,
    ),
];

/// Where a door differs, and why that is right.
fn told(row: &Row, trouble: &Trouble) -> End {
    let usual = match row.kind {
        Kind::Read => trouble.ends.0,
        Kind::Write => trouble.ends.1,
    };
    let whole_batch = row.line.1 == "/v1.0/$batch";
    match (row.host, trouble.name) {
        // Foundry answers any success without content, and its 503 promises nothing.
        (Host::Foundry, "an empty 200" | "an empty 202") => End::Done,
        (Host::Foundry, "503 in 7 s") => End::Unknown,
        // The premises are only read, for people: whatever Azure refuses there, a person looks.
        (Host::Azure, "404" | "404 of a proxy" | "409" | "412")
            if row.calls[0].starts_with("Arm::") =>
        {
            End::Refused
        }
        // That there is no `$batch` says nothing about an agent.
        (Host::Graph, "404") if whole_batch => End::Unknown,
        _ => usual,
    }
}

fn busy(status: u16, retry_after: Option<&str>) -> Twist {
    let mut answer = answer(status, ERROR);
    if let Some(text) = retry_after {
        let text = text.parse().unwrap();
        answer.headers_mut().insert("retry-after", text);
    }
    Twist::Instead(answer)
}

fn status(status: u16) -> Twist {
    busy(status, None)
}

fn elsewhere(status: u16) -> Twist {
    let mut answer = answer(status, "");
    let place = "https://elsewhere.example/".parse().unwrap();
    answer.headers_mut().insert("location", place);
    Twist::Instead(answer)
}

fn truncated(whole: Answer) -> Answer {
    let body = whole.body();
    let half = if body.is_empty() {
        Bytes::from_static(b"{\"val")
    } else {
        body.slice(..body.len() / 2)
    };
    answer(200, half)
}

fn marked(mut whole: Answer) -> Answer {
    let body = [b"\xEF\xBB\xBF", &**whole.body()].concat();
    *whole.body_mut() = body.into();
    whole
}

fn mistyped(_: Answer) -> Answer {
    answer(
        200,
        r#"{"id":7,"value":7,"accountEnabled":"false","responses":{}}"#,
    )
}

#[tokio::test]
async fn g01_g02_g03_g04_g07_g11_no_trouble_on_the_way_is_taken_for_success_or_certainty() {
    for call in calls() {
        let healthy = Bench::new();
        healthy.moving(make(&healthy, call, priority(call))).await;
        for (at, request) in healthy.sent().iter().enumerate() {
            let row = &ROWS[matched(request)];
            for trouble in TROUBLES {
                let twist = trouble.twist;
                let bench = Bench::twisted(move |_, n| if n == at { twist() } else { Twist::Pass });

                let end = bench.moving(make(&bench, call, priority(call))).await;

                let shown = format!("{call}, request {at}: {}", trouble.name);
                assert_eq!(end, told(row, trouble), "{shown}");
                // Nobody tries again behind the caller's back, and nobody is followed elsewhere.
                assert_eq!(bench.sent().len(), at + 1, "{shown}");
                let acted = !bench.entra.effects().is_empty();
                match end {
                    End::Done => assert!(acted || row.kind == Kind::Read, "{shown}"),
                    End::TryAgain | End::NotFound | End::Refused => assert!(!acted, "{shown}"),
                    End::Unknown => {}
                }
            }
        }
    }
}

/// 401, with a claims challenge or without.
fn challenge(claims: &str) -> Twist {
    let mut answer = answer(401, ERROR);
    let value = format!(r#"Bearer realm="", error="insufficient_claims"{claims}"#);
    let value = value.parse().unwrap();
    answer.headers_mut().insert("www-authenticate", value);
    Twist::Instead(answer)
}

#[tokio::test]
async fn g05_every_call_answers_a_challenge_once_and_then_gives_up() {
    // {"access_token":{"nbf":{"essential":true}}}
    let claims = r#", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ==""#;
    for call in calls() {
        let healthy = Bench::new();
        healthy.moving(make(&healthy, call, priority(call))).await;
        let usual = healthy.sent().len();
        for said in [claims, ""] {
            for at in 0..usual {
                let once = Bench::twisted(move |_, n| {
                    if n == at {
                        challenge(said)
                    } else {
                        Twist::Pass
                    }
                });
                let for_ever = Bench::twisted(move |_, n| {
                    if n >= at {
                        challenge(said)
                    } else {
                        Twist::Pass
                    }
                });

                let answered = once.moving(make(&once, call, priority(call))).await;
                let given_up = for_ever.moving(make(&for_ever, call, priority(call))).await;

                assert_eq!(
                    (answered, once.sent().len()),
                    (End::Done, usual + 1),
                    "{call}"
                );
                assert_eq!(
                    (given_up, for_ever.sent().len()),
                    (End::Refused, at + 2),
                    "{call}"
                );
                let [first, second] =
                    [at, at + 1].map(|n| once.sent()[n].headers()["authorization"].clone());
                assert_ne!(first, second, "{call}");
            }
        }
    }
}

#[tokio::test]
async fn g08_a_stale_read_is_a_read_and_the_write_stays_done() {
    for (write, read) in [
        ("Graph::set_agent_enabled", "Graph::agent"),
        ("Graph::set_blueprint_enabled", "Graph::blueprint"),
        ("Graph::set_agent_user_enabled", "Graph::agent_user"),
        ("Graph::set_principal_enabled", "Graph::principal"),
    ] {
        for lag in [Lag::Reads(3), Lag::Flapping(4)] {
            let bench = Bench::new();
            let struck = On::request("PATCH", "/");
            bench
                .entra
                .push_fault(Fault::new(struck, What::StaleReads(lag)));

            let written = make(&bench, write, Priority::Contain).await;
            let mut reads = Vec::new();
            for _ in 0..6 {
                reads.push(make(&bench, read, Priority::Verify).await);
            }

            assert_eq!(
                (written, &*reads),
                (End::Done, &[End::Done; 6][..]),
                "{write}"
            );
            assert_eq!(bench.entra.effects().len(), 1, "{write}");
        }
    }
}

#[tokio::test]
async fn g09_a_fault_strikes_one_read_inside_a_batch_and_spares_the_others() {
    let throttle = What::Throttle {
        retry_after: Some(RetryAfter::Seconds(2)),
    };
    let denied = What::Status {
        status: 403,
        code: "Authorization_RequestDenied".to_owned(),
    };
    for (what, expected) in [
        (throttle, End::Done),
        (denied, End::Refused),
        (What::LoseReplyAfterEffect, End::Unknown),
        (What::LoseRequest, End::Unknown),
        (What::Garbage(Garbage::Html), End::Unknown),
        (What::Garbage(Garbage::Body("{}".to_owned())), End::Unknown),
        (What::ClaimsChallenge, End::Refused),
    ] {
        let bench = Bench::new();
        let on = On::request(
            "GET",
            &format!("{INVOICE_BOT}/microsoft.graph.agentIdentity$"),
        );
        bench.entra.push_fault(Fault::new(on, what.clone()));
        let others = bench.entra.tenant().agents.into_keys();
        let ids: Vec<_> = others
            .map(estop::domain::entity::ObjectId::from_uuid)
            .collect();
        let ask = estop::graph::Ask {
            priority: Priority::Watch,
            correlation: INVOICE_BOT,
        };

        let read = bench.moving(bench.graph.agents_by_id(ask, &ids)).await;

        for (id, outcome) in read {
            let end = outcome.map_or_else(End::from, |_| End::Done);
            let wanted = if id == bench.things.agent {
                expected
            } else {
                End::Done
            };
            assert_eq!(end, wanted, "{what:?} {id}");
        }
    }
}

#[tokio::test]
async fn g06_every_call_outlives_a_token_that_is_revoked_before_each_request() {
    for call in calls() {
        let healthy = Bench::new();
        healthy.moving(make(&healthy, call, priority(call))).await;
        let (turn, last) = (AtomicUsize::new(0), Mutex::new(None::<estop::sim::Entra>));
        let last = std::sync::Arc::new(last);
        let shared = std::sync::Arc::clone(&last);
        let bench = Bench::twisted(move |_, _| {
            // Every odd request is a second try, which must find its new token alive.
            if turn.fetch_add(1, Ordering::Relaxed).is_multiple_of(2)
                && let Some(entra) = &*shared.lock().unwrap()
            {
                entra.revoke_access_tokens();
            }
            Twist::Pass
        });
        *last.lock().unwrap() = Some(bench.entra.clone());

        let end = bench.moving(make(&bench, call, priority(call))).await;

        assert_eq!(end, End::Done, "{call}");
        assert_eq!(bench.sent().len(), healthy.sent().len() * 2, "{call}");
    }
}
