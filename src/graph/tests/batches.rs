use std::time::Duration;

use serde_json::{Value, json};

use super::super::{Ask, Error, Priority};
use super::{answer, answering, ask, clock, id, moving};
use crate::clock::Clock;
use crate::domain::entity::ObjectId;
use crate::transport::Request;

fn asked(request: &Request) -> Vec<Value> {
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    body["requests"].as_array().unwrap().clone()
}

/// The answer Graph gives to one request of a batch.
fn told(request: &Value) -> Value {
    let object = request["url"].as_str().unwrap().split('/').nth(2).unwrap();
    json!({ "id": request["id"], "status": 200, "headers": {}, "body": {
        "@odata.type": "#microsoft.graph.agentIdentity", "id": object, "accountEnabled": true,
        "agentIdentityBlueprintId": null, "disabledByMicrosoftStatus": null, "displayName": "a",
    }})
}

/// A tenant that tells what it was asked, with `change` made to the list of what is told.
async fn three(change: impl Fn(&mut Vec<Value>) + Send + Sync + 'static) -> Vec<Result<(), Error>> {
    let (clock, _hand) = clock();
    let (graph, _seen) = answering(&clock, move |request, _| {
        let mut told = asked(request).iter().map(told).collect();
        change(&mut told);
        Ok(answer(200, json!({ "responses": told }).to_string()))
    });
    let ids = [id(1), id(2), id(3)];
    let read = graph.agents_by_id(ask(Priority::Watch), &ids).await;
    assert_eq!(read.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
    read.into_iter()
        .map(|(id, outcome)| outcome.map(|agent| assert_eq!(agent.id, id)))
        .collect()
}

/// `y` for an agent, else what the caller can do.
fn ends(outcomes: &[Result<(), Error>]) -> String {
    let letter = |outcome: &Result<(), Error>| match outcome {
        Ok(()) => 'y',
        Err(Error::Unknown { .. }) => 'u',
        Err(Error::NotFound { .. }) => 'n',
        Err(Error::Refused { .. }) => 'r',
        Err(Error::TryAgain { .. }) => 't',
    };
    outcomes.iter().map(letter).collect()
}

#[tokio::test]
async fn g09_every_reply_in_a_batch_goes_to_the_read_it_names() {
    type Change = fn(&mut Vec<Value>);
    let cases: [(&str, Change); 15] = [
        ("yyy", |_| {}),
        ("yyy", |told| told.reverse()),
        ("yyy", |told| told.swap(0, 1)),
        ("yuy", |told| drop(told.remove(1))),
        ("uuu", |told| told.clear()),
        ("yyu", |told| told.push(told[2].clone())),
        ("uuu", |told| told[0]["id"] = json!("7")),
        ("uuu", |told| told[0]["id"] = json!("")),
        ("uuu", |told| told[0]["id"] = json!(0)),
        ("nry", |told| {
            told[0]["status"] = json!(404);
            told[0]["body"] = json!({ "error": { "code": "Request_ResourceNotFound" } });
            told[1]["status"] = json!(403);
        }),
        // A 404 that is not in Graph's words says nothing about the object.
        ("uyy", |told| told[0]["status"] = json!(404)),
        ("uyy", |told| told[0]["status"] = json!(99)),
        ("ruy", |told| {
            told[0]["status"] = json!(424);
            told[1]["body"] = json!("<html>");
        }),
        // The right id with the body of another: the boulder lesson.
        ("uuy", |told| {
            let first = told[0]["body"].take();
            let second = std::mem::replace(&mut told[1]["body"], first);
            told[0]["body"] = second;
        }),
        ("uyy", |told| told[0]["body"] = Value::Null),
    ];

    for (number, (wanted, change)) in cases.into_iter().enumerate() {
        let outcomes = three(change).await;

        assert_eq!(ends(&outcomes), wanted, "case {number}: {outcomes:?}");
    }
}

fn throttled_first(clock: &Clock, retry_after: Option<&'static str>) -> super::super::Graph {
    let (graph, _seen) = answering(clock, move |request, number| {
        let mut told: Vec<Value> = asked(request).iter().map(told).collect();
        if number == 1 {
            told[1] = json!({ "id": told[1]["id"], "status": 429, "headers": {}, "body": {} });
            if let Some(text) = retry_after {
                told[1]["headers"]["Retry-After"] = json!(text);
            }
        }
        Ok(answer(200, json!({ "responses": told }).to_string()))
    });
    graph
}

#[tokio::test]
async fn g09_a_throttled_read_in_a_batch_is_asked_again_when_it_may() {
    for (retry_after, expected) in [(Some("7"), 7..=7), (None, 0..=1)] {
        let (clock, hand) = clock();
        let graph = throttled_first(&clock, retry_after);
        let ids = [id(1), id(2), id(3)];

        let reading = graph.agents_by_id(ask(Priority::Watch), &ids);
        let (read, waited) = moving(&hand, Duration::from_secs(1), reading).await;

        assert!(read.iter().all(|(_, outcome)| outcome.is_ok()), "{read:?}");
        assert!(expected.contains(&waited), "{retry_after:?}: {waited} s");
    }
}

#[tokio::test]
async fn g09_reads_go_twenty_at_a_time_and_only_the_throttled_go_twice() {
    let (clock, hand) = clock();
    let (graph, seen) = answering(&clock, |request, number| {
        let mut told: Vec<Value> = asked(request).iter().map(told).collect();
        if number == 1 {
            told[4] = json!({ "id": told[4]["id"], "status": 429, "headers": {}, "body": {} });
        }
        Ok(answer(200, json!({ "responses": told }).to_string()))
    });
    let ids: Vec<ObjectId> = (1..=45).map(id).collect();

    let reading = graph.agents_by_id(ask(Priority::Watch), &ids);
    let (read, _) = moving(&hand, Duration::from_secs(1), reading).await;

    assert!(read.iter().all(|(_, outcome)| outcome.is_ok()), "{read:?}");
    let seen = seen.lock().unwrap();
    let sizes: Vec<usize> = seen.iter().map(|one| asked(one).len()).collect();
    assert_eq!(sizes, [20, 1, 20, 5]);
    assert_eq!(asked(&seen[1])[0]["id"], "4");
}

#[tokio::test]
async fn g09_the_kill_path_makes_every_call_alone() {
    let (clock, _hand) = clock();
    let (graph, seen) = answering(&clock, |_, _| Ok(answer(200, "{}")));

    let read = graph
        .agents_by_id(ask(Priority::Contain), &[id(1), id(2)])
        .await;

    assert!(
        read.iter()
            .all(|(_, one)| matches!(one, Err(Error::Refused { .. }))),
        "{read:?}"
    );
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_batch_that_fails_as_a_whole_fails_for_each_in_it() {
    for (status, wanted) in [(503, 't'), (403, 'r'), (400, 'r')] {
        let (clock, _hand) = clock();
        let (graph, seen) = answering(&clock, move |_, _| Ok(answer(status, "")));
        let who = Ask {
            priority: Priority::Watch,
            ..ask(Priority::Watch)
        };

        let read = graph.agents_by_id(who, &[id(1), id(2)]).await;

        let outcomes: Vec<_> = read.into_iter().map(|(_, one)| one.map(|_| ())).collect();
        assert_eq!(ends(&outcomes), format!("{wanted}{wanted}"), "{status}");
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
}
