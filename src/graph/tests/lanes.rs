use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};

use super::super::{Budget, Enabled, Error, Graph, Lane, LaneReport, Priority};
use super::{answer, answering, ask, clock, id, linked, moving, with_header};
use crate::clock::Clock;
use crate::traces::Traces;
use crate::transport::Transport;

fn report(graph: &Graph, lane: Lane) -> LaneReport {
    graph
        .lanes()
        .into_iter()
        .find(|report| report.lane == lane)
        .unwrap()
}

const WINDOW: Duration = Duration::from_secs(10);

fn with_write_budget(graph: &Graph, turns: u32) -> Graph {
    let mut link = graph.0.link.clone();
    link.budgets.directory_writes = Budget {
        turns,
        window: WINDOW,
    };
    Graph::new(link)
}

/// A tenant that says yes, with a write budget of `turns` in 10 s.
fn narrow(clock: &Clock, turns: u32) -> (Graph, super::Seen) {
    let (graph, seen) = answering(clock, |_, _| Ok(answer(204, "")));
    (with_write_budget(&graph, turns), seen)
}

async fn write(graph: &Graph, priority: Priority, number: u128) -> Result<(), Error> {
    let sent = graph
        .set_agent_enabled(ask(priority), id(number), Enabled::No)
        .await;
    sent.map(|_| ())
}

#[tokio::test]
async fn an_idle_lane_delays_nobody_up_to_its_whole_budget() {
    let (clock, _hand) = clock();
    let (graph, seen) = answering(&clock, |_, _| Ok(answer(204, "")));

    for number in 1..=2_700 {
        let sent = write(&graph, Priority::Contain, number).now_or_never();
        assert!(matches!(sent, Some(Ok(()))), "write {number} waited");
    }
    let one_more = write(&graph, Priority::Contain, 2_701).now_or_never();

    assert!(one_more.is_none(), "the budget is kept");
    assert_eq!(seen.lock().unwrap().len(), 2_700);
}

#[tokio::test]
async fn a_sealed_tenant_refuses_a_write_before_it_waits_for_its_lane() {
    let (clock, _hand) = clock();
    let (open, seen) = narrow(&clock, 1);
    write(&open, Priority::Contain, 1).await.unwrap();
    let waiting = write(&open, Priority::Contain, 2).now_or_never();
    let sealed = Graph::sealed(open.0.link.clone(), Traces::off());
    sealed.allow_writes();

    let refused = write(&sealed, Priority::Contain, 2).now_or_never();

    assert!(waiting.is_none(), "without a seal it waits: {waiting:?}");
    let Some(Err(Error::Refused { code, because, .. })) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(code, "ReadsOnly");
    assert!(because.contains("may only be read"), "{because}");
    assert_eq!(report(&sealed, Lane::DirectoryWrites).turns, 0);
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn g17_no_window_holds_more_than_the_budget_and_nobody_starves() {
    let (clock, hand) = clock();
    let times = Arc::new(Mutex::new(Vec::new()));
    let (log, now) = (Arc::clone(&times), clock.clone());
    let (graph, _seen) = answering(&clock, move |_, _| {
        log.lock().unwrap().push(now.elapsed());
        Ok(answer(204, ""))
    });
    let graph = with_write_budget(&graph, 27);

    let writes = (1..=100).map(|number| write(&graph, Priority::Contain, number));
    let (all, _) = moving(&hand, Duration::from_millis(500), join_all(writes)).await;

    let times = times.lock().unwrap();
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(times.len(), 100);
    for start in &*times {
        let later = times.iter().filter(|at| *at >= start);
        let within = later.filter(|at| **at < *start + WINDOW).count();
        assert!(within <= 27, "{within} writes in one window");
    }
    assert_eq!(times.last(), Some(&(WINDOW * 3)), "the ideal schedule");
}

#[tokio::test]
async fn containing_passes_everyone_who_waits() {
    let (clock, hand) = clock();
    let (graph, seen) = narrow(&clock, 1);
    write(&graph, Priority::Watch, 1).await.unwrap();
    let waiting = [
        (Priority::Watch, 2),
        (Priority::Watch, 3),
        (Priority::Enrich, 4),
        (Priority::Undo, 5),
        (Priority::Contain, 6),
    ];
    let mut all = Box::pin(join_all(
        waiting.map(|(priority, number)| write(&graph, priority, number)),
    ));
    let _ = futures_util::poll!(&mut all);
    assert_eq!(
        report(&graph, Lane::DirectoryWrites).waiting,
        [1, 0, 1, 1, 2]
    );

    for _ in 0..5 {
        hand.advance(Duration::from_secs(10));
        let _ = futures_util::poll!(&mut all);
    }

    let order: Vec<String> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|request| request.uri().path().split('/').nth(3).unwrap()[34..].to_owned())
        .collect();
    assert_eq!(
        order,
        ["01", "06", "05", "04", "02", "03"].map(str::to_owned)
    );
}

