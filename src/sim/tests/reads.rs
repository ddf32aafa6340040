//! What can be read, and as what.

use uuid::Uuid;

use super::{GRAPH, World, agent, blueprint};
use crate::sim::{INVOICE_BOT, Tenant};

#[test]
fn contoso_is_as_the_demo_tells_it() {
    let tenant = Tenant::contoso();

    let of_agents = tenant
        .users
        .values()
        .filter(|it| it.identity_parent_id.is_some())
        .count();
    let dana = &tenant.users[&tenant.agents[&INVOICE_BOT].sponsors[0]];

    assert_eq!(
        (tenant.blueprints.len(), tenant.agents.len(), of_agents),
        (3, 14, 5)
    );
    assert_eq!(dana.user_principal_name, "dana@contoso.example");
}

#[tokio::test]
async fn an_agent_is_read_by_its_cast_with_only_what_was_chosen() {
    let world = World::contoso();

    let seen = world
        .get(&format!("{}?$select=id,accountEnabled", agent(INVOICE_BOT)))
        .await;

    let mut body = seen.json.clone();
    let context = body
        .as_object_mut()
        .unwrap()
        .remove("@odata.context")
        .unwrap();
    assert_eq!(
        body,
        serde_json::json!({"id": INVOICE_BOT, "accountEnabled": true})
    );
    assert!(
        context
            .as_str()
            .unwrap()
            .starts_with(&format!("{GRAPH}/v1.0/$metadata#"))
    );
    assert_eq!(
        seen.header("client-request-id"),
        Some("0192f0c1-0000-7000-8000-000000000001")
    );
    assert_eq!(seen.header("date"), Some("Sun, 20 Sep 2026 14:02:07 GMT"));
    assert!(seen.header("request-id").is_some());
}

