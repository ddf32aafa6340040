//! What can be changed, by whom, and what is refused.

use serde_json::json;
use uuid::Uuid;

use super::{DISABLE, DISABLE_AGENT_USER, ENABLE, World, agent, blueprint};
use crate::sim::{Aspect, INVOICE_BOT, Risk, Switch, UnknownIds};

const CONFIRM: &str = "/beta/identityProtection/riskyAgents/confirmCompromised";

#[tokio::test]
async fn disabling_an_agent_is_one_effect_and_repeating_it_is_none() {
    let world = World::contoso();

    let first = world.call("PATCH", &agent(INVOICE_BOT), DISABLE).await;
    let second = world.call("PATCH", &agent(INVOICE_BOT), DISABLE).await;

    assert_eq!((first.status, second.status), (204, 204));
    assert!(first.answer.body().is_empty());
    let effects = world.entra.effects();
    let [effect] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(
        (effect.entity, effect.aspect),
        (INVOICE_BOT, Aspect::AccountEnabled)
    );
    assert_eq!(effect.to, json!({"accountEnabled": false}));
    assert_eq!(
        effect.by,
        format!("app {}", world.entra.tenant().client.app)
    );
    let counts: Vec<usize> = world.entra.journal().iter().map(|it| it.effects).collect();
    assert_eq!(counts, [1, 0]);
}

#[tokio::test]
async fn disabling_a_blueprint_leaves_its_agents_as_they_are() {
    let world = World::contoso();
    let parent = world.entra.agent(INVOICE_BOT).unwrap().blueprint_app_id;
    let principal = world
        .entra
        .tenant()
        .blueprint_of_app(parent)
        .unwrap()
        .ids
        .principal;

    let done = world.call("PATCH", &blueprint(principal), DISABLE).await;

    assert_eq!(done.status, 204);
    assert!(!world.entra.blueprint(principal).unwrap().account_enabled);
    assert!(world.entra.agent(INVOICE_BOT).unwrap().account_enabled);
    assert_eq!(world.entra.effects().len(), 1);
}

#[tokio::test]
async fn a_wrong_body_changes_nothing() {
    let world = World::contoso();

    for body in [
        r#"{"accountEnabled":null}"#,
        r#"{"accountEnabled":"false"}"#,
        r#"{"accountEnabled":false,"colour":"red"}"#,
        r#"{"colour":"red"}"#,
        r##"{"@odata.type":"#microsoft.graph.agentUser","accountEnabled":false}"##,
        "{}",
        "[]",
        "{",
    ] {
        let seen = world.call("PATCH", &agent(INVOICE_BOT), body).await;
        assert_eq!(seen.refusal(), (400, "Request_BadRequest"), "{body}");
    }
    let mut untyped = world.request("PATCH", &agent(INVOICE_BOT), DISABLE);
    untyped.headers_mut().remove("content-type");
    assert_eq!(world.send(untyped).await.unwrap().status, 400);

    assert!(world.entra.effects().is_empty());
}

#[tokio::test]
async fn the_user_of_an_agent_is_disabled_only_with_its_type() {
    let world = World::contoso();
    let user = "/v1.0/users/invoice-bot@contoso.example";

    let bare = world.call("PATCH", user, DISABLE).await;
    let mut unversioned = world.request("PATCH", user, DISABLE_AGENT_USER);
    unversioned.headers_mut().remove("odata-version");
    let unversioned = world.send(unversioned).await.unwrap();
    let typed = world.call("PATCH", user, DISABLE_AGENT_USER).await;

    assert_eq!(bare.refusal(), (400, "Request_BadRequest"));
    assert_eq!(unversioned.refusal(), (400, "Request_BadRequest"));
    assert_eq!(typed.status, 204);
    assert_eq!(world.entra.effects().len(), 1);
}

#[tokio::test]
async fn the_right_for_agent_users_does_not_reach_people() {
    let agents_only = World::allowed(&["AgentIdUser.ReadWrite.All"]);
    let half = World::allowed(&["User.EnableDisableAccount.All"]);
    let pair = World::allowed(&["User.EnableDisableAccount.All", "User.Read.All"]);
    let dana = "/v1.0/users/dana@contoso.example";

    for world in [&agents_only, &half] {
        let refused = world.call("PATCH", dana, DISABLE).await;
        assert_eq!(refused.refusal(), (403, "Authorization_RequestDenied"));
    }
    let revoked = agents_only
        .call("POST", &format!("{dana}/revokeSignInSessions"), "")
        .await;

    assert_eq!(revoked.refusal(), (403, "Authorization_RequestDenied"));
    assert_eq!(pair.call("PATCH", dana, DISABLE).await.status, 204);
}