#[tokio::test]
async fn a_fifth_of_the_budget_is_kept_for_containing() {
    let (clock, _hand) = clock();
    let (graph, _seen) = narrow(&clock, 10);

    let undone = (1..=10)
        .filter(|number| {
            write(&graph, Priority::Undo, *number)
                .now_or_never()
                .is_some()
        })
        .count();
    let contained = (11..=20)
        .filter(|number| {
            write(&graph, Priority::Contain, *number)
                .now_or_never()
                .is_some()
        })
        .count();

    assert_eq!((undone, contained), (8, 2));
}

#[tokio::test]
async fn containing_at_a_steady_pace_never_waits_for_what_is_less_urgent() {
    let (clock, hand) = clock();
    let (graph, _seen) = narrow(&clock, 315);
    let mut undoing = FuturesUnordered::new();
    let mut undone = 0;

    // Twice as much is wanted as there is room for beside the kills.
    for tick in 0..400_u32 {
        for number in 1..=2 {
            undoing.push(write(&graph, Priority::Undo, number));
            let killed = write(&graph, Priority::Contain, number).now_or_never();
            assert!(matches!(killed, Some(Ok(()))), "a kill waited at {tick}");
        }
        while let Some(Some(Ok(()))) = undoing.next().now_or_never() {
            undone += 1;
        }
        // A task that never gives way is told to wait for what is there.
        tokio::task::yield_now().await;
        hand.advance(Duration::from_millis(100));
    }

    assert!(undone >= 200, "{undone} of what is left to others");
}

