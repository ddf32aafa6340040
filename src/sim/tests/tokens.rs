//! Who gets an access token, and what it is worth.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

use super::{DISABLE, GRAPH, Seen, World, agent, blueprint};
use crate::sim::{INVOICE_BOT, Risk, RiskPolicy, Switch};

const SCOPE: &str = "https%3A%2F%2Fgraph.microsoft.com%2F.default";

fn of_estop(world: &World, secret: &str) -> String {
    let app = world.entra.tenant().client.app;
    format!("grant_type=client_credentials&client_id={app}&client_secret={secret}&scope={SCOPE}")
}

fn of_invoice_bot(world: &World) -> String {
    let request = world
        .entra
        .sign_in_request(INVOICE_BOT, "https://login.test")
        .unwrap();
    String::from_utf8(request.into_body().to_vec()).unwrap()
}

fn claims(seen: &Seen) -> Value {
    let token = seen.json["access_token"].as_str().unwrap();
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

async fn by_identity(world: &World, header: &str, query: &str) -> Seen {
    let request = http::Request::get(format!("http://127.0.0.1:41000/msi/token?{query}"))
        .header("x-identity-header", header)
        .body(Bytes::new())
        .unwrap();
    world.send(request).await.unwrap()
}

async fn with_token(world: &World, token: &str) -> Seen {
    let mut request = world.request("GET", &agent(INVOICE_BOT), "");
    request
        .headers_mut()
        .insert("authorization", token.parse().unwrap());
    world.send(request).await.unwrap()
}

#[tokio::test]
async fn estop_reads_its_own_ids_from_the_access_token_it_is_given() {
    let world = World::contoso();
    let tenant = world.entra.tenant();

    let seen = world
        .sign_in(&of_estop(&world, &tenant.client.secret))
        .await;

    let claims = claims(&seen);
    assert_eq!(claims["oid"], tenant.client.principal.to_string());
    assert_eq!(claims["appid"], tenant.client.app.to_string());
    assert_eq!(claims["tid"], tenant.id.to_string());
    assert_eq!(claims["aud"], GRAPH);
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        3600
    );
    assert!(
        claims["roles"]
            .as_array()
            .unwrap()
            .contains(&"AgentIdentity.Read.All".into())
    );
    assert_eq!(seen.json["expires_in"], 3600);
    let token = seen.json["access_token"].as_str().unwrap();
    assert_eq!(
        with_token(&world, &format!("Bearer {token}")).await.status,
        200
    );
}

#[tokio::test]
async fn the_managed_identity_endpoint_answers_as_app_service_does() {
    let world = World::contoso();
    let header = world.entra.tenant().client.identity_header;
    let query = format!("api-version=2019-08-01&resource={GRAPH}");

    let seen = by_identity(&world, &header, &query).await;
    let stranger = by_identity(&world, "wrong", &query).await;
    let unknown = by_identity(
        &world,
        &header,
        "api-version=2019-08-01&resource=https://a.b",
    )
    .await;

    let until = claims(&seen)["exp"].as_i64().unwrap();
    assert_eq!(seen.json["expires_on"], until.to_string());
    assert_eq!(seen.json["resource"], GRAPH);
    assert_eq!((stranger.status, unknown.status), (400, 400));
}

#[tokio::test]
async fn a_wrong_secret_tenant_or_grant_gets_no_access_token() {
    let world = World::contoso();
    let good = of_estop(&world, &world.entra.tenant().client.secret);
    let elsewhere = http::Request::post(format!(
        "https://login.test/{}/oauth2/v2.0/token",
        Uuid::nil()
    ))
    .body(Bytes::from(good.clone()))
    .unwrap();

    let secret = world.sign_in(&of_estop(&world, "wrong")).await;
    let grant = world
        .sign_in(&good.replace("client_credentials", "password"))
        .await;
    let scope = world.sign_in(&good.replace(".default", "")).await;
    let tenant = world.send(elsewhere).await.unwrap();

    assert_eq!(
        (secret.status, &secret.json["error"]),
        (401, &"invalid_client".into())
    );
    assert_eq!(grant.json["error"], "unsupported_grant_type");
    assert_eq!(scope.json["error"], "invalid_scope");
    assert_eq!(tenant.json["error_codes"][0], 90_002);
}

#[tokio::test]
async fn a_disabled_agent_gets_no_new_access_token() {
    let world = World::contoso();
    let form = of_invoice_bot(&world);

    let before = world.sign_in(&form).await;
    world.call("PATCH", &agent(INVOICE_BOT), DISABLE).await;
    let after = world.sign_in(&form).await;

    assert_eq!(claims(&before)["appid"], INVOICE_BOT.to_string());
    assert_eq!(
        (after.status, &after.json["error"]),
        (400, &"unauthorized_client".into())
    );
    let said = after.json["error_description"].as_str().unwrap();
    assert!(
        said.starts_with("AADSTS7000112: ") && said.contains("is disabled"),
        "{said}"
    );
}

