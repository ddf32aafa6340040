//! The router on a real socket, and its side for tests of other processes.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{DISABLE, World, agent};
use crate::sim::{Fault, INVOICE_BOT, Limits, On, What};

/// Sends over a socket while serving on it; answers the raw bytes until the connection ends.
async fn over_socket(world: &World, request: &http::Request<bytes::Bytes>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut text = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri().path());
    for (name, value) in request.headers() {
        text += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    text += &format!("host: {address}\r\nconnection: close\r\n");
    text += &format!("content-length: {}\r\n\r\n", request.body().len());
    text += std::str::from_utf8(request.body()).unwrap();

    let speak = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut said = Vec::new();
        // A reset is as good an end as a close.
        let _ = stream.read_to_end(&mut said).await;
        String::from_utf8(said).unwrap()
    };
    tokio::select! {
        said = speak => said,
        _ = async { axum::serve(listener, world.entra.router()).await } => unreachable!(),
    }
}

async fn side(world: &World, call: (&str, &str), body: Value) -> Value {
    let request = http::Request::builder()
        .method(call.0)
        .uri(call.1)
        .header("content-type", "application/json")
        .body(bytes::Bytes::from(body.to_string()))
        .unwrap();
    let said = over_socket(world, &request).await;
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 20"), "{said}");
    serde_json::from_str(body).unwrap_or(Value::Null)
}

#[tokio::test]
async fn both_faces_are_the_same_tenant() {
    let world = World::contoso();
    let request = world.request("PATCH", &agent(INVOICE_BOT), DISABLE);

    let said = over_socket(&world, &request).await;

    assert!(said.starts_with("HTTP/1.1 204 No Content\r\n"), "{said}");
    assert!(!world.entra.agent(INVOICE_BOT).unwrap().account_enabled);
}

#[tokio::test]
async fn over_a_socket_a_lost_reply_is_a_connection_that_ends_without_a_byte() {
    let world = World::contoso();
    world.entra.push_fault(Fault::new(
        On::request("PATCH", ""),
        What::LoseReplyAfterEffect,
    ));
    let request = world.request("PATCH", &agent(INVOICE_BOT), DISABLE);

    let said = over_socket(&world, &request).await;

    assert_eq!(said, "");
    assert_eq!(world.entra.effects().len(), 1);
}

#[tokio::test]
async fn next_links_lead_back_to_where_the_request_came_in() {
    let world = World::with(|tenant| {
        let crowd = tenant.add_blueprint("crowd");
        for number in 0..100 {
            tenant.add_agent(&format!("bot-{number}"), crowd);
        }
    });
    let path = "/v1.0/servicePrincipals/microsoft.graph.agentIdentity";

    let said = over_socket(&world, &world.request("GET", path, "")).await;

    assert!(
        said.contains("\"@odata.nextLink\":\"http://127.0.0.1:"),
        "{said}"
    );
}

#[tokio::test]
async fn another_process_can_read_what_happened() {
    let world = World::contoso();
    world.call("PATCH", &agent(INVOICE_BOT), DISABLE).await;

    let journal = side(&world, ("GET", "/sim/journal"), Value::Null).await;
    let effects = side(&world, ("GET", "/sim/effects"), Value::Null).await;
    let state = side(&world, ("GET", "/sim/state"), Value::Null).await;

    assert_eq!(
        (&journal[0]["status"], &journal[0]["ending"]),
        (&json!(204), &json!("answered"))
    );
    assert_eq!(effects[0]["entity"], json!(INVOICE_BOT));
    let agents = state["agents"].as_array().unwrap();
    let bot = agents
        .iter()
        .find(|it| it["id"] == json!(INVOICE_BOT))
        .unwrap();
    assert_eq!(bot["account_enabled"], false);
}

#[tokio::test]
async fn another_process_can_push_faults_and_let_go_what_is_held() {
    let world = World::contoso();
    let hold = json!({
        "on": {"method": "PATCH", "path": "agentIdentity$"}, "what": "hold_request",
    });
    let throttle = json!([{
        "on": {"method": "GET", "times": null},
        "what": {"throttle": {"retry_after": {"seconds": 3}}},
    }]);
    side(&world, ("POST", "/sim/faults"), hold).await;
    side(&world, ("POST", "/sim/faults"), throttle).await;

    let throttled = world.get(&agent(INVOICE_BOT)).await;
    let path = agent(INVOICE_BOT);
    let call = world.try_call(("PATCH", &path), DISABLE);
    tokio::pin!(call);
    assert!(futures_util::poll!(&mut call).is_pending());
    let held = side(&world, ("GET", "/sim/held"), Value::Null).await;
    let released = side(&world, ("POST", "/sim/release"), Value::Null).await;

    assert_eq!(throttled.header("retry-after"), Some("3"));
    assert_eq!(
        (held, released),
        (json!({"held": 1}), json!({"released": 1}))
    );
    assert_eq!(call.await.unwrap().status, 204);
}

#[tokio::test]
async fn another_process_can_change_the_tenant_and_its_terms() {
    let world = World::contoso();
    let now = json!({"entity": INVOICE_BOT, "change": "disable"});
    let later = json!({
        "entity": INVOICE_BOT, "change": "enable", "when": {"after": {"method": "GET"}},
    });

    let changed = side(&world, ("POST", "/sim/foreign"), now).await;
    side(&world, ("POST", "/sim/foreign"), later).await;
    side(&world, ("POST", "/sim/limits"), json!({})).await;
    side(
        &world,
        ("POST", "/sim/permissions"),
        json!(["AgentIdentity.Read.All"]),
    )
    .await;
    side(&world, ("POST", "/sim/revoke"), Value::Null).await;
    let revoked = world.get(&agent(INVOICE_BOT)).await;

    assert_eq!(changed, json!({"effects": 1}));
    assert_eq!(revoked.status, 401);
    assert!(world.entra.agent(INVOICE_BOT).unwrap().account_enabled);
    assert_eq!(
        world.entra.tenant().client.permissions,
        ["AgentIdentity.Read.All"]
    );
    assert_eq!(Limits::off(), serde_json::from_value(json!({})).unwrap());
}
