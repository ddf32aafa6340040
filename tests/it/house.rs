//! A door as the roof would build it, with a clock moved by hand.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use estop::clock::{Clock, Hand};
use estop::domain::callback::CallbackHosts;
use estop::domain::delivery::Delivery;
use estop::domain::detection::SourceName;
use estop::domain::id::DeliveryId;
use estop::domain::moment::Moment;
use estop::ingress::{
    Door, Hearing, PerSecond, Quotas, Source, SourceState, Sources, Tally, Verifier, router,
};
use estop::signature::{KeyId, KeyRing, Names, Profile, Secret, TicketKey, Webhooks, sign};
use estop::store::{Entry, Store};
use estop::traces::Traces;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

/// When every house is built, in Unix seconds.
pub const NOW: i64 = 1_790_000_000;
/// What addresses begin with.
pub const PUBLIC: &str = "https://estop.example";
/// The host that may be called back.
pub const CALLED: &str = "prod-12.westeurope.logic.azure.com";
/// A body nobody could object to.
pub const BODY: &[u8] = include_bytes!("../fixtures/sentinel_incident.json");

/// A door with the sources `lab`, `other` and the disabled `retired`.
pub struct House {
    pub router: Router,
    pub store: Store,
    /// The store's writer; aborted, nothing can be stored any more.
    pub writer: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
    pub tally: Arc<Tally>,
    pub hand: Hand,
    pub woken: Arc<Mutex<Vec<DeliveryId>>>,
    pub hearing: Arc<Hearing>,
    /// Which refusals a person would be told of.
    pub refused: Arc<Mutex<Vec<(String, &'static str)>>>,
    pub lab: Secret,
    pub other: Secret,
    pub retired: Secret,
}

/// A reply, read to its end.
#[derive(Debug, PartialEq)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl House {
    pub async fn new() -> Self {
        Self::with(|_| Vec::new()).await
    }

    /// The same with further sources, which may want the clock.
    pub async fn with(further: impl FnOnce(&Clock) -> Vec<Source>) -> Self {
        let (clock, hand) = Clock::by_hand(Moment::from_millis(NOW * 1000));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("estop.db");
        let opened = Store::open(&file, Entry::Service, clock.clone()).await;
        let (store, writing) = opened.unwrap();
        #[expect(clippy::disallowed_methods, reason = "the test stands in for the roof")]
        let writer = tokio::spawn(writing);
        let tally = Arc::new(Tally::default());
        let woken = Arc::new(Mutex::new(Vec::new()));
        let [lab, other, retired] = [(); 3].map(|()| Secret::fresh(clock.random()));
        let source = |name: &str, secret: &Secret, state| Source {
            name: SourceName::new(name).unwrap(),
            verifier: Verifier::Signed(webhooks(name, secret)),
            state,
        };
        let mut sources = vec![
            source("lab", &lab, SourceState::Enabled),
            source("other", &other, SourceState::Enabled),
            source("retired", &retired, SourceState::Disabled),
        ];
        sources.extend(further(&clock));
        let sources = Sources::new(sources);
        let ear = Arc::clone(&woken);
        let hearing = Arc::new(Hearing::default());
        let refused = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&refused);
        let sources = sources.unwrap();
        let door = Door {
            quotas: Quotas::new(sources.names(), PerSecond::default(), &clock),
            sources,
            store: store.clone(),
            tickets: TicketKey::new(Secret::fresh(clock.random())),
            clock,
            public_url: PUBLIC.parse().unwrap(),
            callback_hosts: CallbackHosts::new(vec![CALLED.to_owned()]).unwrap(),
            ahead: None,
            wake: Arc::new(move |taken: Delivery| ear.lock().unwrap().push(taken.id)),
            on_refusal: Arc::new(move |source, why| {
                told.lock().unwrap().push((source.to_string(), why));
            }),
            hearing: Arc::clone(&hearing),
            tally: Arc::clone(&tally),
            traces: Traces::off(),
        };
        Self {
            router: router(door),
            store,
            writer,
            _folder: folder,
            tally,
            hand,
            hearing,
            refused,
            woken,
            lab,
            other,
            retired,
        }
    }

    /// Everything stored so far, oldest first.
    pub async fn kept(&self) -> Vec<Delivery> {
        let mut kept = Vec::new();
        for listed in self
            .store
            .deliveries(None, None, 500)
            .await
            .unwrap()
            .into_iter()
            .rev()
        {
            let id = listed["delivery"].as_str().unwrap().parse().unwrap();
            kept.push(self.store.delivery(id).await.unwrap().unwrap());
        }
        kept
    }

    /// How often the store was asked anything.
    pub fn asked(&self) -> u64 {
        self.store.asked()
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let reply: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = reply.into_parts();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes().to_vec(),
        }
    }

    /// Posts a body to `lab`, signed as it should be.
    pub async fn deliver(&self, id: &str, body: &[u8]) -> Reply {
        self.send(self.signed(id, body)).await
    }

    /// A request to `lab`, signed as it should be.
    pub fn signed(&self, id: &str, body: &[u8]) -> Request<Body> {
        request("lab", &self.lab, id, NOW, body)
    }
}

/// Standard Webhooks with one secret.
pub fn webhooks(name: &str, secret: &Secret) -> Profile {
    let ring = KeyRing::new(vec![(KeyId::new(name).unwrap(), copy(secret))]).unwrap();
    Profile::Webhooks(Webhooks::new(Names::Standard, Some(ring), Vec::new()).unwrap())
}

/// The same secret again, as a sender holds it.
pub fn copy(secret: &Secret) -> Secret {
    Secret::parse(&secret.reveal()).unwrap()
}

/// A request to a source, signed with a secret.
pub fn request(source: &str, key: &Secret, id: &str, at: i64, body: &[u8]) -> Request<Body> {
    Request::post(format!("/v1/ingest/{source}"))
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", at.to_string())
        .header("webhook-signature", sign(key, id, at, body))
        .body(Body::from(body.to_vec()))
        .unwrap()
}