#[tokio::test]
async fn an_agent_of_a_disabled_blueprint_gets_no_new_access_token() {
    let world = World::contoso();
    let form = of_invoice_bot(&world);
    let parent = world.entra.agent(INVOICE_BOT).unwrap().blueprint_app_id;
    let principal = world
        .entra
        .tenant()
        .blueprint_of_app(parent)
        .unwrap()
        .ids
        .principal;

    world.call("PATCH", &blueprint(principal), DISABLE).await;
    let after = world.sign_in(&form).await;

    assert_eq!(after.json["error_codes"][0], 7_000_112);
}

#[tokio::test]
async fn risk_blocks_access_tokens_only_where_a_policy_says_so() {
    let risky = |policy| {
        World::with(move |tenant| {
            tenant.risk_policy = policy;
            tenant
                .risks
                .insert(INVOICE_BOT, Risk::new("high", "atRisk", "none"));
        })
    };
    let without = risky(RiskPolicy::Absent);
    let with = risky(RiskPolicy::BlocksHigh);

    assert_eq!(without.sign_in(&of_invoice_bot(&without)).await.status, 200);
    let refused = with.sign_in(&of_invoice_bot(&with)).await;
    assert_eq!(refused.json["error_codes"][0], 53_003);
}

#[tokio::test]
async fn a_disabled_user_stops_its_agent_from_acting_as_it() {
    let world = World::contoso();
    let tenant = world.entra.tenant();
    let user = tenant
        .users
        .values()
        .find(|it| it.identity_parent_id == Some(INVOICE_BOT))
        .unwrap();
    let form = format!("{}&user_id={}", of_invoice_bot(&world), user.id);

    let before = world.sign_in(&form).await;
    world
        .entra
        .foreign_write(|tenant| tenant.switch(user.id, Switch::Disabled));
    let after = world.sign_in(&form).await;

    assert_eq!(claims(&before)["oid"], user.id.to_string());
    assert_eq!(after.json["error_codes"][0], 50_057);
}

#[tokio::test]
async fn without_a_good_access_token_graph_says_401() {
    let world = World::contoso();
    let good = world.entra.access_token().unwrap();
    let forged = format!("{}.{}", good.rsplit_once('.').unwrap().0, "AAAA");
    let for_azure = by_identity(
        &world,
        &world.entra.tenant().client.identity_header,
        "api-version=2019-08-01&resource=https://management.azure.com",
    )
    .await;
    let for_azure = for_azure.json["access_token"].as_str().unwrap().to_owned();

    for token in [
        "",
        "Basic abc",
        "Bearer ",
        &format!("Bearer {forged}"),
        "Bearer a.b.c",
        &format!("Bearer {for_azure}"),
    ] {
        let seen = with_token(&world, token).await;
        assert_eq!(
            seen.refusal(),
            (401, "InvalidAuthenticationToken"),
            "{token}"
        );
        assert!(
            seen.header("www-authenticate")
                .unwrap()
                .starts_with("Bearer ")
        );
    }
}

#[tokio::test]
async fn an_access_token_ends_with_its_hour() {
    let world = World::contoso();

    world.hand.advance(Duration::from_secs(3599));
    let last = world.get(&agent(INVOICE_BOT)).await;
    world.hand.advance(Duration::from_secs(1));
    let expired = world.get(&agent(INVOICE_BOT)).await;

    assert_eq!(last.status, 200);
    assert_eq!(expired.refusal(), (401, "InvalidAuthenticationToken"));
}

#[tokio::test]
async fn permissions_ride_in_the_access_token() {
    let mut world = World::contoso();

    world.entra.set_permissions(&[]);
    let old = world.get(&agent(INVOICE_BOT)).await;
    world.renew();
    let new = world.get(&agent(INVOICE_BOT)).await;

    assert_eq!(old.status, 200);
    assert_eq!(new.refusal(), (403, "Authorization_RequestDenied"));
}

#[tokio::test]
async fn revoked_access_tokens_are_challenged_until_renewed() {
    let mut world = World::contoso();

    world.entra.revoke_access_tokens();
    let challenged = world.get(&agent(INVOICE_BOT)).await;
    world.renew();
    let renewed = world.get(&agent(INVOICE_BOT)).await;

    assert_eq!(challenged.refusal(), (401, "InvalidAuthenticationToken"));
    assert!(
        challenged
            .header("www-authenticate")
            .unwrap()
            .contains("insufficient_claims")
    );
    assert_eq!(renewed.status, 200);
}

#[tokio::test]
async fn a_disabled_estop_gets_no_access_token() {
    let world = World::contoso();
    let client = world.entra.tenant().client;

    world
        .entra
        .foreign_write(|tenant| tenant.switch(client.principal, Switch::Disabled));
    let refused = world.sign_in(&of_estop(&world, &client.secret)).await;

    assert_eq!(refused.json["error_codes"][0], 7_000_112);
    assert_eq!(world.entra.access_token(), None);
}

#[tokio::test]
async fn credentials_are_not_written_in_the_journal() {
    let world = World::contoso();

    world
        .sign_in(&of_estop(&world, &world.entra.tenant().client.secret))
        .await;

    let journal = world.entra.journal();
    assert_eq!(journal.len(), 1);
    assert_eq!(journal[0].body, "");
}