#[tokio::test]
async fn one_who_stops_waiting_gives_its_place_to_the_next() {
    let (clock, hand) = clock();
    let (graph, seen) = narrow(&clock, 1);
    write(&graph, Priority::Contain, 1).await.unwrap();
    let mut first = Box::pin(write(&graph, Priority::Contain, 2));
    let mut second = Box::pin(write(&graph, Priority::Contain, 3));
    assert!(futures_util::poll!(&mut first).is_pending());
    assert!(futures_util::poll!(&mut second).is_pending());

    drop(first);
    let _ = futures_util::poll!(&mut second);
    hand.advance(Duration::from_secs(10));
    second.await.unwrap();

    assert_eq!(report(&graph, Lane::DirectoryWrites).waiting, [0; 5]);
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn nobody_waits_in_a_lane_for_ever() {
    let (clock, hand) = clock();
    let (graph, _seen) = throttling(&clock, Some("900"));
    let _ = write(&graph, Priority::Watch, 1).await;

    let (late, seconds) = moving(&hand, SECOND, write(&graph, Priority::Watch, 2)).await;

    assert!(matches!(late, Err(Error::TryAgain { .. })), "{late:?}");
    assert_eq!(seconds, 600);
}

const SECOND: Duration = Duration::from_secs(1);

/// A tenant that throttles once, naming `retry_after`, and then says yes.
fn throttling(clock: &Clock, retry_after: Option<&'static str>) -> (Graph, super::Seen) {
    answering(clock, move |_, number| {
        let busy = answer(429, "");
        Ok(match (number, retry_after) {
            (1, Some(text)) => with_header(busy, "retry-after", text),
            (1, None) => busy,
            _ => answer(204, ""),
        })
    })
}

#[tokio::test]
async fn g01_a_429_pauses_the_whole_lane_and_containing_at_most_a_minute() {
    let cases = [
        (Some("7"), 7..=7, 7..=7),
        (Some("60"), 60..=60, 60..=60),
        (Some("120"), 60..=60, 120..=120),
        (Some("500"), 60..=60, 500..=500),
        (Some("0"), 0..=1, 0..=1),
        (Some("-5"), 0..=1, 0..=1),
        (Some("soon"), 0..=1, 0..=1),
        (None, 0..=1, 0..=1),
    ];
    for (retry_after, contain, watch) in cases {
        for (priority, expected) in [(Priority::Contain, contain), (Priority::Watch, watch)] {
            let (clock, hand) = clock();
            let (graph, _seen) = throttling(&clock, retry_after);

            let first = write(&graph, priority, 1).await;
            let (second, waited) = moving(&hand, SECOND, write(&graph, priority, 2)).await;

            assert!(matches!(first, Err(Error::TryAgain { .. })), "{first:?}");
            assert_eq!(second, Ok(()));
            assert!(
                expected.contains(&waited),
                "{retry_after:?} {priority:?}: {waited} s"
            );
        }
    }
}

#[tokio::test]
async fn g01_calls_throttled_together_count_as_one_time() {
    let (clock, _hand) = clock();
    let (graph, _seen) = answering(&clock, |_, _| {
        Ok(with_header(
            answer(429, ""),
            "x-ms-throttle-limit-percentage",
            "1.2",
        ))
    });
    let lanes = &graph.0.lanes;
    let throttled = with_header(answer(429, ""), "x-ms-throttle-scope", "Tenant/Write/x/y");

    for _ in 0..50 {
        lanes
            .of(Lane::DirectoryWrites)
            .heard(throttled.status(), throttled.headers());
    }

    let report = report(&graph, Lane::DirectoryWrites);
    assert_eq!(report.throttled, 50);
    assert!(
        report.paused <= Duration::from_secs(1),
        "{:?}",
        report.paused
    );
    assert_eq!(report.scope.as_deref(), Some("Tenant/Write/x/y"));
}

#[tokio::test]
async fn a_throttled_lane_does_not_stop_another() {
    let (clock, _hand) = clock();
    let (graph, _seen) = throttling(&clock, Some("120"));
    let confirmed = graph
        .confirm_compromised(ask(Priority::Contain), id(1))
        .await;

    let written = write(&graph, Priority::Contain, 1).now_or_never();

    assert!(matches!(confirmed, Err(Error::TryAgain { .. })));
    assert_eq!(written, Some(Ok(())));
}

#[tokio::test]
async fn what_graph_says_about_load_is_reported() {
    let (clock, _hand) = clock();
    let (graph, _seen) = answering(&clock, |_, _| {
        Ok(with_header(
            answer(204, ""),
            "x-ms-throttle-limit-percentage",
            "0.9",
        ))
    });

    write(&graph, Priority::Contain, 1).await.unwrap();

    let report = report(&graph, Lane::DirectoryWrites);
    assert_eq!(report.limit_share, Some(0.9));
    assert_eq!(report.turns, 1);
}

#[tokio::test]
async fn warming_up_fetches_the_token_and_makes_one_small_read() {
    let (clock, _hand) = clock();
    let graph = linked(
        &clock,
        Transport::in_process(|request| {
            assert_eq!(request.headers()["authorization"], "Bearer t1");
            std::future::ready(Ok(answer(200, r#"{"value":[]}"#))).boxed()
        }),
    );

    let receipt = graph.warm(ask(Priority::Watch)).await;

    assert_eq!(receipt.unwrap().status, 200);
}
