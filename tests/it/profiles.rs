//! Every way a source may prove itself, through the door: what is taken, what is a repeat, what a
//! stranger hears, and who is told.

use std::time::Duration;

use axum::body::Body;
use estop::clock::Clock;
use estop::domain::detection::SourceName;
use estop::domain::entity::ObjectId;
use estop::domain::moment::Moment;
use estop::entra::{CallerCheck, CallerRules, Issuers, SigningKeys};
use estop::ingress::{Source, SourceState, Verifier};
use estop::signature::{KeyForm, KeyId, KeyRing, Names, Profile, Scheme, Secret, Sent};
use estop::signature::{Purpose, SigningKey, Webhooks, sign_v1a};
use estop::sim::{AppToken, Entra, Fault, Garbage, On, TokenVersion, What};
use http::{Request, StatusCode};
use uuid::Uuid;

use crate::house::{BODY, House, NOW, Reply, webhooks};
use crate::world::{Setting, World};

const LOGIN: &str = "https://login.microsoftonline.com";
const BRIDGE: Uuid = Uuid::from_u128(0x9a2b_0001_0000_4000_8000_0000_0000_0001);
const AUDIENCE: &str = "api://estop";

fn source(name: &str, verifier: Verifier) -> Source {
    Source {
        name: SourceName::new(name).unwrap(),
        verifier,
        state: SourceState::Enabled,
    }
}

fn text(seed: u8) -> String {
    hex::encode::<[u8; 16]>(std::array::from_fn(|n| (n as u8).wrapping_mul(89) ^ seed))
}

fn ring(seed: u8) -> KeyRing {
    let secret = Secret::parse_as(&text(seed), KeyForm::Text).unwrap();
    KeyRing::new(vec![(KeyId::new(&format!("k{seed}")).unwrap(), secret)]).unwrap()
}

fn hmac(name: &str, seed: u8, scheme: Scheme) -> Source {
    source(name, Verifier::Signed(Profile::Hmac(ring(seed), scheme)))
}

fn v1a(clock: &Clock) -> (SigningKey, Webhooks) {
    let key = SigningKey::new(&Secret::fresh(clock.random()), Purpose::Evidence).unwrap();
    let public = vec![(KeyId::new("edge").unwrap(), key.public())];
    (key, Webhooks::new(Names::Standard, None, public).unwrap())
}

fn post(path: &str, headers: &[(&str, String)], body: &[u8]) -> Request<Body> {
    let mut request =
        Request::post(format!("/v1/ingest/{path}")).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    request.body(Body::from(body.to_vec())).unwrap()
}

/// Signed by a scheme, with the key of this seed.
fn signed(path: &str, (seed, scheme): (u8, &Scheme), body: &[u8]) -> Request<Body> {
    let secret = Secret::parse_as(&text(seed), KeyForm::Text).unwrap();
    let at = Moment::from_millis(NOW * 1000);
    let sent = scheme.sign(&secret, ("msg_1", at), body);
    let headers: Vec<_> = sent
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    post(path, &headers, body)
}

/// A door with one source of every kind.
struct Row {
    house: House,
    entra: Entra,
    edge: SigningKey,
}

impl Row {
    async fn new() -> Self {
        let mut kept = None;
        let house = House::with(|clock| {
            let entra = Entra::contoso(clock.clone());
            let (edge, by_edge) = v1a(clock);
            let besides = Secret::fresh(clock.random());
            let sources = vec![
                hmac("github", 1, Scheme::github().unwrap()),
                hmac("slack", 2, Scheme::slack().unwrap()),
                hmac("stripe", 3, Scheme::stripe().unwrap()),
                hmac("teams", 4, Scheme::teams().unwrap()),
                source("edge", Verifier::Signed(Profile::Webhooks(by_edge))),
                source(
                    "header",
                    Verifier::Signed(Profile::Shared(ring(5), header())),
                ),
                source("basic", Verifier::Signed(Profile::Shared(ring(6), basic()))),
                source("bridge", entra_jwt(&entra, clock, None)),
                source(
                    "both",
                    entra_jwt(&entra, clock, Some(webhooks("both", &besides))),
                ),
            ];
            kept = Some((entra, edge));
            sources
        })
        .await;
        let (entra, edge) = kept.unwrap();
        Self { house, entra, edge }
    }

