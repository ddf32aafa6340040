use proptest::prelude::*;
use uuid::Uuid;

use super::super::{Enabled, Error, Priority};
use super::{answer, answering, ask, clock, id};
use crate::domain::entity::ObjectId;

const ID: &str = "00000000-0000-0001-0000-000000000001";

async fn read(body: &'static [u8]) -> Result<Enabled, Error> {
    let (clock, _hand) = clock();
    let (graph, _seen) = answering(&clock, move |_, _| Ok(answer(200, body)));
    let agent = graph.agent(ask(Priority::Verify), id(1)).await?;
    Ok(agent.enabled)
}

#[tokio::test]
async fn g15_only_a_plain_false_is_disabled() {
    let yes = br#"{"id":"00000000-0000-0001-0000-000000000001","accountEnabled":true}"#;
    let no = br#"{"id":"00000000-0000-0001-0000-000000000001","accountEnabled":false}"#;

    assert_eq!(read(yes).await, Ok(Enabled::Yes));
    assert_eq!(read(no).await, Ok(Enabled::No));
    for bent in [
        r#""accountEnabled":null"#,
        r#""accountEnabled":"false""#,
        r#""accountEnabled":0"#,
        r#""accountEnabled":{}"#,
        r#""accountEnabled":[false]"#,
        r#""AccountEnabled":false"#,
        r#""account_enabled":false"#,
        r#""accountEnabled":false,"accountEnabled":true"#,
        r#""displayName":"missing""#,
    ] {
        let body = format!(r#"{{"id":"{ID}",{bent}}}"#).into_bytes().leak();

        let read = read(body).await;

        assert!(
            matches!(read, Err(Error::Unknown { .. })),
            "{bent}: {read:?}"
        );
    }
}

#[tokio::test]
async fn g04_an_answer_that_is_not_the_promised_object_is_unknown() {
    let bodies: [&'static [u8]; 17] = [
        b"",
        b" ",
        b"null",
        b"true",
        b"[]",
        b"{}",
        b"\"x\"",
        b"<!doctype html><html>Sign in</html>",
        b"{\"id\":\"00000000-0000-0001-0000-000000000001\",\"accountEnabled\":fal",
        b"{\"id\":\"00000000-0000-0001-0000-000000000001\",\"accountEnabled\":false}}",
        b"\xef\xbb\xbf{\"id\":\"00000000-0000-0001-0000-000000000001\",\"accountEnabled\":false}",
        b"\xff\xfe{\x00}",
        b"\x1f\x8b\x08\x00\x00",
        b"{\"id\":\"00000000-0000-0002-0000-000000000002\",\"accountEnabled\":false}",
        b"{\"id\":\"../users\",\"accountEnabled\":false}",
        b"{\"value\":[{\"id\":\"00000000-0000-0001-0000-000000000001\",\"accountEnabled\":false}]}",
        b"{\"@odata.type\":\"#microsoft.graph.user\",\
           \"id\":\"00000000-0000-0001-0000-000000000001\",\"accountEnabled\":false}",
    ];
    for body in bodies {
        let read = read(body).await;

        let shown = String::from_utf8_lossy(body);
        assert!(
            matches!(read, Err(Error::Unknown { .. })),
            "{shown}: {read:?}"
        );
    }
}

#[tokio::test]
async fn g04_a_write_answered_strangely_is_unknown_never_done() {
    let cases: [(u16, &'static str); 9] = [
        (200, ""),
        (200, "<html>Sign in</html>"),
        (200, "{}"),
        (200, "null"),
        (200, "[1"),
        (201, ""),
        (202, ""),
        (204, "surprise"),
        (206, "{"),
    ];
    for (status, body) in cases {
        let (clock, _hand) = clock();
        let (graph, _seen) = answering(&clock, move |_, _| Ok(answer(status, body)));
        let kill = ask(Priority::Contain);

        let switch = graph.set_agent_enabled(kill, id(1), Enabled::No).await;
        let revoke = graph.revoke_sessions(kill, id(1)).await;
        let confirm = graph.confirm_compromised(kill, id(1)).await;

        for write in [switch, revoke, confirm] {
            assert!(
                matches!(write, Err(Error::Unknown { .. })),
                "{status} {body}: {write:?}"
            );
        }
    }
}

#[tokio::test]
async fn sessions_are_revoked_only_when_graph_says_so() {
    for (body, revoked) in [(r#"{"value":true}"#, true), (r#"{"value":false}"#, false)] {
        let (clock, _hand) = clock();
        let (graph, _seen) = answering(&clock, move |_, _| Ok(answer(200, body)));

        let result = graph.revoke_sessions(ask(Priority::Contain), id(1)).await;

        assert_eq!(result.is_ok(), revoked, "{result:?}");
    }
}

#[tokio::test]
async fn an_agents_user_is_switched_by_its_type() {
    let (clock, _hand) = clock();
    let (graph, seen) = answering(&clock, |_, _| Ok(answer(204, "")));

    graph
        .set_agent_user_enabled(ask(Priority::Contain), id(1), Enabled::No)
        .await
        .unwrap();

    let seen = seen.lock().unwrap();
    assert_eq!(seen[0].headers()["odata-version"], "4.0");
    let body: serde_json::Value = serde_json::from_slice(seen[0].body()).unwrap();
    assert_eq!(body["@odata.type"], "#microsoft.graph.agentUser");
    assert_eq!(body["accountEnabled"], false);
}

#[tokio::test]
async fn g15_an_agent_that_microsoft_disabled_says_so() {
    for (status, theirs) in [
        ("null", false),
        ("\"NotDisabled\"", false),
        ("\"DisabledDueToViolationOfServicesAgreement\"", true),
        ("\"SomethingNew\"", true),
    ] {
        let (clock, _hand) = clock();
        let body = format!(
            r#"{{"id":"{ID}","accountEnabled":false,"disabledByMicrosoftStatus":{status}}}"#
        );
        let (graph, _seen) = answering(&clock, move |_, _| Ok(answer(200, body.clone())));

        let agent = graph.agent(ask(Priority::Verify), id(1)).await.unwrap();

        assert_eq!(agent.disabled_by_microsoft, theirs, "{status}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn w21_a_path_is_constant_text_and_a_lower_case_guid(bits in 1_u128..) {
        let object = ObjectId::from_uuid(Uuid::from_u128(bits));
        let (clock, _hand) = clock();
        let (graph, seen) = answering(&clock, |_, _| Ok(answer(204, "")));
        let kill = ask(Priority::Contain);

        futures_util::FutureExt::now_or_never(async {
            let _ = graph.set_agent_enabled(kill, object, Enabled::No).await;
            let _ = graph.set_blueprint_enabled(kill, object, Enabled::No).await;
            let _ = graph.set_agent_user_enabled(kill, object, Enabled::No).await;
            let _ = graph.revoke_sessions(kill, object).await;
        });

        let guid = object.uuid().as_hyphenated().to_string();
        let paths: Vec<String> =
            seen.lock().unwrap().iter().map(|request| request.uri().to_string()).collect();
        let graph = "https://graph.microsoft.com/v1.0";
        prop_assert_eq!(paths, [
            format!("{graph}/servicePrincipals/{guid}/microsoft.graph.agentIdentity"),
            format!(
                "{graph}/servicePrincipals/{guid}/microsoft.graph.agentIdentityBlueprintPrincipal"
            ),
            format!("{graph}/users/{guid}"),
            format!("{graph}/users/{guid}/revokeSignInSessions"),
        ]);
    }
}
