//! What the door takes, what it refuses, and that it can tell neither stranger nor liar apart.

use std::time::Duration;

use axum::body::Body;
use estop::domain::delivery::{BodyDigest, DeliveryState};
use estop::domain::id::DeliveryId;
use estop::ingress::Tallied;
use estop::signature::sign;
use http::{HeaderValue, Request, StatusCode};

use crate::house::{BODY, House, NOW, PUBLIC, Reply, request};

async fn refused(house: &House, request: Request<Body>) -> Reply {
    let reply = house.send(request).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        house.asked(),
        0,
        "the store was asked before the signature was checked"
    );
    assert!(house.woken.lock().unwrap().is_empty());
    reply
}

#[tokio::test]
async fn a_signed_delivery_is_stored_thanked_and_woken_for() {
    let house = House::new().await;

    let reply = house.deliver("msg_1", BODY).await;

    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(reply.header("retry-after"), Some("1"));
    let kept = house.kept().await;
    let [stored] = kept.as_slice() else {
        panic!("{} stored", kept.len());
    };
    assert_eq!(stored.body, BODY);
    assert_eq!(*house.woken.lock().unwrap(), [stored.id]);
    let detection = stored.id.to_string().replace("dlv_", "det_");
    assert_eq!(reply.json()["id"], detection);
    assert_eq!(reply.json()["state"], "received");
    let location = reply.header("location").unwrap();
    assert!(location.starts_with(&format!("{PUBLIC}/v1/detections/{detection}/status/")));
}

#[tokio::test]
async fn w33_what_was_sent_and_by_which_key_can_be_shown_later() {
    let house = House::new().await;

    house.deliver("msg_1", BODY).await;

    let kept = house.kept().await;
    assert_eq!(kept[0].digest, BodyDigest::of(BODY));
    assert_eq!(kept[0].key_id, "lab");
    let headers: serde_json::Value = serde_json::from_str(&kept[0].headers).unwrap();
    let again = sign(&house.lab, "msg_1", NOW, &kept[0].body);
    assert_eq!(headers["webhook-signature"], again);
    assert_eq!(headers["webhook-id"], "msg_1");
}

#[tokio::test]
async fn w01_one_bent_bit_stores_nothing() {
    let house = House::new().await;

    for bit in (0..BODY.len() * 8).step_by(997) {
        let mut bent = BODY.to_vec();
        bent[bit / 8] ^= 1 << (bit % 8);
        let mut request = house.signed("msg_1", BODY);
        *request.body_mut() = Body::from(bent);

        refused(&house, request).await;
    }
}

#[tokio::test]
async fn w02_w03_a_captured_request_is_worth_nothing_after_five_minutes() {
    let house = House::new().await;
    house.hand.advance(Duration::from_secs(301));

    refused(&house, house.signed("msg_1", BODY)).await;

    refused(&house, request("lab", &house.lab, "msg_1", NOW + 602, BODY)).await;
}

#[tokio::test]
async fn w03_a_repeat_gets_the_same_answer_and_starts_nothing() {
    let house = House::new().await;
    let first = house.deliver("msg_1", BODY).await;

    let same_bytes = house.deliver("msg_1", BODY).await;
    house.hand.advance(Duration::from_secs(75 * 3600 + 36 * 60));
    let later = NOW + 75 * 3600 + 36 * 60;
    let resigned = house
        .send(request("lab", &house.lab, "msg_1", later, BODY))
        .await;

    assert_eq!(same_bytes, first);
    assert_eq!(resigned, first);
    assert_eq!(house.kept().await.len(), 1);
    assert_eq!(house.woken.lock().unwrap().len(), 1);
    assert_eq!(house.tally.count(Tallied::Repeated), 2);
}

