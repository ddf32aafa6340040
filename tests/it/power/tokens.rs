//! Who may ask, known from the credential alone (threats C01 to C06).

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use estop::command::{NewName, at_the_machine, create_token, revoke_token};
use estop::domain::detection::SourceName;
use estop::domain::order::Scope;
use http::{Method, Request, StatusCode};
use serde_json::json;

use super::{DAY, Desk, asking, keyed, token};
use crate::cluster::is_only_for_sqlite;
use crate::world::invoice_bot;

/// Every path that is there, with a method it takes.
const PATHS: [(&str, &str); 65] = [
    ("POST", "/v1/plans"),
    ("GET", "/v1/runs"),
    ("POST", "/v1/runs"),
    ("GET", "/v1/runs/run_00000000000000000000000000"),
    ("POST", "/v1/runs/run_00000000000000000000000000/undo"),
    ("POST", "/v1/runs/run_00000000000000000000000000/resume"),
    ("POST", "/v1/runs/run_00000000000000000000000000/stop"),
    ("POST", "/v1/runs/run_00000000000000000000000000/keep"),
    ("POST", "/v1/runs/run_00000000000000000000000000/release"),
    ("GET", "/v1/kept"),
    ("GET", "/v1/approvals"),
    ("GET", "/v1/approvals/apr_00000000000000000000000000"),
    (
        "POST",
        "/v1/approvals/apr_00000000000000000000000000/approve",
    ),
    ("POST", "/v1/approvals/apr_00000000000000000000000000/deny"),
    (
        "POST",
        "/v1/approvals/apr_00000000000000000000000000/extend",
    ),
    ("GET", "/v1/detections"),
    ("GET", "/v1/detections/det_00000000000000000000000000"),
    (
        "POST",
        "/v1/detections/det_00000000000000000000000000/replay",
    ),
    ("GET", "/v1/playbooks"),
    ("POST", "/v1/playbooks/agent-under-investigation/runs"),
    ("GET", "/v1/audit"),
    ("GET", "/v1/audit/head"),
    ("GET", "/v1/audit/export"),
    ("GET", "/v1/mode"),
    ("PUT", "/v1/mode"),
    ("POST", "/v1/brake"),
    ("GET", "/v1/tokens"),
    ("GET", "/v1/holds"),
    ("GET", "/v1/holds/7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0"),
    ("GET", "/v1/caps"),
    ("POST", "/v1/caps"),
    ("POST", "/v1/caps/lower"),
    ("GET", "/v1/motions"),
    ("GET", "/v1/motions/mot_00000000000000000000000000"),
    ("POST", "/v1/motions/mot_00000000000000000000000000/second"),
    ("POST", "/v1/motions/mot_00000000000000000000000000/deny"),
    ("GET", "/v1/freezes"),
    ("POST", "/v1/freezes"),
    ("GET", "/v1/freezes/frz_00000000000000000000000000"),
    ("POST", "/v1/freezes/frz_00000000000000000000000000/stop"),
    ("POST", "/v1/freezes/frz_00000000000000000000000000/undo"),
    ("GET", "/v1/notices"),
    ("POST", "/v1/notices/test"),
    ("GET", "/v1/notices/ntc_00000000000000000000000000"),
    ("POST", "/v1/notices/ntc_00000000000000000000000000/ack"),
    ("POST", "/v1/notices/ntc_00000000000000000000000000/resolve"),
    ("GET", "/v1/heard"),
    ("GET", "/v1/doctor"),
    ("POST", "/v1/doctor"),
    ("GET", "/v1/agents"),
    ("GET", "/v1/agents/orphans"),
    ("GET", "/v1/agents/7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0"),
    ("GET", "/v1/blueprints"),
    ("GET", "/v1/blueprints/7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0"),
    ("GET", "/v1/drills"),
    ("POST", "/v1/drills"),
    ("GET", "/v1/drills/drl_00000000000000000000000000"),
    ("POST", "/v1/playbooks/agent-under-investigation/activate"),
    ("POST", "/v1/playbooks/agent-under-investigation/lift"),
    ("GET", "/v1/expectations"),
    ("POST", "/v1/expectations"),
    (
        "POST",
        "/v1/expectations/exp_00000000000000000000000000/end",
    ),
    ("GET", "/v1/runs/run_00000000000000000000000000/evidence"),
    (
        "GET",
        "/v1/runs/run_00000000000000000000000000/evidence/bundle",
    ),
    ("GET", "/metrics"),
];