#[tokio::test]
async fn revoking_sessions_answers_true_and_counts_every_time() {
    let world = World::contoso();
    let path = "/v1.0/users/invoice-bot@contoso.example/revokeSignInSessions";

    let first = world.call("POST", path, "").await;
    world.call("POST", path, "").await;

    assert_eq!((first.status, &first.json["value"]), (200, &json!(true)));
    let revoked = world.entra.effects();
    assert_eq!(revoked.len(), 2);
    assert!(
        revoked
            .iter()
            .all(|it| it.aspect == Aspect::SessionsRevoked)
    );
}

#[tokio::test]
async fn every_call_needs_its_permission() {
    let world = World::allowed(&["Mail.Read"]);
    let risk = json!({"agentIds": [INVOICE_BOT]}).to_string();
    let ids = json!({"ids": [INVOICE_BOT]}).to_string();

    for (method, path, body) in [
        ("GET", agent(INVOICE_BOT), ""),
        ("PATCH", agent(INVOICE_BOT), DISABLE),
        ("GET", format!("{}/sponsors", agent(INVOICE_BOT)), ""),
        ("GET", blueprint(INVOICE_BOT), ""),
        ("PATCH", blueprint(INVOICE_BOT), DISABLE),
        ("GET", format!("/v1.0/servicePrincipals/{INVOICE_BOT}"), ""),
        (
            "GET",
            format!("/v1.0/servicePrincipals(appId='{INVOICE_BOT}')"),
            "",
        ),
        (
            "GET",
            "/v1.0/servicePrincipals/microsoft.graph.agentIdentity".to_owned(),
            "",
        ),
        ("GET", "/v1.0/users/dana@contoso.example".to_owned(), ""),
        (
            "GET",
            "/v1.0/users/microsoft.graph.agentUser".to_owned(),
            "",
        ),
        (
            "PATCH",
            "/v1.0/users/invoice-bot@contoso.example".to_owned(),
            DISABLE_AGENT_USER,
        ),
        (
            "POST",
            "/v1.0/users/dana@contoso.example/revokeSignInSessions".to_owned(),
            "",
        ),
        ("POST", CONFIRM.to_owned(), &risk),
        ("GET", "/beta/identityProtection/riskyAgents".to_owned(), ""),
        ("POST", "/v1.0/directoryObjects/getByIds".to_owned(), &ids),
    ] {
        world.hand.advance(std::time::Duration::from_secs(1));
        let seen = world.call(method, &path, body).await;
        assert_eq!(
            seen.refusal(),
            (403, "Authorization_RequestDenied"),
            "{method} {path}"
        );
    }
    assert!(world.entra.effects().is_empty());
}