#[tokio::test]
async fn the_wrong_cast_is_not_found() {
    let world = World::contoso();
    let tenant = world.entra.tenant();
    let ids = tenant.blueprints.values().next().unwrap().ids;
    let user = *tenant.users.keys().next().unwrap();

    for path in [
        blueprint(INVOICE_BOT),
        agent(ids.principal),
        agent(tenant.client.principal),
        agent(user),
        agent(Uuid::nil()),
        "/v1.0/servicePrincipals/invoice-bot/microsoft.graph.agentIdentity".to_owned(),
        format!(
            "/v1.0/servicePrincipals/{}/microsoft.graph.agentIdentity",
            INVOICE_BOT.simple()
        ),
    ] {
        assert_eq!(
            world.get(&path).await.refusal(),
            (404, "Request_ResourceNotFound"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_app_id_is_no_object_id() {
    let world = World::contoso();
    let ids = world.entra.tenant().blueprints.values().next().unwrap().ids;

    for wrong in [ids.app, ids.application] {
        assert_eq!(world.get(&blueprint(wrong)).await.status, 404);
        assert_eq!(
            world
                .get(&format!("/v1.0/servicePrincipals/{wrong}"))
                .await
                .status,
            404
        );
    }
    let by_app = world
        .get(&format!("/v1.0/servicePrincipals(appId='{}')", ids.app))
        .await;
    let escaped = world
        .get(&format!("/v1.0/servicePrincipals(appId=%27{}%27)", ids.app))
        .await;

    assert_eq!(by_app.json["id"], ids.principal.to_string());
    assert_eq!(
        by_app.json["@odata.type"],
        "#microsoft.graph.agentIdentityBlueprintPrincipal"
    );
    assert_eq!(escaped.status, 200);
}

#[tokio::test]
async fn agents_of_a_blueprint_come_in_pages_of_a_hundred() {
    let mut app = Uuid::nil();
    let world = World::with(|tenant| {
        let crowd = tenant.add_blueprint("crowd");
        app = crowd.app;
        for number in 0..250 {
            tenant.add_agent(&format!("bot-{number}"), crowd);
        }
    });

    let mut sizes = Vec::new();
    let mut all = Vec::new();
    let mut next = format!(
        "{GRAPH}/v1.0/servicePrincipals/microsoft.graph.agentIdentity\
         ?$filter=agentIdentityBlueprintId%20eq%20'{app}'&$select=id,displayName,accountEnabled"
    );
    while !next.is_empty() {
        let page = world.get(next.strip_prefix(GRAPH).unwrap()).await;
        sizes.push(page.ids().len());
        all.extend(page.ids());
        next = page.json["@odata.nextLink"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
    }

    all.sort();
    all.dedup();
    assert_eq!(sizes, [100, 100, 50]);
    assert_eq!(all.len(), 250);
}

#[tokio::test]
async fn queries_that_are_not_modelled_are_refused() {
    let world = World::contoso();
    let list = "/v1.0/servicePrincipals/microsoft.graph.agentIdentity";

    for (path, code) in [
        (format!("{list}?$top=101"), "Request_UnsupportedQuery"),
        (
            format!("{list}?$filter=startswith(displayName,'a')"),
            "Request_UnsupportedQuery",
        ),
        (
            format!("{list}?$filter=colour%20eq%20'red'"),
            "Request_UnsupportedQuery",
        ),
        (format!("{list}?$orderby=displayName"), "Request_BadRequest"),
        (
            format!("{}?$select=colour", agent(INVOICE_BOT)),
            "Request_BadRequest",
        ),
        (
            format!("{}?$filter=id%20eq%20'1'", agent(INVOICE_BOT)),
            "Request_BadRequest",
        ),
    ] {
        assert_eq!(world.get(&path).await.refusal(), (400, code), "{path}");
    }
}

#[tokio::test]
async fn the_user_of_an_agent_is_found_by_its_parent() {
    let world = World::contoso();

    let seen = world
        .get(&format!(
            "/v1.0/users/microsoft.graph.agentUser?$filter=identityParentId%20eq%20'{INVOICE_BOT}'\
             &$select=id,accountEnabled,userPrincipalName"
        ))
        .await;

    assert_eq!(seen.ids().len(), 1);
    assert_eq!(seen.json["value"][0]["accountEnabled"], true);
    assert_eq!(
        seen.json["value"][0]["userPrincipalName"],
        "invoice-bot@contoso.example"
    );
}

#[tokio::test]
async fn a_user_does_not_show_whether_it_is_enabled_unless_asked() {
    let world = World::contoso();

    let unasked = world.get("/v1.0/users/invoice-bot@contoso.example").await;
    let asked = world
        .get("/v1.0/users/dana@contoso.example?$select=id,accountEnabled")
        .await;

    assert_eq!(unasked.json["@odata.type"], "#microsoft.graph.agentUser");
    assert!(unasked.json.get("accountEnabled").is_none());
    assert_eq!(asked.json["accountEnabled"], true);
}

#[tokio::test]
async fn sponsors_are_people_with_their_type() {
    let world = World::contoso();

    let seen = world.get(&format!("{}/sponsors", agent(INVOICE_BOT))).await;

    assert_eq!(
        seen.json["value"][0]["@odata.type"],
        "#microsoft.graph.user"
    );
    assert_eq!(
        seen.json["value"][0]["userPrincipalName"],
        "dana@contoso.example"
    );
}

#[tokio::test]
async fn ids_resolve_to_their_types_and_unknown_ones_are_silently_missing() {
    let world = World::contoso();
    let ids = world.entra.tenant().blueprints.values().next().unwrap().ids;
    let body = serde_json::json!({
        "ids": [INVOICE_BOT, ids.principal, ids.app, Uuid::nil()],
        "types": ["user", "servicePrincipal"],
    });

    let seen = world
        .call(
            "POST",
            "/v1.0/directoryObjects/getByIds?$select=id,appId",
            &body.to_string(),
        )
        .await;

    assert_eq!(seen.ids(), [INVOICE_BOT, ids.principal]);
    assert_eq!(
        seen.json["value"][0]["@odata.type"],
        "#microsoft.graph.agentIdentity"
    );
    assert_eq!(seen.json["value"][0]["appId"], INVOICE_BOT.to_string());
}

#[tokio::test]
async fn what_is_not_modelled_is_not_found_in_graphs_own_shape() {
    let world = World::contoso();

    for (method, path) in [
        ("GET", "/v1.0/groups"),
        ("DELETE", "/v1.0/users/dana@contoso.example"),
        ("GET", "/v2.0/users"),
    ] {
        let seen = world.call(method, path, "").await;

        assert_eq!(seen.refusal(), (404, "ResourceNotFound"), "{method} {path}");
        let inner = &seen.json["error"]["innerError"];
        assert_eq!(inner["date"], "2026-09-20T14:02:07");
        assert_eq!(
            inner["client-request-id"],
            "0192f0c1-0000-7000-8000-000000000001"
        );
        assert_eq!(inner["request-id"].as_str(), seen.header("request-id"));
    }
}

#[tokio::test]
async fn beta_calls_do_not_exist_on_v1() {
    let world = World::contoso();
    let body = serde_json::json!({"agentIds": [INVOICE_BOT]}).to_string();

    let read = world.get("/v1.0/identityProtection/riskyAgents").await;
    let path = "/v1.0/identityProtection/riskyAgents/confirmCompromised";
    let write = world.call("POST", path, &body).await;

    assert_eq!(read.refusal(), (400, "BadRequest"));
    assert_eq!(write.refusal(), (400, "BadRequest"));
}
