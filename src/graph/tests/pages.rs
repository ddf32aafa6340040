use super::super::{Error, Priority};
use super::{answer, answering, ask, clock, id};

const COLLECTION: &str =
    "https://graph.microsoft.com/v1.0/servicePrincipals/microsoft.graph.agentIdentity";

fn page(number: usize, next: Option<&str>) -> String {
    let agent = format!(
        r#"{{"id":"{}","accountEnabled":true,"agentIdentityBlueprintId":"{}"}}"#,
        id(number as u128),
        id(500),
    );
    match next {
        Some(next) => format!(r#"{{"@odata.nextLink":"{next}","value":[{agent}]}}"#),
        None => format!(r#"{{"value":[{agent}]}}"#),
    }
}

#[tokio::test]
async fn every_page_of_a_collection_is_read() {
    let (clock, _hand) = clock();
    let (graph, seen) = answering(&clock, |_, number| {
        let next = format!("{COLLECTION}?$skiptoken=p{number}");
        Ok(answer(
            200,
            page(number, (number < 3).then_some(next.as_str())),
        ))
    });

    let agents = graph
        .agents_of(ask(Priority::Enrich), id(500))
        .await
        .unwrap();

    assert_eq!(agents.len(), 3);
    assert_eq!(seen.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn g12_a_next_page_elsewhere_is_not_followed() {
    for elsewhere in [
        "https://evil.example/v1.0/servicePrincipals/microsoft.graph.agentIdentity?$skiptoken=x",
        "http://graph.microsoft.com/v1.0/servicePrincipals/microsoft.graph.agentIdentity?s=x",
        "https://graph.microsoft.com:8443/v1.0/servicePrincipals/microsoft.graph.agentIdentity?s=x",
        "https://graph.microsoft.com@evil.example/v1.0/servicePrincipals/x?s=x",
        "https://me@graph.microsoft.com/v1.0/servicePrincipals/microsoft.graph.agentIdentity?s=x",
        "https://graph.microsoft.com/v1.0/users?$skiptoken=x",
        "https://graph.microsoft.com/v1.0/servicePrincipalsOfOthers?$skiptoken=x",
        "https://graph.microsoft.com/v1.0/servicePrincipals/../users?$skiptoken=x",
        "https://graph.microsoft.com/beta/servicePrincipals/microsoft.graph.agentIdentity?s=x",
        "/v1.0/servicePrincipals?$skiptoken=x",
        "",
    ] {
        let (clock, _hand) = clock();
        let (graph, seen) = answering(&clock, move |_, number| {
            Ok(answer(200, page(number, Some(elsewhere))))
        });

        let agents = graph.agents(ask(Priority::Watch)).await;

        assert!(
            matches!(agents, Err(Error::Unknown { .. })),
            "{elsewhere}: {agents:?}"
        );
        assert_eq!(seen.lock().unwrap().len(), 1, "{elsewhere}");
    }
}

#[tokio::test]
async fn g12_pages_in_a_circle_and_pages_without_end_are_left() {
    let (clock, _hand) = clock();
    let (circle, seen_circle) = answering(&clock, |_, number| {
        let next = format!("{COLLECTION}?$skiptoken=p{}", number % 2);
        Ok(answer(200, page(number, Some(&next))))
    });
    let (endless, seen_endless) = answering(&clock, |_, number| {
        let next = format!("{COLLECTION}?$skiptoken=p{number}");
        Ok(answer(200, page(number, Some(&next))))
    });

    let round = circle.agents(ask(Priority::Watch)).await;
    let long = endless.agents(ask(Priority::Watch)).await;

    assert!(matches!(round, Err(Error::Unknown { .. })), "{round:?}");
    assert!(matches!(long, Err(Error::Unknown { .. })));
    assert_eq!(seen_circle.lock().unwrap().len(), 3);
    assert_eq!(seen_endless.lock().unwrap().len(), 200);
}

#[tokio::test]
async fn agents_of_another_blueprint_are_left_out_and_one_without_makes_the_list_unknown() {
    let (clock, _hand) = clock();
    let (graph, _seen) = answering(&clock, |_, _| Ok(answer(200, page(1, None))));
    let (bare, _) = answering(&clock, |_, _| {
        let agent = format!(
            r#"{{"value":[{{"id":"{}","accountEnabled":true}}]}}"#,
            id(1)
        );
        Ok(answer(200, agent))
    });

    let others = graph.agents_of(ask(Priority::Enrich), id(501)).await;
    let unsure = bare.agents_of(ask(Priority::Enrich), id(501)).await;

    assert_eq!(others, Ok(Vec::new()));
    assert!(matches!(unsure, Err(Error::Unknown { .. })), "{unsure:?}");
}