#[tokio::test]
async fn reading_does_not_permit_switching_nor_switching_reading() {
    let reader = World::allowed(&["AgentIdentity.Read.All"]);
    let switcher = World::allowed(&["AgentIdentity.EnableDisable.All"]);

    let path = agent(INVOICE_BOT);
    assert_eq!(reader.get(&path).await.status, 200);
    assert_eq!(reader.call("PATCH", &path, DISABLE).await.status, 403);
    assert_eq!(switcher.get(&path).await.status, 403);
    assert_eq!(switcher.call("PATCH", &path, DISABLE).await.status, 204);
    assert_eq!(
        switcher
            .call("PATCH", &blueprint(INVOICE_BOT), DISABLE)
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn one_confirm_may_mix_agents_blueprints_and_agent_users() {
    let world = World::contoso();
    let tenant = world.entra.tenant();
    let principal = *tenant.blueprints.keys().next().unwrap();
    let user = tenant
        .users
        .values()
        .find(|it| it.identity_parent_id == Some(INVOICE_BOT))
        .unwrap();
    let body = json!({"agentIds": [INVOICE_BOT, principal, user.id]}).to_string();

    let done = world.call("POST", CONFIRM, &body).await;

    assert_eq!(done.status, 204);
    let risk = Risk::new(
        "high",
        "confirmedCompromised",
        "adminConfirmedAgentCompromised",
    );
    for id in [INVOICE_BOT, principal, user.id] {
        assert_eq!(world.entra.risk(id), risk);
    }
    assert!(world.entra.agent(INVOICE_BOT).unwrap().account_enabled);
}

#[tokio::test]
async fn a_confirm_with_an_id_of_another_kind_changes_nothing() {
    let world = World::contoso();
    let tenant = world.entra.tenant();
    let ids = tenant.blueprints.values().next().unwrap().ids;
    let person = tenant
        .users
        .values()
        .find(|it| it.identity_parent_id.is_none())
        .unwrap()
        .id;

    for wrong in [
        ids.app,
        ids.application,
        person,
        tenant.client.principal,
        Uuid::nil(),
    ] {
        world.hand.advance(std::time::Duration::from_secs(1));
        let body = json!({"agentIds": [INVOICE_BOT, wrong]}).to_string();
        let seen = world.call("POST", CONFIRM, &body).await;
        assert_eq!(seen.refusal(), (404, "Request_ResourceNotFound"), "{wrong}");
    }
    assert!(world.entra.effects().is_empty());
}

#[tokio::test]
async fn unknown_ids_of_a_confirm_may_be_passed_over_in_silence() {
    let world = World::with(|tenant| tenant.unknown_ids = UnknownIds::Ignored);
    let body = json!({"agentIds": [INVOICE_BOT, Uuid::nil()]}).to_string();

    let done = world.call("POST", CONFIRM, &body).await;

    assert_eq!(done.status, 204);
    assert_eq!(world.entra.effects().len(), 1);
}

#[tokio::test]
async fn a_confirm_takes_one_to_sixty_ids() {
    let world = World::contoso();

    for count in [0, 61] {
        world.hand.advance(std::time::Duration::from_secs(1));
        let body = json!({"agentIds": vec![INVOICE_BOT; count]}).to_string();
        assert_eq!(
            world.call("POST", CONFIRM, &body).await.status,
            400,
            "{count}"
        );
    }
    world.hand.advance(std::time::Duration::from_secs(1));
    let body = json!({"agentIds": vec![INVOICE_BOT; 60]}).to_string();
    assert_eq!(world.call("POST", CONFIRM, &body).await.status, 204);
}

#[tokio::test]
async fn a_verdict_is_read_back_in_full_only_by_who_prefers_it() {
    let world = World::contoso();
    let path = format!("/beta/identityProtection/riskyAgents/{INVOICE_BOT}");
    let body = json!({"agentIds": [INVOICE_BOT]}).to_string();
    let second = std::time::Duration::from_secs(1);

    let before = world.get(&path).await;
    world.hand.advance(second);
    world.call("POST", CONFIRM, &body).await;
    world.hand.advance(second);
    let plain = world.get(&path).await;
    world.hand.advance(second);
    let mut request = world.request("GET", &path, "");
    request
        .headers_mut()
        .insert("prefer", "include-unknown-enum-members".parse().unwrap());
    let preferred = world.send(request).await.unwrap();

    assert_eq!(before.status, 404);
    assert_eq!(plain.json["riskLevel"], "high");
    assert_eq!(plain.json["riskDetail"], "unknownFutureValue");
    assert_eq!(
        plain.json["@odata.type"],
        "#microsoft.graph.riskyAgentIdentity"
    );
    assert_eq!(
        plain.json["riskLastModifiedDateTime"],
        "2026-09-20T14:02:08.000Z"
    );
    assert_eq!(
        preferred.json["riskDetail"],
        "adminConfirmedAgentCompromised"
    );
}

#[tokio::test]
async fn what_a_person_did_meanwhile_is_written_down_as_theirs() {
    let world = World::contoso();
    world.call("PATCH", &agent(INVOICE_BOT), DISABLE).await;

    let count = world
        .entra
        .foreign_write(|tenant| tenant.switch(INVOICE_BOT, Switch::Enabled));
    world.call("PATCH", &agent(INVOICE_BOT), ENABLE).await;

    assert_eq!(count, 1);
    let by: Vec<String> = world.entra.effects().into_iter().map(|it| it.by).collect();
    assert_eq!(by.len(), 2);
    assert_eq!(by[1], "foreign writer");
}