    fn token(&self) -> String {
        let token = self.entra.app_token(AppToken {
            caller: BRIDGE,
            app: BRIDGE,
            audience: AUDIENCE,
            roles: &[],
            version: TokenVersion::V1,
        });
        format!("Bearer {token}")
    }

    async fn by_token(&self, path: &str, token: &str, body: &[u8]) -> Reply {
        let headers = [("authorization", token.to_owned())];
        self.house.send(post(path, &headers, body)).await
    }
}

fn header() -> Sent {
    Sent::Header {
        name: http::HeaderName::from_static("x-api-key"),
        prefix: String::new(),
    }
}

fn basic() -> Sent {
    Sent::Basic {
        user: "splunk".to_owned(),
    }
}

fn entra_jwt(entra: &Entra, clock: &Clock, besides: Option<Profile>) -> Verifier {
    let tenant: ObjectId = entra.tenant().id.to_string().parse().unwrap();
    let login = LOGIN.parse().unwrap();
    let keys = SigningKeys::new(&login, tenant, entra.transport(), clock.clone());
    let rules = CallerRules {
        audiences: vec![AUDIENCE.to_owned()],
        callers: vec![BRIDGE.to_string().parse().unwrap()],
        ..CallerRules::default()
    };
    let check = CallerCheck::new(rules, Issuers::new(LOGIN, tenant), keys).unwrap();
    Verifier::Entra(Box::new(check), besides)
}

#[tokio::test]
async fn every_profile_takes_its_own_and_the_store_knows_which_key_it_was() {
    let row = Row::new().await;
    let at = NOW.to_string();
    let v1a = [
        ("webhook-id", "evt_1".to_owned()),
        ("webhook-timestamp", at),
        ("webhook-signature", sign_v1a(&row.edge, "evt_1", NOW, BODY)),
    ];
    let secret = |seed, sent: Sent| {
        let secret = Secret::parse_as(&text(seed), KeyForm::Text).unwrap();
        String::from_utf8(sent.value(&secret)).unwrap()
    };
    let requests = [
        signed("github", (1, &Scheme::github().unwrap()), BODY),
        signed("slack", (2, &Scheme::slack().unwrap()), BODY),
        signed("stripe", (3, &Scheme::stripe().unwrap()), BODY),
        signed("teams", (4, &Scheme::teams().unwrap()), BODY),
        post("edge", &v1a, BODY),
        post("header", &[("x-api-key", secret(5, header()))], BODY),
        post("basic", &[("authorization", secret(6, basic()))], BODY),
        post("bridge", &[("authorization", row.token())], BODY),
    ];

    for request in requests {
        let path = request.uri().path().to_owned();
        let reply = row.house.send(request).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{path} {reply:?}");
    }

    let mut keys: Vec<_> = row
        .house
        .kept()
        .await
        .into_iter()
        .map(|it| it.key_id)
        .collect();
    keys.sort();
    assert_eq!(keys[0], "edge");
    assert!(keys[1].starts_with(&format!("entra:{BRIDGE}/")));
    assert_eq!(keys[2..], ["k1", "k2", "k3", "k4", "k5", "k6"]);
}

#[tokio::test]
async fn w25_every_profile_refuses_with_the_same_bytes() {
    let row = Row::new().await;
    let expected = row.house.send(post("unknown", &[], BODY)).await;
    let junk = || "A".repeat(44);
    let paths = [
        "github", "slack", "stripe", "teams", "edge", "header", "basic", "bridge", "both", "lab",
        "retired",
    ];
    for path in paths {
        for headers in [
            vec![],
            vec![("authorization", format!("Bearer {}", junk()))],
            vec![("authorization", format!("HMAC {}", junk()))],
            vec![("authorization", format!("Basic {}", junk()))],
            vec![("x-api-key", text(9))],
            vec![("x-hub-signature-256", format!("sha256={}", "0".repeat(64)))],
            vec![("stripe-signature", format!("t={NOW},v1={}", "0".repeat(64)))],
        ] {
            let reply = row.house.send(post(path, &headers, BODY)).await;

            assert_eq!(reply, expected, "{path} {headers:?}");
        }
    }
    assert_eq!(row.house.asked(), 0);
}

