//! Resource units: what reads and writes cost each other.

use std::time::Duration;

use futures_util::FutureExt as _;

use super::super::{Budget, Enabled, Graph, Lane, LaneReport, Priority};
use super::{answer, answering, ask, clock, id, with_header};
use crate::clock::Clock;

fn reads(graph: &Graph) -> LaneReport {
    let mut reports = graph.lanes().into_iter();
    reports
        .find(|report| report.lane == Lane::DirectoryReads)
        .unwrap()
}

/// A tenant of 10 units in 10 s, whose answers say that they cost `said`.
fn small(clock: &Clock, said: Option<&'static str>) -> Graph {
    let (graph, _seen) = answering(clock, move |request, _| {
        let answer = if request.method() == http::Method::GET {
            answer(200, r#"{"value":[]}"#)
        } else {
            answer(204, "")
        };
        Ok(match said {
            Some(units) => with_header(answer, "x-ms-resource-unit", units),
            None => answer,
        })
    });
    let mut link = graph.0.link.clone();
    link.budgets.directory_reads = Budget {
        turns: 10,
        window: Duration::from_secs(10),
    };
    Graph::new(link)
}

async fn write(graph: &Graph, number: u128) -> bool {
    let contain = ask(Priority::Contain);
    let sent = graph.set_agent_enabled(contain, id(number), Enabled::No);
    sent.now_or_never().is_some()
}

#[tokio::test]
async fn g17_a_write_costs_a_resource_unit_too() {
    let (clock, _hand) = clock();
    let graph = small(&clock, None);

    for number in 1..=4 {
        assert!(write(&graph, number).await);
    }
    let looked = graph.agents(ask(Priority::Contain)).now_or_never();

    assert!(looked.is_some());
    assert_eq!(reads(&graph).spent, 5);
}

#[tokio::test]
async fn g17_what_the_tenant_says_a_call_has_cost_counts() {
    for (said, wanted) in [(Some("5"), 5), (Some("1"), 1), (None, 1), (Some("many"), 1)] {
        let (clock, _hand) = clock();
        let graph = small(&clock, said);

        graph.agents(ask(Priority::Contain)).await.unwrap();

        assert_eq!(reads(&graph).spent, wanted, "{said:?}");
    }
}

#[tokio::test]
async fn g17_reads_of_the_curious_leave_units_for_a_kill() {
    let (clock, _hand) = clock();
    let graph = small(&clock, None);

    let curious = (0..20)
        .filter(|_| graph.agents(ask(Priority::Watch)).now_or_never().is_some())
        .count();
    let killed = write(&graph, 1).await && write(&graph, 2).await;

    assert_eq!(curious, 8);
    assert!(killed);
    assert!(!write(&graph, 3).await, "and no more than there are");
}

#[tokio::test]
async fn g17_a_write_passes_the_looks_that_wait_for_units() {
    let (clock, hand) = clock();
    let graph = small(&clock, None);
    for number in 1..=10 {
        assert!(write(&graph, number).await);
    }
    let contain = ask(Priority::Contain);
    let mut look = Box::pin(graph.agents(contain));
    let mut strike = Box::pin(graph.set_agent_enabled(contain, id(11), Enabled::No));
    assert!(futures_util::poll!(&mut look).is_pending());
    assert!(futures_util::poll!(&mut strike).is_pending());

    hand.advance(Duration::from_secs(10));
    let struck = strike.await;
    let looked = look.await;

    assert!(struck.is_ok() && looked.is_ok());
}

#[tokio::test]
async fn g01_a_throttled_read_does_not_hold_up_a_write() {
    let (clock, _hand) = clock();
    let (graph, _seen) = answering(&clock, |request, _| {
        Ok(match request.method().as_str() {
            "GET" => with_header(answer(429, ""), "retry-after", "45"),
            _ => answer(204, ""),
        })
    });
    let _ = graph.agents(ask(Priority::Contain)).await;

    assert!(write(&graph, 1).await);
    assert_eq!(reads(&graph).paused, Duration::from_secs(45));
}

#[tokio::test]
async fn the_cause_of_a_429_is_counted_by_words_from_a_closed_list() {
    let (clock, _hand) = clock();
    let (graph, _seen) = answering(&clock, |_, number| {
        let busy = with_header(answer(429, ""), "retry-after", "1");
        Ok(match number {
            1 => with_header(
                with_header(busy, "x-ms-throttle-scope", "Tenant_Application/Read/a/b"),
                "x-ms-throttle-information",
                "ResourceUnitLimitExceeded",
            ),
            2 => with_header(busy, "x-ms-throttle-scope", "Galaxy/Think"),
            _ => busy,
        })
    });
    for _ in 0..3 {
        let call = super::super::call::Call::read(super::super::place::Place::v1("/users"));
        let _ = graph.send_now(ask(Priority::Watch), call).await;
    }

    let causes = reads(&graph).causes;
    let causes: Vec<_> = causes
        .keys()
        .map(|it| (it.whose, it.calls, it.what))
        .collect();

    assert_eq!(
        causes,
        [
            ("other", "other", "unnamed"),
            ("tenant_application", "read", "resource_units"),
            ("unnamed", "unnamed", "unnamed"),
        ]
    );
}