#[tokio::test]
async fn w03_a_thousand_copies_at_once_are_one_delivery() {
    let house = House::new().await;

    let copies = (0..1_000).map(|_| house.deliver("msg_1", BODY));
    let replies = futures_util::future::join_all(copies).await;

    assert!(replies.iter().all(|reply| *reply == replies[0]));
    assert_eq!(replies[0].status, StatusCode::ACCEPTED);
    assert_eq!(house.kept().await.len(), 1);
    assert_eq!(house.woken.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn w04_the_same_id_with_another_body_is_kept_apart_and_wakes_nobody() {
    let house = House::new().await;
    let first = house.deliver("msg_1", BODY).await;

    let other = house.deliver("msg_1", b"{}").await;

    assert_eq!(other.status, StatusCode::ACCEPTED);
    assert_ne!(other.json()["id"], first.json()["id"]);
    assert_eq!(house.woken.lock().unwrap().len(), 1);
    assert_eq!(house.tally.count(Tallied::Conflict), 1);
    let kept = house.kept().await;
    let first = kept
        .iter()
        .find(|kept| kept.state == DeliveryState::Received)
        .unwrap();
    assert_eq!(first.body, BODY, "the first delivery is as it was");
    let told = house.store.every_notice().await.unwrap();
    let [page] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!(page.urgency.word(), "page");
    assert!(page.text.contains("lab"), "{page:?}");
}

#[tokio::test]
async fn w09_a_source_speaks_only_for_itself() {
    let house = House::new().await;
    let cases = [
        request("lab", &house.other, "msg_1", NOW, BODY),
        request("retired", &house.retired, "msg_1", NOW, BODY),
        request("unknown", &house.lab, "msg_1", NOW, BODY),
        request("LAB", &house.lab, "msg_1", NOW, BODY),
        request("lab%2f..%2flab", &house.lab, "msg_1", NOW, BODY),
        request("%ff", &house.lab, "msg_1", NOW, BODY),
    ];

    for request in cases {
        refused(&house, request).await;
    }
}

#[tokio::test]
async fn w25_a_wrong_form_tells_nobody_which_sources_there_are() {
    let house = House::new().await;
    let bend: [fn(&mut Request<Body>); 5] = [
        |it| {
            drop(
                it.headers_mut()
                    .insert("content-type", HeaderValue::from_static("text/plain")),
            )
        },
        |it| drop(it.headers_mut().remove("content-type")),
        |it| {
            drop(
                it.headers_mut()
                    .insert("content-encoding", HeaderValue::from_static("gzip")),
            )
        },
        |it| {
            drop(
                it.headers_mut()
                    .insert("content-length", HeaderValue::from_static("1048577")),
            )
        },
        |it| *it.body_mut() = Body::from(vec![b' '; 1_048_577]),
    ];

    for (n, bend) in bend.into_iter().enumerate() {
        let mut replies = Vec::new();
        for source in ["lab", "retired", "unknown"] {
            let mut request = request(source, &house.lab, "msg_1", NOW, BODY);
            bend(&mut request);
            replies.push(house.send(request).await);
        }

        assert!(replies[0].status.is_client_error(), "{n}: {:?}", replies[0]);
        assert_ne!(replies[0].status, StatusCode::UNAUTHORIZED, "{n}");
        assert!(
            replies.iter().all(|reply| *reply == replies[0]),
            "{n}: {replies:?}"
        );
    }
    assert_eq!(house.asked(), 0);
}

#[tokio::test]
async fn w25_every_cause_of_disbelief_gets_the_same_bytes() {
    let house = House::new().await;
    let without = |name: &str| {
        let mut request = house.signed("msg_1", BODY);
        request.headers_mut().remove(name);
        request
    };
    let with = |name: &'static str, value: &'static str| {
        let mut request = house.signed("msg_1", BODY);
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
        request
    };
    let mut doubled = house.signed("msg_1", BODY);
    doubled
        .headers_mut()
        .append("webhook-id", HeaderValue::from_static("msg_1"));
    let causes = [
        without("webhook-id"),
        without("webhook-timestamp"),
        without("webhook-signature"),
        with("webhook-id", "a.b"),
        with("webhook-timestamp", "soon"),
        with("webhook-timestamp", "1"),
        with("webhook-timestamp", "999999999999"),
        with("webhook-signature", "v1,AAAA"),
        with("webhook-signature", "v1a,AAAA"),
        with("webhook-signature", "a b c d e f"),
        doubled,
        request("lab", &house.other, "msg_1", NOW, BODY),
        request("retired", &house.retired, "msg_1", NOW, BODY),
        request("unknown", &house.lab, "msg_1", NOW, BODY),
    ];

    let mut replies = Vec::new();
    for request in causes {
        replies.push(refused(&house, request).await);
    }

    assert!(
        replies.windows(2).all(|pair| pair[0] == pair[1]),
        "{replies:#?}"
    );
    assert!(replies[0].header("location").is_none());
}

#[tokio::test]
async fn w08_no_combination_of_missing_headers_is_taken() {
    let house = House::new().await;

    for missing in 1..8_u8 {
        let mut request = house.signed("msg_1", BODY);
        for (bit, name) in ["webhook-id", "webhook-timestamp", "webhook-signature"]
            .into_iter()
            .enumerate()
        {
            if missing & (1 << bit) != 0 {
                request.headers_mut().remove(name);
            }
        }

        refused(&house, request).await;
    }
}

#[tokio::test]
async fn w15_w16_w17_authentic_nonsense_is_taken_for_a_person_to_see() {
    let house = House::new().await;
    let deep = "[".repeat(100_000).into_bytes();
    let bodies: [&[u8]; 5] = [
        &deep,
        br#"{"a":1,"\u0061":2}"#,
        b"\xFF\xFE",
        b"",
        b"\xEF\xBB\xBF{}",
    ];

    for (n, body) in bodies.into_iter().enumerate() {
        let reply = house.deliver(&format!("msg_{n}"), body).await;

        assert_eq!(reply.status, StatusCode::ACCEPTED);
    }

    let mut kept: Vec<_> = house
        .kept()
        .await
        .into_iter()
        .map(|new| new.body.to_vec())
        .collect();
    kept.sort_unstable();
    let mut sent = bodies.map(<[u8]>::to_vec);
    sent.sort_unstable();
    assert_eq!(kept, sent);
}

#[tokio::test]
async fn w19_nothing_but_plain_json_is_taken() {
    let house = House::new().await;
    let types = [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json5",
        "application/problem+json",
        "application/xml",
        "application/octet-stream",
        "application/json; charset=utf-16",
        "application/json; charset=utf-8; x=y",
        "application/json, text/plain",
        "application/json; boundary=x",
        "application/*",
        "*/*",
        "",
    ];

    for kind in types {
        let mut request = house.signed("msg_1", BODY);
        request
            .headers_mut()
            .insert("content-type", HeaderValue::from_static(kind));
        let reply = house.send(request).await;
        assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    let mut none = house.signed("msg_1", BODY);
    none.headers_mut().remove("content-type");
    let mut two = house.signed("msg_1", BODY);
    two.headers_mut()
        .append("content-type", HeaderValue::from_static("text/plain"));
    for request in [none, two] {
        let reply = house.send(request).await;
        assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    assert_eq!(house.asked(), 0);

    let good = [
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
    ];
    for (n, kind) in good.into_iter().enumerate() {
        let mut request = house.signed(&format!("msg_{n}"), BODY);
        request
            .headers_mut()
            .insert("content-type", HeaderValue::from_static(kind));
        assert_eq!(
            house.send(request).await.status,
            StatusCode::ACCEPTED,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn w26_a_flood_of_unsigned_deliveries_never_reaches_the_store() {
    let house = House::new().await;

    for n in 0..2_000_u32 {
        let mut request = house.signed("msg_1", BODY);
        let forged = format!("v1,{n}");
        request
            .headers_mut()
            .insert("webhook-signature", forged.parse().unwrap());
        refused(&house, request).await;
    }
    let good = house.deliver("msg_1", BODY).await;

    assert_eq!(good.status, StatusCode::ACCEPTED);
    assert_eq!(house.tally.count(Tallied::Refused), 2_000);
}

#[tokio::test]
async fn what_cannot_be_stored_is_never_thanked() {
    let house = House::new().await;
    house.writer.abort();

    let reply = house.deliver("msg_1", BODY).await;

    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.header("retry-after"), Some("5"));
    assert!(!String::from_utf8_lossy(&reply.body).contains("writer"));
    assert!(house.woken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_sender_that_will_not_wait_gets_no_address() {
    let house = House::new().await;
    let mut request = house.signed("msg_1", BODY);
    *request.uri_mut() = "/v1/ingest/lab?wait=none".parse().unwrap();

    let reply = house.send(request).await;

    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!(reply.header("location"), None);
}

#[tokio::test]
async fn the_address_never_comes_from_the_request() {
    let house = House::new().await;
    let mut request = house.signed("msg_1", BODY);
    *request.uri_mut() = "http://evil.example/v1/ingest/lab?on_failure=status"
        .parse()
        .unwrap();
    let headers = request.headers_mut();
    headers.insert("host", HeaderValue::from_static("evil.example"));
    headers.insert("x-forwarded-host", HeaderValue::from_static("evil.example"));

    let reply = house.send(request).await;

    let location = reply.header("location").unwrap();
    assert!(location.starts_with(PUBLIC) && location.ends_with("?on_failure=status"));
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_ten_seconds_is_given_up() {
    let house = House::new().await;
    let mut request = house.signed("msg_1", BODY);
    *request.body_mut() = Body::from_stream(futures_util::stream::pending::<
        Result<Vec<u8>, std::io::Error>,
    >());
    let sending = house.send(request);
    tokio::pin!(sending);
    assert!(futures_util::poll!(&mut sending).is_pending());

    house.hand.advance(Duration::from_secs(10));

    assert_eq!(sending.await.status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(house.asked(), 0);
}

#[tokio::test]
async fn w21_only_our_own_ids_open_anything() {
    let house = House::new().await;
    house.deliver("msg_1", BODY).await;
    let asked = house.asked();

    for id in [
        "..%2f..",
        "det_",
        "det_%00",
        "7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0",
        "%ff",
    ] {
        let path = format!("/v1/detections/{id}/status/00000000000000000000000000000000");
        let reply = house
            .send(Request::get(path).body(Body::empty()).unwrap())
            .await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{id}");
    }

    assert_eq!(house.asked(), asked);
    assert!("det_x".parse::<DeliveryId>().is_err());
}
