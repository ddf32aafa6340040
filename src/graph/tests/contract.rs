//! Every call, against the simulated tenant, which was written from the facts and not from us.

use std::time::Duration;

use futures_util::FutureExt as _;
use secrecy::SecretString;
use uuid::Uuid;

use super::super::{Budgets, Cloud, Enabled, Endpoints, Error, Graph, Link, Priority};
use super::{ask, clock};
use crate::clock::{Clock, Hand};
use crate::domain::entity::ObjectId;
use crate::entra::{AccessToken, TokenSource};
use crate::sim::{Entra, Fault, Garbage, INVOICE_BOT, On, What};

fn tenant() -> (Graph, Entra, Hand) {
    let (clock, hand) = clock();
    let entra = Entra::contoso(clock.clone());
    let graph = Graph::new(Link {
        endpoints: Endpoints::of(Cloud::Global, None, None).unwrap(),
        transport: entra.transport(),
        tokens: tokens(&clock, &entra),
        clock,
        budgets: Budgets::default(),
    });
    (graph, entra, hand)
}

fn tokens(clock: &Clock, entra: &Entra) -> TokenSource {
    let (now, entra) = (clock.clone(), entra.clone());
    TokenSource::fetching(clock.clone(), move |_| {
        let secret = SecretString::from(entra.access_token().unwrap());
        let ends = now.now().plus(Duration::from_secs(3_600));
        std::future::ready(AccessToken::new(&secret, ends)).boxed()
    })
}

fn invoice_bot() -> ObjectId {
    ObjectId::from_uuid(INVOICE_BOT)
}

#[tokio::test]
async fn an_agent_is_read_disabled_read_back_and_enabled_again() {
    let (graph, entra, _hand) = tenant();
    let contain = ask(Priority::Contain);

    let before = graph.agent(contain, invoice_bot()).await.unwrap();
    let receipt = graph
        .set_agent_enabled(contain, invoice_bot(), Enabled::No)
        .await
        .unwrap();
    let closed = graph
        .agent(ask(Priority::Verify), invoice_bot())
        .await
        .unwrap();
    let truly = entra.agent(INVOICE_BOT).unwrap().account_enabled;
    graph
        .set_agent_enabled(ask(Priority::Undo), invoice_bot(), Enabled::Yes)
        .await
        .unwrap();
    let open = graph
        .agent(ask(Priority::Verify), invoice_bot())
        .await
        .unwrap();

    assert_eq!(before.enabled, Enabled::Yes);
    assert_eq!(receipt.status, 204);
    assert!(receipt.request_id.is_some());
    assert_eq!((closed.enabled, truly), (Enabled::No, false));
    assert_eq!(open, before);
}

#[tokio::test]
async fn a_blueprint_is_found_by_app_id_and_switched_by_its_principal() {
    let (graph, entra, _hand) = tenant();
    let ask = ask(Priority::Contain);
    let agent = graph.agent(ask, invoice_bot()).await.unwrap();
    let app_id = agent.blueprint_app_id.unwrap();

    let found = graph.blueprint_by_app_id(ask, app_id).await.unwrap();
    let siblings = graph.agents_of(ask, app_id).await.unwrap();
    graph
        .set_blueprint_enabled(ask, found.id, Enabled::No)
        .await
        .unwrap();
    let read = graph.blueprint(ask, found.id).await.unwrap();

    assert_eq!(found.app_id, app_id);
    assert_eq!(
        found.owner_tenant.map(ObjectId::uuid),
        Some(entra.tenant().id)
    );
    assert!(siblings.iter().any(|one| one.id == invoice_bot()));
    assert_eq!(read.enabled, Enabled::No);
    assert!(!entra.blueprint(found.id.uuid()).unwrap().account_enabled);
    assert_eq!(
        graph.agents(ask).await.unwrap().len(),
        entra.tenant().agents.len()
    );
}

#[tokio::test]
async fn an_agents_user_is_found_disabled_and_its_sessions_revoked() {
    let (graph, entra, _hand) = tenant();
    let ask = ask(Priority::Contain);

    let users = graph.agent_users_of(ask, invoice_bot()).await.unwrap();
    let user = users[0].id;
    graph
        .set_agent_user_enabled(ask, user, Enabled::No)
        .await
        .unwrap();
    graph.revoke_sessions(ask, user).await.unwrap();
    let read = graph.agent_user(ask, user).await.unwrap();

    assert_eq!(users.len(), 1);
    assert_eq!((read.agent, read.enabled), (invoice_bot(), Enabled::No));
    assert!(!entra.user(user.uuid()).unwrap().account_enabled);
}

