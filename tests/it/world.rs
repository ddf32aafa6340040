//! A whole service on a simulated tenant, with a clock moved by hand: our parts are real, only the
//! far end is played.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use estop::app::{Parts, Service};
use estop::catalog::Catalog;
use estop::clock::{Clock, Hand};
use estop::config::{Config, Overrides};
use estop::domain::entity::ObjectId;
use estop::domain::id::RunId;
use estop::domain::moment::Moment;
use estop::domain::run::{Run, RunState, Standing};
use estop::domain::step::Step;
use estop::entra::{AccessToken, TokenSource};
use estop::graph::Budgets;
use estop::signature::{Secret, sign};
use estop::sim::{Entra, INVOICE_BOT, Limits};
use estop::store::RunFilter;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

/// When every world begins, in Unix seconds.
pub const NOW: i64 = 1_790_000_000;
/// Most steps of the clock before a world is called stuck.
const PATIENCE: usize = 4_000;
/// How far the clock is moved at a time.
const TICK: Duration = Duration::from_millis(100);

/// A service, its tenant, its sender and its clock.
pub struct World {
    pub service: Service,
    pub entra: Entra,
    pub clock: Clock,
    pub hand: Hand,
    pub door: Router,
    secret: Secret,
    folder: tempfile::TempDir,
}

/// How a world differs from the usual one.
pub struct Setting {
    pub yaml: String,
    pub catalog: Catalog,
    pub limits: Limits,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            yaml: "mode: enforce\nprotected: []\ncaps: { tenant: 100, source: 100 }\n".to_owned(),
            catalog: Catalog::shipped_as_recommended().unwrap(),
            limits: Limits::off(),
        }
    }
}

impl World {
    /// The usual world: Contoso, the shipped playbooks as they recommend, no throttling.
    pub async fn new() -> Self {
        Self::with(Setting::default()).await
    }

    pub async fn with(setting: Setting) -> Self {
        let (clock, hand) = Clock::by_hand(Moment::from_millis(NOW * 1000));
        let entra = Entra::contoso(clock.clone());
        entra.set_limits(setting.limits);
        let folder = tempfile::tempdir().unwrap();
        let secret = Secret::fresh(clock.random());
        write_private(&folder.path().join("lab.key"), &secret.reveal());
        let parts = parts(
            folder.path(),
            &entra,
            &clock,
            (&setting.yaml, setting.catalog),
        );
        let service = Service::start(parts).await.unwrap();
        let door = service
            .ingress("https://estop.example".parse().unwrap())
            .unwrap();
        Self {
            service,
            entra,
            clock,
            hand,
            door,
            secret,
            folder,
        }
    }

    /// Posts a detection about an agent, signed as it should be, and answers its id.
    pub async fn detect(&self, detection_type: &str, kind: &str, id: impl ToString) -> String {
        let detection = serde_json::json!({
            "type": detection_type, "severity": "high",
            "detection_id": self.clock.uuid().to_string(),
            "detected_at": self.clock.now().to_string(),
            "entities": [{ "kind": kind, "id": id.to_string() }],
        });
        let (status, reply) = self.post(&detection.to_string()).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{reply}");
        reply["id"].as_str().unwrap().to_owned()
    }

    /// Posts a body to the source `lab`.
    pub async fn post(&self, body: &str) -> (StatusCode, serde_json::Value) {
        let id = format!("msg_{}", self.clock.uuid().simple());
        let at = self.clock.now().as_seconds();
        let request = Request::post("/v1/ingest/lab")
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", at.to_string())
            .header(
                "webhook-signature",
                sign(&self.secret, &id, at, body.as_bytes()),
            )
            .body(Body::from(body.to_owned()))
            .unwrap();
        let reply = self.door.clone().oneshot(request).await.unwrap();
        let status = reply.status();
        let body = reply.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Moves the clock on until nothing is left to do: no unread delivery, no run at work.
    pub async fn settle(&self) {
        for _ in 0..PATIENCE {
            self.breathe().await;
            if self.is_settled().await {
                return;
            }
            self.hand.advance(TICK);
        }
        panic!("the world does not settle: {:?}", self.runs().await);
    }

    /// Moves the clock on by `span`, in small steps, letting everyone work in between.
    pub async fn pass(&self, span: Duration) {
        let ticks = span.as_millis().div_ceil(TICK.as_millis());
        for _ in 0..ticks {
            self.hand.advance(TICK);
            self.breathe().await;
        }
    }

    /// Lets every loop do what it can at this moment of the clock.
    async fn breathe(&self) {
        for _ in 0..20 {
            tokio::task::yield_now().await;
            // The store answers from a thread of its own: a read waits for it.
            let _ = self.service.store.standing().await;
        }
    }

    async fn is_settled(&self) -> bool {
        let later = self.clock.now().plus(Duration::from_secs(1));
        let unread = self.service.store.unread(later, 1).await.unwrap();
        let at_work = |run: &Run| run.state.standing() == Standing::AtWork;
        unread.is_empty() && !self.runs().await.iter().any(at_work)
    }

    /// Every run, oldest first.
    pub async fn runs(&self) -> Vec<Run> {
        let filter = RunFilter {
            limit: 500,
            ..RunFilter::default()
        };
        let mut runs = self.service.store.runs(filter).await.unwrap();
        runs.sort_by_key(|run| run.received_at);
        runs
    }

    /// The only run there is.
    pub async fn only_run(&self) -> Run {
        let mut runs = self.runs().await;
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs.remove(0)
    }

    pub async fn run(&self, id: RunId) -> Run {
        self.service.store.run(id).await.unwrap().unwrap()
    }

    pub async fn steps(&self, id: RunId) -> Vec<Step> {
        self.service.store.steps(id).await.unwrap()
    }

    pub async fn state(&self, id: RunId) -> RunState {
        self.run(id).await.state
    }

    /// The record chain, walked from its beginning.
    pub async fn chain_holds(&self) {
        let mut chain = estop::domain::record::Chain::default();
        for line in self.service.store.sealed_lines(0, 100_000).await.unwrap() {
            chain.follow(&line).unwrap();
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The agent most tests are about.
pub fn invoice_bot() -> ObjectId {
    ObjectId::from_uuid(INVOICE_BOT)
}

fn parts(folder: &Path, entra: &Entra, clock: &Clock, (yaml, catalog): (&str, Catalog)) -> Parts {
    let tenant = entra.tenant().id;
    let text = format!(
        "{yaml}tenant: {{ id: {tenant}, credential: managed_identity }}\n\
         sources:\n  lab:\n    reader: estop\n    \
         verify: {{ standard_webhooks: {{ secret_files: [lab.key] }} }}\n    \
         may: {{ entities: [agent, agent_user, blueprint] }}\n"
    );
    let path = folder.join("estop.yaml");
    std::fs::write(&path, text).unwrap();
    let config = Config::read(&path, &Overrides::default()).unwrap();
    Parts {
        config,
        clock: clock.clone(),
        transport: entra.transport(),
        tokens: tokens(entra, clock),
        budgets: Budgets::default(),
        catalog,
    }
}

/// Tokens as the simulated tenant gives them to us.
fn tokens(entra: &Entra, clock: &Clock) -> TokenSource {
    let (entra, now) = (entra.clone(), clock.clone());
    TokenSource::fetching(clock.clone(), move |_| {
        let (entra, now) = (entra.clone(), now.clone());
        Box::pin(async move {
            let text = entra.access_token().unwrap_or_default();
            AccessToken::new(&text.into(), now.now().plus(Duration::from_secs(3600)))
        })
    })
}

fn write_private(path: &Path, text: &str) {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