#[tokio::test]
async fn w03_where_no_id_is_signed_the_bytes_find_a_repeat_whatever_headers_say() {
    let row = Row::new().await;
    let scheme = Scheme::github().unwrap();
    let with = |id: &str| {
        let mut request = signed("github", (1, &scheme), BODY);
        for name in ["x-github-delivery", "webhook-id", "x-ms-workflow-run-id"] {
            request.headers_mut().insert(name, id.parse().unwrap());
        }
        request
    };

    let first = row.house.send(with("one")).await;
    row.house.hand.advance(Duration::from_secs(86_400));
    let again = row.house.send(with("two")).await;

    assert_eq!(again.json()["id"], first.json()["id"]);
    assert_eq!(row.house.kept().await.len(), 1);
}

#[tokio::test]
async fn j11_a_captured_token_carries_another_body_unless_the_body_is_signed_too() {
    let row = Row::new().await;
    let token = row.token();

    let first = row.by_token("bridge", &token, BODY).await;
    let other = row.by_token("bridge", &token, b"{\"another\":1}").await;
    let both = row.by_token("both", &token, BODY).await;

    assert_eq!(
        (first.status, other.status),
        (StatusCode::ACCEPTED, StatusCode::ACCEPTED)
    );
    assert_ne!(first.json()["id"], other.json()["id"]);
    assert_eq!(both.status, StatusCode::UNAUTHORIZED);
}

/// Asks for a status without a ticket, with these headers.
fn ask(reply: &Reply, headers: &[(&str, String)]) -> Request<Body> {
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    let mut request = Request::get(format!("/v1/detections/{id}/status"));
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_source_that_carries_a_credential_reads_its_own_statuses_with_it_and_no_others() {
    let row = Row::new().await;
    let secret = |seed, sent: Sent| {
        let secret = Secret::parse_as(&text(seed), KeyForm::Text).unwrap();
        String::from_utf8(sent.value(&secret)).unwrap()
    };
    let credentials = [
        ("header", vec![("x-api-key", secret(5, header()))]),
        ("basic", vec![("authorization", secret(6, basic()))]),
        ("bridge", vec![("authorization", row.token())]),
    ];
    let mut delivered = Vec::new();
    for (path, headers) in &credentials {
        delivered.push(row.house.send(post(path, headers, BODY)).await);
    }
    let absent = row.house.send(ask(&delivered[0], &[])).await;
    let by_ticket = row.house.deliver("msg_1", BODY).await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);

    for (reader, (_, headers)) in credentials.iter().enumerate() {
        for (owner, thanks) in delivered.iter().enumerate() {
            let reply = row.house.send(ask(thanks, headers)).await;

            if reader == owner {
                assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply:?}");
                assert_eq!(reply.json()["id"], thanks.json()["id"]);
                assert_eq!(reply.header("location"), thanks.header("location"));
            } else {
                assert_eq!(reply, absent, "{reader} read what {owner} delivered");
            }
        }
        let signed = row.house.send(ask(&by_ticket, headers)).await;
        assert_eq!(signed, absent);
    }
}