#[tokio::test]
async fn the_three_verdicts_reach_identity_protection() {
    let (graph, entra, hand) = tenant();
    let undo = ask(Priority::Undo);

    graph
        .confirm_compromised(ask(Priority::Contain), invoice_bot())
        .await
        .unwrap();
    let confirmed = entra.risk(INVOICE_BOT).state;
    hand.advance(Duration::from_secs(2));
    graph.confirm_safe(undo, invoice_bot()).await.unwrap();
    let safe = entra.risk(INVOICE_BOT).state;
    hand.advance(Duration::from_secs(2));
    graph.dismiss(undo, invoice_bot()).await.unwrap();
    let dismissed = entra.risk(INVOICE_BOT).state;

    assert_eq!(
        [confirmed.as_str(), safe.as_str(), dismissed.as_str()],
        ["confirmedCompromised", "confirmedSafe", "dismissed"]
    );
}

#[tokio::test]
async fn g13_an_id_of_another_kind_is_not_found_and_not_touched() {
    let (graph, entra, _hand) = tenant();
    let ask = ask(Priority::Contain);
    let mut others = Vec::new();
    entra.foreign_write(|tenant| {
        others.push(tenant.add_person("eve"));
        others.push(tenant.add_service_principal("plain"));
        others.push(tenant.add_managed_identity("managed"));
    });
    others.extend([Uuid::from_u128(1), entra.tenant().client.principal]);
    let before = entra.effects().len();

    for other in others {
        let other = ObjectId::from_uuid(other);
        let agent = graph.set_agent_enabled(ask, other, Enabled::No).await;
        let blueprint = graph.set_blueprint_enabled(ask, other, Enabled::No).await;
        let user = graph.set_agent_user_enabled(ask, other, Enabled::No).await;

        assert!(matches!(agent, Err(Error::NotFound { .. })), "{agent:?}");
        assert!(
            matches!(blueprint, Err(Error::NotFound { .. })),
            "{blueprint:?}"
        );
        assert!(user.is_err(), "{user:?}");
        assert!(graph.agent_user(ask, other).await.is_err());
    }

    assert_eq!(entra.effects().len(), before);
}

#[tokio::test]
async fn a_reply_lost_after_the_effect_is_unknown_and_a_look_tells() {
    let (graph, entra, _hand) = tenant();
    let contain = ask(Priority::Contain);
    entra.push_fault(Fault::new(
        On::request("PATCH", "agentIdentity"),
        What::LoseReplyAfterEffect,
    ));

    let write = graph
        .set_agent_enabled(contain, invoice_bot(), Enabled::No)
        .await;
    let look = graph.agent(contain, invoice_bot()).await.unwrap();

    assert!(matches!(write, Err(Error::Unknown { .. })), "{write:?}");
    assert_eq!(look.enabled, Enabled::No);
}

#[tokio::test]
async fn g05_the_simulated_challenge_is_answered_once() {
    let (graph, entra, _hand) = tenant();
    entra.push_fault(Fault::new(
        On::request("PATCH", "agentIdentity"),
        What::ClaimsChallenge,
    ));

    let write = graph
        .set_agent_enabled(ask(Priority::Contain), invoice_bot(), Enabled::No)
        .await;

    assert!(write.is_ok(), "{write:?}");
    let patches = entra
        .journal()
        .iter()
        .filter(|one| one.method == "PATCH")
        .count();
    assert_eq!(patches, 2);
}

#[tokio::test]
async fn a_missing_permission_is_refused_with_graphs_code() {
    let (graph, entra, _hand) = tenant();
    entra.set_permissions(&["AgentIdentity.Read.All"]);

    let write = graph
        .set_agent_enabled(ask(Priority::Contain), invoice_bot(), Enabled::No)
        .await;

    let Err(Error::Refused { code, status, .. }) = write else {
        panic!("{write:?}");
    };
    assert_eq!(
        (code.as_str(), status),
        ("Authorization_RequestDenied", Some(403))
    );
}

#[tokio::test]
async fn g04_every_damaged_answer_of_the_model_is_unknown() {
    for garbage in [
        Garbage::Truncated,
        Garbage::Html,
        Garbage::Empty,
        Garbage::Body("[]".to_owned()),
        Garbage::Spaces(1_000_000),
    ] {
        let (graph, entra, _hand) = tenant();
        let on = On::request("GET", "agentIdentity");
        entra.push_fault(Fault::new(on, What::Garbage(garbage.clone())));

        let read = graph.agent(ask(Priority::Verify), invoice_bot()).await;

        assert!(
            matches!(read, Err(Error::Unknown { .. })),
            "{garbage:?}: {read:?}"
        );
    }
}

#[tokio::test]
async fn g04_a_page_of_html_is_no_proof_of_a_write() {
    let (graph, entra, _hand) = tenant();
    let on = On::request("PATCH", "agentIdentity");
    entra.push_fault(Fault::new(on, What::Garbage(Garbage::Html)));

    let write = graph
        .set_agent_enabled(ask(Priority::Contain), invoice_bot(), Enabled::No)
        .await;

    assert!(matches!(write, Err(Error::Unknown { .. })), "{write:?}");
}