/// What is posted without a form: the path says all of it.
const FORMLESS: [&str; 5] = ["/replay", "/doctor", "/test", "/ack", "/resolve"];

/// The path with a hole where it names something.
fn shape(path: &str) -> String {
    let names = |part: &str| part.contains('_') || part.contains('-');
    let parts = path.split('/').map(|part| {
        if names(part) || part.starts_with('{') {
            "{}"
        } else {
            part
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn every_route_of_the_control_api_is_among_the_paths() {
    let routes = include_str!("../../../src/api/mod.rs")
        .split(".route(")
        .skip(1);
    let routes = routes.flat_map(|route| {
        let (_, path) = route.split_once("\"/").unwrap();
        let (path, takes) = path.split_once('"').unwrap();
        let methods = ["get", "post", "put"].into_iter();
        let taken = methods.filter(move |method| takes.contains(&format!("{method}(")));
        taken.map(move |method| (method.to_uppercase(), shape(&format!("/{path}"))))
    });
    let mut listed: BTreeSet<_> = PATHS
        .into_iter()
        .map(|(method, path)| (method.to_owned(), shape(path)))
        .collect();
    listed.remove(&("GET".to_owned(), "/metrics".to_owned()));

    assert_eq!(routes.collect::<BTreeSet<_>>(), listed);
}

#[tokio::test]
async fn every_path_but_the_probes_asks_for_a_token_and_all_refusals_are_alike() {
    let desk = Desk::new().await;

    for (method, path) in PATHS.into_iter().chain([("GET", "/v1/nothing")]) {
        let bare = Request::builder().method(method).uri(path);
        let reply = desk.send(bare.body(Body::empty()).unwrap()).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        assert_eq!(reply.body["code"], "token-refused", "{method} {path}");
        assert_eq!(reply.headers["www-authenticate"], "Bearer");
    }

    for path in ["/healthz", "/readyz"] {
        let bare = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(desk.send(bare).await.status, StatusCode::OK, "{path}");
    }
}

/// What no form of ours knows is refused by its name, so that nothing is meant that is not done.
#[tokio::test]
async fn b11_no_form_takes_a_member_that_it_does_not_know() {
    let desk = Desk::new().await;
    let before = desk.records().await.len();

    let formless = |path: &str| FORMLESS.iter().any(|end| path.ends_with(end));
    let forms = PATHS
        .into_iter()
        .filter(|(method, path)| *method != "GET" && !formless(path));
    for (n, (method, path)) in forms.enumerate() {
        let body = Some(json!({ "surprise": true }));
        let request = asking(method.parse().unwrap(), path, &desk.token, body);
        let reply = desk.send(keyed(request, &format!("key-{n}"))).await;
        let about = format!("{method} {path}: {}", reply.text);
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{about}");
        assert!(reply.text.contains("unknown field `surprise`"), "{about}");
    }

    assert_eq!(desk.records().await.len(), before);
}

/// Bytes that are no text name nothing, and are told so as every other refusal is.
#[tokio::test]
async fn an_id_that_is_no_text_is_refused_in_full_on_every_path() {
    let desk = Desk::new().await;
    let names_something = PATHS
        .into_iter()
        .filter(|(_, path)| shape(path).contains("{}"));

    for (n, (method, path)) in names_something.enumerate() {
        let path = shape(path).replace("{}", "%e2");
        let request = asking(method.parse().unwrap(), &path, &desk.token, Some(json!({})));
        let reply = desk.send(keyed(request, &format!("key-{n}"))).await;
        let about = format!("{method} {path}: {}", reply.text);
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{about}");
        assert_eq!(reply.body["code"], "not-found", "{about}");
        assert!(reply.body["fix"].is_string(), "{about}");
    }
}

/// A header that asks for another method than the request has is only a header.
#[tokio::test]
async fn b11_a_method_is_what_the_request_line_says() {
    let desk = Desk::new().await;
    let brake = || desk.world.service.store.standing();
    let before = brake().await.unwrap();

    for name in [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
    ] {
        let mut request = asking(Method::GET, "/v1/brake", &desk.token, None);
        request.headers_mut().insert(name, "POST".parse().unwrap());
        let reply = desk.send(request).await;
        assert_eq!(
            reply.status,
            StatusCode::METHOD_NOT_ALLOWED,
            "{}",
            reply.text
        );
    }

    assert_eq!(brake().await.unwrap(), before);
}

#[tokio::test]
async fn a_service_that_cannot_act_lives_and_is_not_ready() {
    let mut tenant = estop::sim::Tenant::contoso();
    // It gets no token, so nobody knows who we are.
    tenant.switch(tenant.client.principal, estop::sim::Switch::Disabled);
    let desk = Desk::with(crate::world::Setting {
        tenant,
        ..crate::world::Setting::default()
    })
    .await;
    let probe = |path: &str| desk.send(Request::get(path).body(Body::empty()).unwrap());

    let (lives, ready) = (probe("/healthz").await, probe("/readyz").await);

    assert_eq!(lives.status, StatusCode::OK);
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.text, "not ready\n");
}

#[tokio::test]
async fn c01_a_token_lives_ninety_days_at_most() {
    let desk = Desk::new().await;
    let tools = (&desk.world.service.store, &desk.world.clock);
    let who = at_the_machine("dana");
    let made = async |name: &str, days: u32| {
        let named = (NewName::new(name).unwrap(), Scope::View);
        let made = create_token(tools, &who, named, DAY * days).await;
        made.map(|made| made.text).map_err(|why| why.to_string())
    };

    assert!(made("short", 90).await.is_ok());
    assert!(
        made("long", 91)
            .await
            .unwrap_err()
            .contains("at most 90 days")
    );
    assert!(made("none", 0).await.is_err());
}

#[tokio::test]
async fn c01_nothing_that_is_stored_is_a_usable_token() {
    if is_only_for_sqlite("the bytes on the disk") {
        return;
    }
    let desk = Desk::new().await;
    let secret = desk.token.rsplit_once('_').unwrap().1;
    let stored = desk.world.service.store.tokens().await.unwrap();

    let mut words = vec![hex::encode(stored[0].hash), stored[0].id.to_string()];
    words.push(desk.token.replace(secret, &words[0][..43]));
    let file = std::fs::read(desk.world.folder.path().join("estop.db-wal")).unwrap();

    let text = String::from_utf8_lossy(&file);
    assert!(text.contains("token.created"), "the record was looked at");
    assert!(!text.contains(secret));
    for word in words {
        let reply = desk
            .send(asking(Method::GET, "/v1/runs", &word, None))
            .await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{word}");
    }
}

#[tokio::test]
async fn c02_members_named_like_identities_are_refused_and_the_actor_is_the_token() {
    let desk = Desk::new().await;
    let plan = desk.plan("agent", invoice_bot()).await.body;
    for name in ["user", "on_behalf_of", "operator", "actor", "who", "name"] {
        let body = json!({
            "plan_digest": plan["plan_digest"], "reason": "x", name: "local:root",
        });
        let reply = desk.post("/v1/runs", body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert_eq!(reply.body["done"], "nothing");
    }

    let body = json!({ "plan_digest": plan["plan_digest"], "reason": "local:root says so" });
    let mut request = asking(Method::POST, "/v1/runs", &desk.token, Some(body));
    for header in ["x-user", "x-forwarded-user", "on-behalf-of", "from"] {
        let name: http::HeaderName = header.parse().unwrap();
        request
            .headers_mut()
            .insert(name, "local:root".parse().unwrap());
    }
    let reply = desk.send(request).await;

    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text);
    let records = desk.records().await;
    let orders: Vec<_> = records
        .iter()
        .filter(|record| record.what == "order.taken")
        .collect();
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].who.0, "token:soc");
}

#[tokio::test]
async fn c03_a_token_never_contains_a_blueprint() {
    let desk = Desk::new().await;
    let tenant = desk.world.entra.tenant();
    let principal = *tenant.blueprints.keys().next().unwrap();
    let plan = desk.plan("blueprint", principal).await.body;
    assert_eq!(plan["tier"], 2);

    let body = json!({
        "plan_digest": plan["plan_digest"], "reason": "x", "confirm": plan["entity"]["name"],
    });
    let reply = desk.post("/v1/runs", body).await;

    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert_eq!(reply.body["code"], "tier-too-high");
    assert!(desk.world.runs().await.is_empty());
}

#[tokio::test]
async fn c04_a_credential_in_an_address_is_refused_even_beside_a_good_one() {
    let desk = Desk::new().await;

    for query in [
        "token=x",
        "access_token=x",
        "API_KEY=x",
        "cursor=estop_0000",
        &format!("state={}", desk.token),
    ] {
        let reply = desk.get(&format!("/v1/runs?{query}")).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(reply.body["code"], "token-in-url", "{query}");
    }
}

#[tokio::test]
async fn c05_a_guess_costs_one_look_up_at_most_and_learns_nothing() {
    let desk = Desk::new().await;
    let store = desk.world.service.store.clone();
    let mut wrong = desk.token.clone();
    let last = if wrong.pop() == Some('A') { 'E' } else { 'A' };
    wrong.push(last);
    let unknown = desk
        .token
        .replacen(&desk.token[6..32], "00000000000000000000000007", 1);

    let mut replies = Vec::new();
    for (guess, cost) in [(wrong, 1), (unknown, 1), ("estop_x".to_owned(), 0)] {
        let before = store.asked();
        let mut reply = desk
            .send(asking(Method::GET, "/v1/runs", &guess, None))
            .await;
        assert!(store.asked() - before <= cost, "{guess}");
        reply.body["request_id"] = json!("req");
        replies.push((reply.status, reply.body));
    }

    assert!(replies.iter().all(|reply| *reply == replies[0]));
    assert_eq!(replies[0].0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn c06_a_revoked_or_expired_token_ends_with_the_next_request() {
    let desk = Desk::new().await;
    let other = token(&desk.world, "other", Scope::View).await;
    let store = desk.world.service.store.clone();
    assert_eq!(desk.get("/v1/runs").await.status, StatusCode::OK);

    let id = store.tokens().await.unwrap();
    let id = id.iter().find(|token| token.name == "soc").unwrap().id;
    let tools = (&store, &desk.world.clock);
    revoke_token(tools, &at_the_machine("dana"), id)
        .await
        .unwrap();
    let revoked = desk.get("/v1/runs").await;
    desk.world.hand.advance(30 * DAY);
    let expired = desk
        .send(asking(Method::GET, "/v1/runs", &other, None))
        .await;

    assert_eq!(revoked.status, StatusCode::UNAUTHORIZED);
    assert_eq!(expired.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_viewing_token_looks_and_does_nothing_and_an_ingest_token_not_even_that() {
    let desk = Desk::new().await;
    let view = token(&desk.world, "view", Scope::View).await;
    let source = SourceName::new("lab").unwrap();
    let ingest = token(&desk.world, "ingest", Scope::Ingest(source)).await;

    for (method, path) in PATHS {
        let method: Method = method.parse().unwrap();
        let request = |token| asking(method.clone(), path, token, Some(json!({})));
        let looked = desk.send(request(&view)).await.status;
        let refused = desk.send(keyed(request(&ingest), "k")).await.status;
        let may = method == Method::GET;
        assert_eq!(looked != StatusCode::FORBIDDEN, may, "{method} {path}");
        assert_eq!(refused, StatusCode::FORBIDDEN, "{method} {path}");
    }
}

#[tokio::test]
async fn listed_tokens_show_neither_secret_nor_hash() {
    let desk = Desk::new().await;

    let reply = desk.get("/v1/tokens").await;

    let stored = desk.world.service.store.tokens().await.unwrap();
    assert_eq!(reply.body["tokens"][0]["name"], "soc");
    assert!(!reply.text.contains(&hex::encode(stored[0].hash)));
    assert!(!reply.text.contains(&desk.token[33..]));
}

#[tokio::test]
async fn c05_a_hundred_thousand_guesses_are_not_looked_up_and_lock_out_nobody_who_works() {
    let desk = Desk::new().await;
    let idle = token(&desk.world, "idle", Scope::View).await;
    assert_eq!(desk.get("/v1/mode").await.status, StatusCode::OK);
    let guess = |n: u32| {
        let id = format!("{n:0>26}");
        desk.token.replacen(&desk.token[6..32], &id, 1)
    };
    let before = desk.world.service.store.asked();

    let mut refused = [0; 2];
    for n in 0..100_000 {
        let asking = asking(Method::GET, "/v1/mode", &guess(n), None);
        let status = desk.send(asking).await.status;
        refused[usize::from(status == StatusCode::TOO_MANY_REQUESTS)] += 1;
    }

    assert_eq!(refused, [50, 99_950]);
    assert!(desk.world.service.store.asked() - before <= 100, "it scans");
    // Who works goes on working; who comes now waits a moment, and is told so.
    assert_eq!(desk.get("/v1/mode").await.status, StatusCode::OK);
    let idle = || asking(Method::GET, "/v1/mode", &idle, None);
    let late = desk.send(idle()).await;
    assert_eq!(late.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(late.body["code"], "too-many-refused");
    assert_eq!(late.headers["retry-after"], "1");
    desk.world.hand.advance(Duration::from_secs(1));
    assert_eq!(desk.send(idle()).await.status, StatusCode::OK);
}
