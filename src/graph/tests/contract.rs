//! Every call, against the simulated tenant, which was written from the facts and not from us.

use std::time::Duration;

use futures_util::FutureExt as _;
use secrecy::SecretString;
use uuid::Uuid;

use super::super::{
    Budgets, Cloud, Enabled, Endpoints, Error, Graph, Lane, Link, Policy, Priority, RiskStop,
};
use super::{ask, clock};
use crate::clock::{Clock, Hand};
use crate::domain::entity::ObjectId;
use crate::entra::minted::Minted;
use crate::entra::{AccessToken, Authority, TokenSource};
use crate::sim::{
    Entra, Family, Fault, Garbage, INVOICE_BOT, Limit, Limits, On, Registered, RiskPolicy, Tenant,
    What,
};

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

#[tokio::test]
async fn g09_a_batch_reads_many_agents_each_with_its_own_outcome() {
    let (graph, entra, _hand) = tenant();
    let mut ids: Vec<ObjectId> = entra
        .tenant()
        .agents
        .into_keys()
        .map(ObjectId::from_uuid)
        .collect();
    ids.insert(3, ObjectId::from_uuid(Uuid::from_u128(1)));
    ids.push(ObjectId::from_uuid(entra.tenant().client.principal));

    let read = graph.agents_by_id(ask(Priority::Watch), &ids).await;

    for (place, (id, outcome)) in read.iter().enumerate() {
        assert_eq!(*id, ids[place]);
        match outcome {
            Ok(agent) => assert_eq!(agent.id, *id),
            Err(error) => {
                assert!(place == 3 || place == ids.len() - 1, "{place}: {error}");
                assert!(matches!(error, Error::NotFound { .. }), "{error}");
            }
        }
    }
    assert_eq!(read.iter().filter(|(_, one)| one.is_ok()).count(), 14);
    assert_eq!(entra.journal_len(), 1);
}

#[tokio::test]
async fn g09_reads_the_model_throttles_inside_a_batch_all_come_in_the_end() {
    let (graph, entra, hand) = tenant();
    entra.set_limits(Limits {
        directory_reads: Some(Limit::of(6, 10)),
        ..Limits::published()
    });
    let agents = entra.tenant().agents;
    let ids: Vec<ObjectId> = agents.into_keys().map(ObjectId::from_uuid).collect();

    let reading = graph.agents_by_id(ask(Priority::Watch), &ids);
    let (read, seconds) = super::moving(&hand, Duration::from_secs(1), reading).await;

    assert!(read.iter().all(|(_, one)| one.is_ok()), "{read:?}");
    assert!((20..=40).contains(&seconds), "{seconds} s");
}

#[tokio::test]
async fn policies_are_read_in_the_slow_lane_and_kept_for_five_minutes() {
    let (graph, entra, hand) = tenant();
    entra.set_permissions(&["Policy.Read.All"]);
    let watch = ask(Priority::Watch);
    entra.foreign_write(|tenant| tenant.risk_policy = RiskPolicy::BlocksHigh);

    let first = graph.policies(watch).await.unwrap();
    entra.foreign_write(|tenant| tenant.risk_policy = RiskPolicy::Absent);
    hand.advance(Duration::from_secs(299));
    let kept = graph.policies(watch).await.unwrap();
    let asked = entra.journal_len();
    hand.advance(Duration::from_secs(1));
    let fresh = graph.policies(watch).await.unwrap();

    assert_eq!(first.all.len(), 1);
    assert_eq!(first.all[0].stops_risky_agents(), RiskStop::All);
    assert_eq!((kept.read_at, asked), (first.read_at, 1));
    assert!(fresh.all.is_empty());
    let lane = graph
        .lanes()
        .into_iter()
        .find(|one| one.lane == Lane::IdentityProtection);
    assert_eq!(lane.unwrap().turns, 2);
}

#[tokio::test]
async fn a_policy_that_is_narrower_or_only_reports_is_not_called_a_stop() {
    let (graph, entra, _hand) = tenant();
    entra.set_permissions(&["Policy.Read.All"]);
    entra.foreign_write(|tenant| tenant.risk_policy = RiskPolicy::BlocksHigh);
    let policies = graph.policies(ask(Priority::Watch)).await.unwrap();
    let whole = &policies.all[0];
    let changed = |change: fn(&mut Policy)| {
        let mut policy = whole.clone();
        change(&mut policy);
        policy.stops_risky_agents()
    };

    let report = changed(|it| it.state = "enabledForReportingButNotEnforced".to_owned());

    assert_eq!(report, RiskStop::ReportOnly);
    assert_eq!(changed(|it| it.state = "disabled".to_owned()), RiskStop::No);
    assert_eq!(changed(|it| it.state = "new".to_owned()), RiskStop::No);
    assert_eq!(changed(|it| it.agent_risk.clear()), RiskStop::No);
    assert_eq!(
        changed(|it| it.controls = vec!["mfa".to_owned()]),
        RiskStop::No
    );
    assert_eq!(changed(|it| it.narrowed = true), RiskStop::Some);
    assert_eq!(
        changed(|it| it.agents_left_out.push("x".to_owned())),
        RiskStop::Some
    );
    assert_eq!(
        changed(|it| it.resources = vec!["AllAgentIdResources".to_owned()]),
        RiskStop::Some
    );
}

