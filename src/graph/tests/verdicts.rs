use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::super::{Error, Graph, Priority};
use super::{answer, answering, ask, clock, id, linked, moving};
use crate::clock::Clock;
use crate::transport::{Failure, Request, Transport};

const SLOT: Duration = Duration::from_millis(1_100);

fn ids(request: &Request) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    let ids = body["agentIds"].as_array().unwrap();
    ids.iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect()
}

/// A tenant whose identity protection lane has just been used.
async fn busy(
    clock: &Clock,
    status: impl Fn(&Request) -> u16 + Send + Sync + 'static,
) -> (Graph, super::Seen) {
    let (graph, seen) = answering(clock, move |request, number| {
        let status = if number == 1 { 204 } else { status(request) };
        let body = if status == 204 {
            ""
        } else {
            r#"{"error":{"code":"Some_Code"}}"#
        };
        Ok(answer(status, body))
    });
    graph
        .confirm_compromised(ask(Priority::Contain), id(9_999))
        .await
        .unwrap();
    (graph, seen)
}

#[tokio::test]
async fn a_hundred_who_wait_to_confirm_are_carried_by_two_calls() {
    let (clock, hand) = clock();
    let times = Arc::new(Mutex::new(Vec::new()));
    let (log, now) = (Arc::clone(&times), clock.clone());
    let (graph, seen) = busy(&clock, move |_| {
        log.lock().unwrap().push(now.elapsed());
        204
    })
    .await;
    let mut all =
        Box::pin(join_all((1..=100).map(|n| {
            graph.confirm_compromised(ask(Priority::Contain), id(n))
        })));
    assert!(futures_util::poll!(&mut all).is_pending());

    hand.advance(SLOT);
    assert!(futures_util::poll!(&mut all).is_pending());
    hand.advance(SLOT);
    let all = all.await;

    assert!(all.iter().all(Result::is_ok));
    let seen = seen.lock().unwrap();
    let told: HashSet<String> = seen[1..].iter().flat_map(ids).collect();
    assert_eq!(seen.len(), 3);
    assert_eq!(ids(&seen[1]).len(), 60);
    assert_eq!(told.len(), 100, "every id once");
    assert_eq!(*times.lock().unwrap(), [SLOT, SLOT * 2]);
    assert_eq!(graph.0.verdicts.waiting(), 0);
}

#[tokio::test]
async fn different_verdicts_are_never_mixed() {
    let (clock, hand) = clock();
    let (graph, seen) = busy(&clock, |_| 204).await;
    let contain = ask(Priority::Contain);
    let three = async {
        tokio::join!(
            graph.confirm_compromised(contain, id(1)),
            graph.confirm_safe(ask(Priority::Undo), id(2)),
            graph.dismiss(ask(Priority::Undo), id(3)),
        )
    };

    let _ = moving(&hand, SLOT, three).await;

    let seen = seen.lock().unwrap();
    let said: Vec<(&str, Vec<String>)> = seen[1..]
        .iter()
        .map(|request| {
            (
                request.uri().path().rsplit('/').next().unwrap(),
                ids(request),
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            ("confirmCompromised", vec![id(1).to_string()]),
            ("confirmSafe", vec![id(2).to_string()]),
            ("dismiss", vec![id(3).to_string()]),
        ]
    );
}

#[tokio::test]
async fn one_who_stops_waiting_is_not_spoken_for() {
    let (clock, hand) = clock();
    let (graph, seen) = busy(&clock, |_| 204).await;
    let mut gone = Box::pin(graph.confirm_compromised(ask(Priority::Contain), id(1)));
    let mut stays = Box::pin(graph.confirm_compromised(ask(Priority::Contain), id(2)));
    assert!(futures_util::poll!(&mut gone).is_pending());
    assert!(futures_util::poll!(&mut stays).is_pending());

    assert_eq!(graph.0.verdicts.waiting(), 2);
    drop(gone);
    assert_eq!(graph.0.verdicts.waiting(), 1);
    let _ = futures_util::poll!(&mut stays);
    hand.advance(SLOT);
    stays.await.unwrap();

    assert_eq!(ids(&seen.lock().unwrap()[1]), [id(2).to_string()]);
}

#[tokio::test]
async fn those_carried_by_one_who_is_cancelled_know_that_they_do_not_know() {
    let (clock, hand) = clock();
    let graph = linked(
        &clock,
        Transport::in_process(|request| {
            if ids(&request) == [id(9).to_string()] {
                return std::future::ready(Ok(answer(204, ""))).boxed();
            }
            std::future::pending().boxed()
        }),
    );
    graph
        .confirm_compromised(ask(Priority::Contain), id(9))
        .await
        .unwrap();
    let mut carrier = Box::pin(graph.confirm_compromised(ask(Priority::Contain), id(1)));
    let mut carried = Box::pin(graph.confirm_compromised(ask(Priority::Contain), id(2)));
    assert!(futures_util::poll!(&mut carrier).is_pending());
    assert!(futures_util::poll!(&mut carried).is_pending());
    hand.advance(SLOT);
    assert!(futures_util::poll!(&mut carrier).is_pending());
    assert!(futures_util::poll!(&mut carried).is_pending());

    drop(carrier);

    let carried = carried.await;
    assert!(matches!(carried, Err(Error::Unknown { .. })), "{carried:?}");
}

#[tokio::test]
async fn g16_one_unknown_id_spoils_only_its_own_confirmation() {
    let (clock, hand) = clock();
    let (graph, _seen) = busy(&clock, |request| {
        if ids(request).contains(&id(2).to_string()) {
            404
        } else {
            204
        }
    })
    .await;
    let confirming = (1..=3).map(|n| graph.confirm_compromised(ask(Priority::Contain), id(n)));

    let (all, _) = moving(&hand, SLOT, join_all(confirming)).await;

    assert!(all[0].is_ok() && all[2].is_ok(), "{all:?}");
    assert!(matches!(all[1], Err(Error::NotFound { .. })), "{all:?}");
}

#[tokio::test]
async fn a_refusal_of_us_is_told_to_all_at_once() {
    let (clock, hand) = clock();
    let (graph, seen) = busy(&clock, |_| 403).await;
    let mut all =
        Box::pin(join_all((1..=10).map(|n| {
            graph.confirm_compromised(ask(Priority::Contain), id(n))
        })));
    let _ = futures_util::poll!(&mut all);

    hand.advance(SLOT);
    let all = all.await;

    let refused = |one| {
        matches!(
            one,
            &Err(Error::Refused {
                status: Some(403),
                ..
            })
        )
    };
    assert!(all.iter().all(refused), "{all:?}");
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_lost_reply_leaves_everyone_it_carried_unsure() {
    let (clock, hand) = clock();
    let (graph, _seen) = answering(&clock, |_, number| match number {
        1 => Ok(answer(204, "")),
        _ => Err(Failure::Lost("reset".to_owned())),
    });
    graph
        .confirm_compromised(ask(Priority::Contain), id(9))
        .await
        .unwrap();
    let mut all =
        Box::pin(join_all((1..=5).map(|n| {
            graph.confirm_compromised(ask(Priority::Contain), id(n))
        })));
    let _ = futures_util::poll!(&mut all);

    hand.advance(SLOT);
    let all = all.await;

    assert!(
        all.iter()
            .all(|one| matches!(one, Err(Error::Unknown { .. }))),
        "{all:?}"
    );
}