#[tokio::test]
async fn who_lacks_the_credential_of_a_status_hears_the_one_answer_and_the_store_is_not_asked() {
    let row = Row::new().await;
    let token = row.token();
    let mine = row.by_token("bridge", &token, BODY).await;
    let signed = row.house.deliver("msg_1", BODY).await;
    let absent = row.house.send(ask(&mine, &[])).await;
    let asked = row.house.asked();
    let at = NOW.to_string();
    let attempts = [
        vec![("authorization", format!("Bearer {}", "A".repeat(44)))],
        vec![("authorization", format!("{token}x"))],
        vec![("x-api-key", text(9))],
        // What signs bodies proves nothing by a request without one.
        vec![
            ("webhook-id", "msg_1".to_owned()),
            ("webhook-timestamp", at.clone()),
            (
                "webhook-signature",
                estop::signature::sign(&row.house.lab, "msg_1", NOW, b""),
            ),
        ],
    ];

    for headers in &attempts {
        for thanks in [&mine, &signed] {
            let reply = row.house.send(ask(thanks, headers)).await;
            assert_eq!(reply, absent, "{headers:?}");
        }
    }

    assert_eq!(absent.status, StatusCode::NOT_FOUND);
    assert_eq!(
        row.house.asked(),
        asked,
        "the store was asked for a stranger"
    );
}