#[tokio::test]
async fn g17_the_model_and_we_count_the_same_units() {
    let (graph, entra, _hand) = tenant();
    let contain = ask(Priority::Contain);

    graph.agent(contain, invoice_bot()).await.unwrap();
    graph.agents(contain).await.unwrap();
    graph.agent_users_of(contain, invoice_bot()).await.unwrap();
    let sent = graph.set_agent_enabled(contain, invoice_bot(), Enabled::No);
    sent.await.unwrap();

    let lanes = graph.lanes();
    let reads = lanes.iter().find(|one| one.lane == Lane::DirectoryReads);
    assert_eq!(reads.unwrap().spent, entra.spent(Family::DirectoryReads));
}

/// Graph on the simulated tenant, let in by a certificate registered there.
fn by_certificate(folder: &std::path::Path) -> (Graph, Entra, Minted) {
    let (clock, _hand) = clock();
    let minted = Minted::until("20991231000000Z");
    let mut simulated = Tenant::contoso();
    simulated.client.certificate = Some(Registered {
        thumbprint: minted.thumbprint.clone(),
        public_key: minted.public_key.clone(),
    });
    let client = ObjectId::from_uuid(simulated.client.app);
    let authority = Authority {
        login: "https://login.microsoftonline.com".parse().unwrap(),
        tenant: simulated.id.to_string().parse().unwrap(),
        scope: "https://graph.microsoft.com/.default".to_owned(),
    };
    let entra = Entra::new(clock.clone(), simulated);
    let files = minted.files(folder);
    let transport = entra.transport();
    let tokens = TokenSource::certificate(clock.clone(), transport, authority, client, files);
    let graph = Graph::new(Link {
        endpoints: Endpoints::of(Cloud::Global, None, None).unwrap(),
        transport: entra.transport(),
        tokens,
        clock,
        budgets: Budgets::default(),
    });
    (graph, entra, minted)
}

fn token_requests(entra: &Entra) -> usize {
    let journal = entra.journal();
    journal
        .iter()
        .filter(|one| one.path.ends_with("/token"))
        .count()
}

#[tokio::test]
async fn g05_a_challenge_is_answered_once_with_its_claims_in_a_fresh_token_request() {
    let folder = tempfile::tempdir().unwrap();
    let (graph, entra, _minted) = by_certificate(folder.path());
    let contain = ask(Priority::Contain);
    graph.agent(contain, invoice_bot()).await.unwrap();
    let offered = entra.asked_claims();

    entra.revoke_access_tokens();
    let write = graph
        .set_agent_enabled(contain, invoice_bot(), Enabled::No)
        .await;

    assert!(write.is_ok(), "{write:?}");
    assert_eq!(token_requests(&entra), 2);
    let cp1 = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
    assert_eq!(offered.as_deref(), Some(cp1));
    let answered: serde_json::Value = serde_json::from_str(&entra.asked_claims().unwrap()).unwrap();
    assert_eq!(answered["access_token"]["nbf"]["value"], "1790000000");
    assert_eq!(answered["access_token"]["xms_cc"]["values"][0], "cp1");
}

#[tokio::test]
async fn g05_a_challenge_that_comes_again_is_refused_and_not_answered_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let (graph, entra, _minted) = by_certificate(folder.path());
    let on = On::request("PATCH", "agentIdentity").always();
    entra.push_fault(Fault::new(on, What::ClaimsChallenge));

    let contain = ask(Priority::Contain);
    let write = graph
        .set_agent_enabled(contain, invoice_bot(), Enabled::No)
        .await;

    assert!(
        matches!(
            &write,
            Err(Error::Refused {
                status: Some(401),
                ..
            })
        ),
        "{write:?}"
    );
    let journal = entra.journal();
    let patches = journal.iter().filter(|one| one.method == "PATCH").count();
    assert_eq!((patches, token_requests(&entra)), (2, 2));
}

#[tokio::test]
async fn g06_an_assertion_by_another_certificate_is_refused_by_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let (graph, entra, _minted) = by_certificate(folder.path());
    Minted::stranger("20991231000000Z").files(folder.path());

    let read = graph.agent(ask(Priority::Contain), invoice_bot()).await;

    let Err(Error::Refused { code, .. }) = read else {
        panic!("{read:?}");
    };
    assert_eq!(code, "AADSTS700027");
    assert_eq!(entra.journal_len(), 1);
}
