//! What the simulated tenant refuses, so that a wrong call of ours would not pass there unseen.

use bytes::Bytes;
use estop::transport::Request;
use serde_json::{Value, json};

use super::Bench;
use super::calls::make;
use super::rows::{Host, Kind, ROWS};
use super::table::{calls, matched, priority};

const CASTS: [&str; 5] = [
    "microsoft.graph.agentIdentity",
    "microsoft.graph.agentIdentityBlueprint",
    "microsoft.graph.agentIdentityBlueprintPrincipal",
    "microsoft.graph.agentUser",
    "microsoft.graph.agentidentity",
];

/// Every write as we send it.
async fn writes() -> Vec<(&'static str, Request)> {
    let mut writes = Vec::new();
    for call in calls() {
        let bench = Bench::new();
        bench.moving(make(&bench, call, priority(call))).await;
        let sent = bench.sent().into_iter();
        let writing = sent.filter(|it| ROWS[matched(it)].kind == Kind::Write);
        writes.extend(writing.map(|request| (call, request)));
    }
    writes
}

/// The tenant says no to this and stays as it is.
async fn assert_refused(call: &str, request: Request) {
    let bench = Bench::new();
    let host = ROWS[matched_host(&request)].host;
    let token = match host {
        Host::Foundry => bench.entra.access_token_for("https://ai.azure.com"),
        Host::Azure => bench.entra.access_token_for("https://management.azure.com"),
        Host::Monitor => bench.entra.access_token_for("https://monitor.azure.com"),
        Host::Graph => bench.entra.access_token(),
    };
    let mut request = request;
    let header = format!("Bearer {}", token.unwrap()).parse().unwrap();
    request.headers_mut().insert("authorization", header);
    let shown = format!("{call}: {request:?}");

    let status = bench.entra.exchange(request).await.unwrap().status();

    assert!(matches!(status.as_u16(), 400 | 404), "{status} to {shown}");
    assert!(bench.entra.effects().is_empty(), "{shown}");
}

fn matched_host(request: &Request) -> usize {
    let host = request.uri().host().unwrap();
    ROWS.iter().position(|row| row.host.name() == host).unwrap()
}

#[tokio::test]
async fn an_unknown_member_anywhere_in_a_write_is_refused() {
    for (call, request) in writes().await {
        let body = serde_json::from_slice(request.body()).unwrap_or(json!({}));
        for changed in with_one_more(&body) {
            let mut request = request.clone();
            let json = "application/json".parse().unwrap();
            request.headers_mut().insert("content-type", json);
            *request.body_mut() = Bytes::from(changed.to_string());
            assert_refused(call, request).await;
        }
    }
}

/// The body with a member nobody knows, once in every object of it. Names of attributes are data:
/// an undefined one is refused as well.
fn with_one_more(body: &Value) -> Vec<Value> {
    let Value::Object(members) = body else {
        return Vec::new();
    };
    let mut here = members.clone();
    here.insert("surprise".to_owned(), json!("x"));
    let mut all = vec![Value::Object(here)];
    for (name, value) in members {
        for inner in with_one_more(value) {
            let mut outer = members.clone();
            outer.insert(name.clone(), inner);
            all.push(Value::Object(outer));
        }
    }
    all
}

#[tokio::test]
async fn a_member_of_a_wrong_type_or_missing_is_refused() {
    for (call, request) in writes().await {
        let Ok(Value::Object(members)) = serde_json::from_slice(request.body()) else {
            continue;
        };
        for name in members.keys() {
            // Null means everyone, as absence does.
            let optional = call == "Graph::grant" && name == "principalId";
            for wrong in [Some(json!(7)), Some(json!([7])), None] {
                let mut body = members.clone();
                match wrong {
                    Some(value) => body.insert(name.clone(), value),
                    None if optional => continue,
                    None => body.remove(name),
                };
                let mut request = request.clone();
                *request.body_mut() = Bytes::from(Value::Object(body).to_string());
                assert_refused(call, request).await;
            }
        }
    }
}

#[tokio::test]
async fn g13_a_wrong_cast_or_type_is_refused() {
    let mut seen = 0;
    for (call, request) in writes().await {
        let uri = request.uri().to_string();
        let cast = CASTS
            .iter()
            .rev()
            .find(|cast| uri.contains(&format!("/{cast}/")) || uri.ends_with(&format!("/{cast}")));
        for other in CASTS
            .iter()
            .filter(|other| cast.is_some_and(|cast| cast != *other))
        {
            let mut request = request.clone();
            *request.uri_mut() = uri.replacen(cast.unwrap(), other, 1).parse().unwrap();
            assert_refused(call, request).await;
            seen += 1;
        }
        if let Ok(text) = std::str::from_utf8(request.body())
            && text.contains("@odata.type")
        {
            for (was, other) in [
                ("#microsoft.graph.agentUser", "#microsoft.graph.user"),
                ("AttributeValue", "Value"),
            ] {
                if text.contains(was) {
                    let mut request = request.clone();
                    *request.body_mut() = Bytes::from(text.replace(was, other));
                    assert_refused(call, request).await;
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 15, "{seen}");
}

#[tokio::test]
async fn g13_an_id_of_another_kind_in_the_path_is_refused() {
    let bench = Bench::new();
    let ours = bench.entra.tenant().client.principal;
    for (call, request) in writes().await {
        let uri = request.uri().to_string();
        let row = &ROWS[matched(&request)];
        // A plain path takes any kind of service principal: who calls it looks first.
        let plain = row.line.1.starts_with("/v1.0/servicePrincipals/{id}")
            && !row.line.1.contains("microsoft.graph");
        let ids = uri
            .split(['/', '\'', ')'])
            .filter(|part| part.parse::<uuid::Uuid>().is_ok());
        for id in ids.filter(|id| !id.ends_with("0002")) {
            let wrong = if plain {
                bench.things.agent_user.to_string()
            } else {
                ours.to_string()
            };
            let mut request = request.clone();
            *request.uri_mut() = uri.replace(id, &wrong).parse().unwrap();
            assert_refused(call, request).await;
        }
    }
}