#[tokio::test]
async fn without_the_tenants_keys_whoever_asks_for_a_status_is_told_to_try_later() {
    let row = Row::new().await;
    let silent = On::request("GET", "/keys").always();
    row.entra
        .push_fault(Fault::new(silent, What::Garbage(Garbage::Html)));
    let secret = Secret::parse_as(&text(5), KeyForm::Text).unwrap();
    let key = String::from_utf8(header().value(&secret)).unwrap();
    let headers = [("x-api-key", key), ("authorization", row.token())];
    let thanks = row.house.send(post("header", &headers[..1], BODY)).await;

    let by_token = row.house.send(ask(&thanks, &headers[1..])).await;
    let by_both = row.house.send(ask(&thanks, &headers)).await;

    assert_eq!(by_token.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(by_both.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_logic_app_that_tries_again_with_its_token_is_one_delivery() {
    let row = Row::new().await;
    let headers = || {
        [
            ("authorization", row.token()),
            ("x-ms-workflow-run-id", "0858".to_owned()),
            ("x-ms-workflow-operation-name", "Contain".to_owned()),
        ]
    };

    let first = row.house.send(post("bridge", &headers(), BODY)).await;
    row.house.hand.advance(Duration::from_secs(20));
    let again = row.house.send(post("bridge", &headers(), BODY)).await;

    assert_eq!(first.status, StatusCode::ACCEPTED);
    assert_eq!(again.json()["id"], first.json()["id"]);
}

#[tokio::test]
async fn j05_without_the_tenants_keys_a_caller_is_asked_to_try_later_and_not_refused() {
    let row = Row::new().await;
    let silent = On::request("GET", "/keys").always();
    row.entra
        .push_fault(Fault::new(silent, What::Garbage(Garbage::Html)));

    let reply = row.by_token("bridge", &row.token(), BODY).await;

    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(reply.header("retry-after").is_some());
    row.entra.clear_faults();
    row.house.hand.advance(Duration::from_secs(10));
    let reply = row.by_token("bridge", &row.token(), BODY).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn j12_a_token_in_the_query_or_the_body_is_none() {
    let row = Row::new().await;
    let token = row.token();
    let bare = token.strip_prefix("Bearer ").unwrap();

    let query = format!("bridge?access_token={bare}");
    let in_query = row.house.send(post(&query, &[], BODY)).await;
    let body = format!("{{\"access_token\":\"{bare}\"}}");
    let in_body = row.house.send(post("bridge", &[], body.as_bytes())).await;

    assert_eq!(in_query.status, StatusCode::UNAUTHORIZED);
    assert_eq!(in_body.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn w26_the_first_refusal_of_a_source_is_told_and_a_flood_of_them_once_an_hour() {
    let row = Row::new().await;
    for _ in 0..500 {
        row.house.send(post("github", &[], BODY)).await;
        row.house.send(post("unheard-of", &[], BODY)).await;
    }
    row.house.send(post("retired", &[], BODY)).await;
    row.house.hand.advance(Duration::from_secs(3600));
    row.house.send(post("github", &[], BODY)).await;

    let told = row.house.refused.lock().unwrap().clone();

    let github = ("github".to_owned(), "header_missing");
    let retired = ("retired".to_owned(), "disabled_source");
    assert_eq!(told, [github.clone(), retired, github]);
    assert_eq!(row.house.asked(), 0);
}

#[tokio::test]
async fn w13_w14_what_a_known_source_sends_in_the_wrong_form_is_told_too() {
    let house = House::new().await;
    let mut zipped = house.signed("msg_1", BODY);
    zipped
        .headers_mut()
        .insert("content-encoding", "gzip".parse().unwrap());

    let zipped = house.send(zipped).await;
    // A person is told once an hour and source.
    house.hand.advance(Duration::from_secs(3600));
    let mut long = house.signed("msg_2", BODY);
    long.headers_mut()
        .insert("content-length", "1048577".parse().unwrap());
    let long = house.send(long).await;

    assert_eq!(zipped.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE);
    let told = house.refused.lock().unwrap().clone();
    let told = told.iter().map(|(source, why)| (source.as_str(), *why));
    let told: Vec<_> = told.collect();
    assert_eq!(told, [("lab", "not_json"), ("lab", "too_large")]);
}

#[tokio::test]
async fn w32_when_our_clock_steps_a_person_is_told_and_afterwards_all_pass() {
    for hours in [1, 0] {
        let house = House::new().await;
        // Signed for the moment the house was built; a step of our clock makes it old.
        let delivery = house.signed("msg_1", BODY);
        house.hand.advance(Duration::from_secs(hours * 3600));

        let reply = house.send(delivery).await;

        let told = house.refused.lock().unwrap().clone();
        if hours == 0 {
            assert_eq!((reply.status, told.len()), (StatusCode::ACCEPTED, 0));
        } else {
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
            assert_eq!(told, [("lab".to_owned(), "too_old")]);
        }
    }
}

#[tokio::test]
async fn whoever_watches_hears_why_and_the_sender_does_not() {
    let house = House::new().await;
    let elapsed = Duration::ZERO;
    house.send(post("lab", &[], BODY)).await;
    let (before, last) = house.hearing.after(0, elapsed);
    let mut changed = house.signed("msg_1", b"{\"a\":1}");
    *changed.body_mut() = Body::from(&b"{\"a\":1}\n\n"[..]);

    let reply = house.send(changed).await;
    house.deliver("msg_2", BODY).await;

    let (heard, _) = house.hearing.after(last, elapsed);
    assert_eq!(before[0].verdict, "header_missing");
    assert_eq!(
        (heard[0].verdict, heard[1].verdict),
        ("wrong_signature", "taken")
    );
    let hint = heard[0].hint.as_deref().unwrap();
    assert!(hint.contains("7 bytes were signed and 9 came"), "{hint}");
    assert_eq!(heard[1].key.as_deref(), Some("lab"));
    assert!(!String::from_utf8_lossy(&reply.body).contains("bytes"));
}

#[tokio::test]
async fn a_source_of_entra_is_served_from_its_configuration_and_a_refusal_becomes_a_notice() {
    let tenant = estop::sim::Tenant::contoso();
    let setting = Setting {
        sources: format!(
            "  bridge:\n    reader: sentinel\n    verify:\n      entra_jwt:\n        \
             audience: {AUDIENCE}\n        callers: [{BRIDGE}]\n"
        ),
        tenant,
        ..Setting::default()
    };
    let world = World::with(setting).await;
    let token = world.entra.app_token(AppToken {
        caller: BRIDGE,
        app: BRIDGE,
        audience: AUDIENCE,
        roles: &[],
        version: TokenVersion::V2,
    });
    let request = |authorization: String| {
        use tower::ServiceExt as _;
        let request = post("bridge", &[("authorization", authorization)], BODY);
        world.door.clone().oneshot(request)
    };

    let taken = request(format!("Bearer {token}")).await.unwrap();
    let refused = request("Bearer x.y.z".to_owned()).await.unwrap();
    world.pass(Duration::from_secs(2)).await;

    assert_eq!(taken.status(), StatusCode::ACCEPTED);
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let notices = world.service.store.every_notice().await.unwrap();
    let told = notices
        .iter()
        .filter(|notice| notice.text.contains("`bridge` was refused"));
    assert_eq!(told.count(), 1);
}
