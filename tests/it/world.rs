//! A whole service on a simulated tenant, with a clock moved by hand: our parts are real, only the
//! far end is played.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use estop::app::{Ground, Parts, Service};
use estop::catalog::Catalog;
use estop::clock::{Clock, Hand};
use estop::config::{Config, Overrides};
use estop::domain::action::RiskVerdict;
use estop::domain::containment::EntityState;
use estop::domain::entity::{Entity, ObjectId};
use estop::domain::id::{OrderId, RunId};
use estop::domain::moment::Moment;
use estop::domain::order::{Operator, Order, OrderKind, Scope};
use estop::domain::permission::Profile;
use estop::domain::plan::Plan;
use estop::domain::playbook::{Also, Mode, PlaybookName};
use estop::domain::role::ServiceRole;
use estop::domain::run::{Lane, Run, RunState, Standing};
use estop::domain::step::Step;
use estop::entra::{AccessToken, TokenSource};
use estop::graph::Budgets;
use estop::signature::{Secret, sign};
use estop::sim::{Aspect, Effect, Entra, INVOICE_BOT, Limits, Tenant};
use estop::store::{Asked, NewRun, RunFilter, Saw, Store, Taking, Terms};
use estop::transport::{Failure, Transport};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::cluster::Database;

/// When every world begins, in Unix seconds.
pub const NOW: i64 = 1_790_000_000;
/// Most steps of the clock before a world is called stuck.
const PATIENCE: usize = 4_000;
/// How far the clock is moved at a time.
const TICK: Duration = Duration::from_millis(100);
/// And once something takes long.
const LONG_TICK: Duration = Duration::from_millis(500);

/// How long a service may take to end.
const END_WITHIN: Duration = Duration::from_secs(20);

/// Requests that change nothing although they are no GET.
const READS_BY_POST: [&str; 3] = ["/token", "/getByIds", "/$batch"];

/// A service, its tenant, its sender and its clock.
pub struct World {
    pub service: Service,
    pub entra: Entra,
    pub clock: Clock,
    pub hand: Hand,
    pub door: Router,
    secret: Secret,
    pub folder: tempfile::TempDir,
    setting: Setting,
    /// Where it is not in a file: see `ESTOP_TEST_STORE`.
    database: Option<Database>,
    /// The stores of the other services on it.
    others: Mutex<Vec<Store>>,
}

/// A detection on its way, the same however often it is sent.
pub struct Message {
    id: String,
    body: String,
}

impl Message {
    /// The same under the key of another, as whoever hides a detection would send it.
    pub fn under_the_key_of(self, other: &Self) -> Self {
        let id = other.id.clone();
        Self { id, ..self }
    }
}

/// Workflows that wait to be called back.
#[derive(Clone, Default)]
pub struct Called(Arc<Mutex<Calls>>);

#[derive(Default)]
struct Calls {
    made: Vec<(String, serde_json::Value)>,
    answers: Vec<u16>,
}

/// Stands for an answer that never arrives.
pub const LOST: u16 = 0;

impl Called {
    /// Every call so far: address and body.
    pub fn so_far(&self) -> Vec<(String, serde_json::Value)> {
        self.0.lock().unwrap().made.clone()
    }

    /// What they answer next, in this order; `LOST` is heard, and its answer lost.
    pub fn will_answer(&self, statuses: &[u16]) {
        self.0.lock().unwrap().answers.extend(statuses);
    }

    /// From now on they take everything.
    pub fn recovers(&self) {
        self.0.lock().unwrap().answers.clear();
    }

    /// The way out: to these workflows, else to the tenant.
    fn before(&self, tenant: Transport) -> Transport {
        let called = self.clone();
        Transport::in_process(move |request| {
            let (called, tenant) = (called.clone(), tenant.clone());
            Box::pin(async move {
                let host = request.uri().host().unwrap_or_default();
                if !host.ends_with(".logic.azure.com") {
                    return tenant.send(request).await;
                }
                let body = serde_json::from_slice(request.body()).unwrap();
                let mut calls = called.0.lock().unwrap();
                calls.made.push((request.uri().to_string(), body));
                let status = match calls.answers.is_empty() {
                    true => 200,
                    false => calls.answers.remove(0),
                };
                if status == LOST {
                    return Err(Failure::Lost("reset".to_owned()));
                }
                Ok(http::Response::builder()
                    .status(status)
                    .body(Bytes::new())
                    .unwrap())
            })
        })
    }
}

/// How a world differs from the usual one.
#[derive(Clone)]
pub struct Setting {
    pub yaml: String,
    /// Playbook files; empty means the shipped ones in the modes they recommend.
    pub playbooks: Vec<(&'static str, String)>,
    pub limits: Limits,
    pub tenant: Tenant,
    /// Further sources, as they stand under `sources:`, indented by two.
    pub sources: String,
    /// What the source may ask for at most.
    pub may: &'static str,
    /// The kinds of entity the source may name.
    pub kinds: &'static str,
    /// How the source's bodies are read, and what else its configuration says, four spaces in.
    pub reader: String,
    /// What was posted to workflows that wait, and what they answer next; 200 where nothing is left.
    pub called: Called,
    /// The permission profile; the tenant grants what it always grants.
    pub profile: Profile,
    /// The way to where people are told; usually nobody is there.
    pub outward: Transport,
    /// Private files beside the configuration: name and text.
    pub keys: Vec<(&'static str, String)>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            yaml: "mode: enforce\nprotected: []\ncaps: { tenant: 100, source: 100 }\n".to_owned(),
            playbooks: Vec::new(),
            limits: Limits::off(),
            tenant: Tenant::contoso(),
            sources: String::new(),
            may: "enforce",
            kinds: "agent, agent_user, blueprint",
            reader: "estop".to_owned(),
            called: Called::default(),
            profile: Profile::Agents,
            outward: Transport::in_process(|_| {
                let nobody = Failure::NotSent("nobody is there".to_owned());
                Box::pin(std::future::ready(Err(nobody)))
            }),
            keys: Vec::new(),
        }
    }
}

impl Setting {
    fn catalog(&self) -> Catalog {
        if self.playbooks.is_empty() {
            return Catalog::shipped_as_recommended().unwrap();
        }
        let files = self.playbooks.iter();
        Catalog::of_texts(files.map(|(file, text)| (*file, text.as_str()))).unwrap()
    }
}

impl World {
    /// The usual world: Contoso, the shipped playbooks as they recommend, no throttling.
    pub async fn new() -> Self {
        Self::with(Setting::default()).await
    }

    pub async fn with(setting: Setting) -> Self {
        Self::stored(setting, Database::if_wanted()).await
    }

    /// One that several services can share; none where this machine has no PostgreSQL.
    pub async fn shared(setting: Setting) -> Option<Self> {
        Some(Self::stored(setting, Some(Database::fresh()?)).await)
    }

    /// One whose store is in a file, whatever others are stored in.
    pub async fn in_file(setting: Setting) -> Self {
        Self::stored(setting, None).await
    }

    /// One that is stored in this database; in a file where there is none.
    pub async fn stored(mut setting: Setting, database: Option<Database>) -> Self {
        let (clock, hand) = Clock::by_hand(Moment::from_millis(NOW * 1000));
        let entra = Entra::new(clock.clone(), setting.tenant.clone());
        entra.set_limits(setting.limits);
        let folder = folder();
        let secret = Secret::fresh(clock.random());
        write_private(&folder.path().join("lab.key"), &secret.reveal());
        if let Some(database) = &database {
            setting.yaml.push_str(&database.line());
        }
        let (service, door) = Box::pin(open(folder.path(), &entra, &clock, &setting)).await;
        Self {
            service,
            entra,
            clock,
            hand,
            door,
            secret,
            folder,
            setting,
            database,
            others: Mutex::default(),
        }
    }

    /// Another service on the same database and tenant, with its door.
    pub async fn another(&self) -> (Service, Router) {
        let opened = open(self.folder.path(), &self.entra, &self.clock, &self.setting).await;
        self.others.lock().unwrap().push(opened.0.store.clone());
        opened
    }

    /// A part of the service that decides nothing, on the same database and tenant, which reaches the
    /// tenant by this way out of it.
    pub async fn part(
        &self,
        role: ServiceRole,
        wrap: impl FnOnce(Transport) -> Transport,
    ) -> Service {
        let mut setting = self.setting.clone();
        setting.yaml.push_str(&format!("role: {role}\n"));
        let mut parts = parts(self.folder.path(), &self.entra, &self.clock, &setting);
        parts.transport = wrap(parts.transport);
        // As it is for a part that only shows them, or knows none.
        parts.catalog = Catalog::default();
        let part = Box::pin(Service::start(parts)).await.unwrap();
        self.others.lock().unwrap().push(part.store.clone());
        part
    }

    /// A file that lies beside the store's, or beside the configuration where the store has none.
    pub fn beside_the_store(&self, what: &str) -> PathBuf {
        let stem = if self.database.is_some() {
            "estop"
        } else {
            "estop.db"
        };
        self.folder.path().join(format!("{stem}.{what}"))
    }

    /// Where it is stored, as a command is told.
    pub fn store(&self) -> String {
        let file = || format!("sqlite:{}", self.folder.path().join("estop.db").display());
        self.database.as_ref().map_or_else(file, Database::address)
    }

    /// The database that the services share.
    pub fn database(&self) -> &Database {
        self.database.as_ref().unwrap()
    }

    /// Is it stored where several services may share it?
    pub fn is_shared(&self) -> bool {
        self.database.is_some()
    }

    /// Why a service on this database does not start.
    pub async fn refused(&self) -> String {
        let parts = parts(self.folder.path(), &self.entra, &self.clock, &self.setting);
        match Service::start(parts).await {
            Ok(_) => panic!("it started"),
            Err(error) => error.to_string(),
        }
    }

    /// The usual detection about an agent, through this door.
    pub async fn detect_through(&self, door: &Router, id: impl ToString) -> StatusCode {
        self.send_through(door, &self.message(id)).await
    }

    /// The usual detection about an agent, as a sender keeps it until somebody takes it.
    pub fn message(&self, id: impl ToString) -> Message {
        self.message_of("threatIntelligenceAccount", id)
    }

    /// The same of another type.
    pub fn message_of(&self, detection_type: &str, id: impl ToString) -> Message {
        let detection = serde_json::json!({
            "type": detection_type, "severity": "high",
            "detection_id": self.clock.uuid().to_string(),
            "detected_at": self.clock.now().to_string(),
            "entities": [{ "kind": "agent", "id": id.to_string() }],
        });
        Message {
            id: format!("msg_{}", self.clock.uuid().simple()),
            body: detection.to_string(),
        }
    }

    /// One attempt of a sender: the same id and body, a fresh signature.
    pub async fn send_through(&self, door: &Router, message: &Message) -> StatusCode {
        let request = self.signed_as(&message.id, &message.body);
        door.clone().oneshot(request).await.unwrap().status()
    }

    /// Tells the service to end, moves the clock on until it has, and answers how many leases it leaves.
    pub async fn end(self) -> i64 {
        let stores = [self.service.store.clone()];
        let mut ending = std::pin::pin!(self.service.stop(END_WITHIN));
        loop {
            tokio::select! {
                () = &mut ending => return stores[0].leases_held().await.unwrap(),
                () = calm(&stores, &self.entra) => self.hand.advance(TICK),
            }
        }
    }

    /// Kills the service where it stands, as a power cut would, and starts another on the same
    /// folder and tenant.
    pub async fn restart(self) -> Self {
        Box::pin(self.restart_as(|_| {})).await
    }

    /// The same, with another configuration.
    pub async fn restart_as(self, change: impl FnOnce(&mut Setting)) -> Self {
        let Self {
            service,
            entra,
            clock,
            hand,
            door,
            secret,
            folder,
            mut setting,
            database,
            others: _,
        } = self;
        drop((service, door));
        // Aborted loops are dropped when the runtime next comes by.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        change(&mut setting);
        if let Some(database) = &database
            && !setting.yaml.contains("store: ")
        {
            setting.yaml.push_str(&database.line());
        }
        let (service, door) = Box::pin(open(folder.path(), &entra, &clock, &setting)).await;
        Self {
            service,
            entra,
            clock,
            hand,
            door,
            secret,
            folder,
            setting,
            database,
            others: Mutex::default(),
        }
    }

    /// Ends the service and starts it with a configuration it must refuse; answers why.
    pub async fn refused_as(mut self, change: impl FnOnce(&mut Setting)) -> String {
        drop((self.service, self.door));
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        change(&mut self.setting);
        let parts = parts(self.folder.path(), &self.entra, &self.clock, &self.setting);
        match Service::start(parts).await {
            Ok(_) => panic!("it started"),
            Err(error) => error.to_string(),
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

    /// Posts the usual detection about an agent.
    pub async fn detect_agent(&self, id: impl ToString) -> String {
        self.detect("threatIntelligenceAccount", "agent", id).await
    }

    /// Posts a body to the source `lab`.
    pub async fn post(&self, body: &str) -> (StatusCode, serde_json::Value) {
        let reply = self.send(self.signed(body)).await;
        (reply.0, reply.2)
    }

    /// Posts a body, and answers where its status is to be asked for.
    pub async fn post_for_location(&self, body: &str) -> String {
        let (_, headers, _) = self.send(self.signed(body)).await;
        let location = headers["location"].to_str().unwrap();
        location.replace("https://estop.example", "")
    }

    /// What the door answers at this path.
    pub async fn get(&self, path: &str) -> serde_json::Value {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.send(request).await.2
    }

    /// Posts a body whose sender waits to be called back at this address.
    pub async fn post_waiting(&self, body: &str, address: &str) -> (StatusCode, HeaderMap) {
        let mut request = self.signed(body);
        let headers = request.headers_mut();
        headers.insert("estop-callback", address.parse().unwrap());
        let reply = self.send(request).await;
        (reply.0, reply.1)
    }

    /// What became of the answers to those who wait.
    pub fn called(&self) -> &Called {
        &self.setting.called
    }

    fn signed(&self, body: &str) -> Request<Body> {
        self.signed_as(&format!("msg_{}", self.clock.uuid().simple()), body)
    }

    fn signed_as(&self, id: &str, body: &str) -> Request<Body> {
        let at = self.clock.now().as_seconds();
        Request::post("/v1/ingest/lab")
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at.to_string())
            .header(
                "webhook-signature",
                sign(&self.secret, id, at, body.as_bytes()),
            )
            .body(Body::from(body.to_owned()))
            .unwrap()
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, serde_json::Value) {
        let reply = self.door.clone().oneshot(request).await.unwrap();
        let (parts, body) = reply.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        (parts.status, parts.headers, body)
    }

    /// Moves the clock on until nothing is left to do: no unread delivery, no run at work.
    pub async fn settle(&self) {
        let settled = self.until(|| self.is_settled()).await;
        assert!(
            settled,
            "the world does not settle: {:?}",
            self.runs().await
        );
    }

    /// Moves the clock on until it is so; false when it does not become so in time.
    pub async fn until<F: Future<Output = bool>>(&self, so: impl Fn() -> F) -> bool {
        for n in 0..PATIENCE {
            self.breathe().await;
            if so().await {
                return true;
            }
            self.hand.advance(if n < 100 { TICK } else { LONG_TICK });
        }
        false
    }

    /// Moves the clock on until the tenant holds so many requests back.
    pub async fn until_held(&self, count: usize) {
        let held = self.until(|| async { self.entra.held() >= count }).await;
        assert!(held, "nothing is held: {:?}", self.runs().await);
    }

    /// Moves the clock on by `span`, letting everyone work in between. Long spans go in steps too
    /// short for a lease to run out.
    pub async fn pass(&self, span: Duration) {
        let tick = match span.as_secs() {
            0..=20 => TICK,
            21..3_600 => Duration::from_secs(2),
            _ => Duration::from_secs(10),
        };
        self.pass_in(span, tick).await;
    }

    /// The same, in steps of this length.
    pub async fn pass_in(&self, span: Duration, tick: Duration) {
        for _ in 0..span.as_millis().div_ceil(tick.as_millis()) {
            self.hand.advance(tick);
            self.breathe().await;
        }
    }

    /// The machine was suspended for so long, and wakes.
    pub async fn leap(&self, span: Duration) {
        // Whatever was asked for before is begun before.
        self.breathe().await;
        self.hand.advance(span);
        self.pass(Duration::from_secs(60)).await;
    }

    /// Lets every loop do what it can at this moment of the clock.
    pub async fn breathe(&self) {
        let mut stores = self.others.lock().unwrap().clone();
        stores.push(self.service.store.clone());
        calm(&stores, &self.entra).await;
    }

    async fn is_settled(&self) -> bool {
        let at_work = |run: &Run| run.state.standing() == Standing::AtWork;
        self.has_read_all().await && !self.runs().await.iter().any(at_work)
    }

    /// Is no delivery unread?
    pub async fn has_read_all(&self) -> bool {
        let later = self.clock.now().plus(Duration::from_secs(1));
        let unread = self
            .service
            .store
            .unread((later, Duration::ZERO), 1)
            .await
            .unwrap();
        unread.is_empty()
    }

    /// Every run, oldest first.
    pub async fn runs(&self) -> Vec<Run> {
        let filter = RunFilter {
            limit: 500,
            ..RunFilter::default()
        };
        let mut runs = self.service.store.runs(filter).await.unwrap();
        runs.sort_by_key(|run| (run.received_at, run.id.uuid()));
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

    /// Everyone we hold.
    pub async fn all_held(&self) -> Vec<ObjectId> {
        self.service.store.all_held().await.unwrap()
    }

    /// The record chain, walked from its beginning.
    pub async fn chain_holds(&self) {
        let mut chain = estop::domain::record::Chain::default();
        for line in self.service.store.sealed_lines(0, 100_000).await.unwrap() {
            chain.follow(&line).unwrap();
        }
        let store = &self.service.store;
        for run in store.runs_after(None, 1_000).await.unwrap() {
            let differs = store.differs(run).await.unwrap();
            assert_eq!(differs, None, "the rows of {run} against its records");
        }
    }

    /// Takes a person's word, and wakes the workers as the command layer does.
    pub async fn order(&self, kind: OrderKind) -> Result<Taking, estop::store::Error> {
        self.ask(kind, None).await
    }

    /// Undoes a run; the entity's risk is dismissed.
    pub async fn undo(&self, run: RunId) {
        let risk = Some(RiskVerdict::Dismiss);
        self.order(OrderKind::Undo { run, risk }).await.unwrap();
    }

    /// A person contains an entity, with its users where it is an agent.
    pub async fn contain(&self, entity: Entity) -> RunId {
        let plan = Plan::by_hand(entity, &[Also::AgentUsers]);
        self.contain_by(plan).await
    }

    /// A person's order with this plan.
    pub async fn contain_by(&self, plan: Plan) -> RunId {
        self.carry_out(plan, Terms::default()).await
    }

    /// A person's order with this plan, bound by these terms.
    pub async fn carry_out(&self, plan: Plan, terms: Terms) -> RunId {
        let kind = OrderKind::Contain {
            plan_digest: plan.digest(),
        };
        let new = NewRun {
            id: RunId::from_uuid(self.clock.uuid()),
            playbook: PlaybookName::by_hand(),
            mode: Mode::Enforce,
            plan,
            terms,
            asks: None,
        };
        self.ask(kind, Some(new)).await.unwrap().run.unwrap()
    }

    async fn ask(
        &self,
        kind: OrderKind,
        makes: Option<NewRun>,
    ) -> Result<Taking, estop::store::Error> {
        let order = Order {
            id: OrderId::from_uuid(self.clock.uuid()),
            at: self.clock.now(),
            operator: Operator {
                name: "token:test".to_owned(),
                scope: Scope::Respond,
                person: None,
            },
            kind,
            reason: "a test asks for it".to_owned(),
        };
        let asked = Asked {
            order,
            makes,
            idempotency_key: None,
            saw: Saw::default(),
        };
        let taking = self.service.store.take_order(asked).await?;
        if let Some(run) = taking.run {
            (self.service.wake_workers)(run, Lane::Contain);
        }
        Ok(taking)
    }

    /// Every change we made to an entity's `accountEnabled`, as what it became.
    pub fn switched(&self, id: ObjectId) -> Vec<bool> {
        self.effects_of(id, Aspect::AccountEnabled)
            .iter()
            .filter(|effect| effect.by.starts_with("app "))
            .map(|effect| effect.to["accountEnabled"].as_bool().unwrap())
            .collect()
    }

    /// Every change of this kind to an entity, whoever made it.
    pub fn effects_of(&self, id: ObjectId, aspect: Aspect) -> Vec<Effect> {
        let mut effects = self.entra.effects();
        effects.retain(|effect| effect.entity == id.uuid() && effect.aspect == aspect);
        effects
    }

    /// Every request so far that could have changed the tenant, as `METHOD path`.
    pub fn writes(&self) -> Vec<String> {
        let journal = self.entra.journal();
        let writes = journal.iter().filter(|one| one.method != "GET");
        writes
            .filter(|one| !READS_BY_POST.iter().any(|read| one.path.contains(read)))
            .map(|one| format!("{} {}", one.method, one.path))
            .collect()
    }

    /// What people were told or are about to be, by the words they read.
    pub async fn told(&self) -> Vec<String> {
        let lines = self.service.store.every_notice().await.unwrap();
        lines.into_iter().map(|notice| notice.text).collect()
    }

    /// Nothing is left over: everything was read, nobody works, no lease is held, everyone was
    /// told, the chain holds.
    pub async fn nothing_left_over(&self) {
        // The house of a service that was killed is free once its time is over.
        let alone = self.database.is_none();
        let span = Duration::from_secs(if alone { 3 } else { 20 });
        self.pass_in(span, LONG_TICK).await;
        assert!(self.is_settled().await, "{:?}", self.runs().await);
        let store = &self.service.store;
        // The proof of an unknown run may be under way.
        let free = || async { store.leases_held().await.unwrap() == 0 };
        assert!(self.until(free).await, "leases are held");
        assert_eq!(store.untold().await.unwrap(), [], "someone was not told");
        for run in self.runs().await {
            for entity in self.steps(run.id).await.iter().flat_map(Step::closes) {
                let held = store.containment(entity).await.unwrap().unwrap();
                let done = !matches!(run.state, RunState::Stuck | RunState::Stopped);
                let midway = matches!(held.state, EntityState::Closing | EntityState::Releasing);
                assert!(!(done && midway), "{run:?} left {held:?}");
            }
        }
        self.chain_holds().await;
    }
}

/// Until for two rounds nobody asked these stores or the tenant for anything.
async fn calm(stores: &[Store], entra: &Entra) {
    let asked = || {
        (
            stores.iter().map(Store::asked).sum::<u64>(),
            entra.journal_len(),
        )
    };
    let mut rounds = 0;
    while rounds < 2 {
        let before = asked();
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        // Stores answer from threads of their own, and from a server.
        for store in stores {
            let _ = store.quiet().await;
        }
        rounds = if asked() == before { rounds + 1 } else { 0 };
    }
}

/// The agent most tests are about.
pub fn invoice_bot() -> ObjectId {
    ObjectId::from_uuid(INVOICE_BOT)
}

async fn open(folder: &Path, entra: &Entra, clock: &Clock, setting: &Setting) -> (Service, Router) {
    let parts = parts(folder, entra, clock, setting);
    // A start is a large future, and a test may hold several: on the heap, not on its stack.
    let service = Box::pin(Service::start(parts)).await.unwrap();
    let public = "https://estop.example".parse().unwrap();
    let door = service.ingress(public).unwrap();
    (service, door)
}

fn parts(folder: &Path, entra: &Entra, clock: &Clock, setting: &Setting) -> Parts {
    let mut yaml = setting.yaml.clone();
    if !yaml.contains("inventory:") {
        // Whoever is not about the inventory counts the requests it meant.
        yaml.push_str("inventory: { every: 0s }\n");
    }
    if !yaml.contains("drift:") {
        yaml.push_str("drift: { every: 0s }\n");
    }
    if !yaml.contains("evidence:") {
        yaml.push_str("evidence: { within: 0s }\n");
    }
    let (tenant, may, reader) = (entra.tenant().id, setting.may, &setting.reader);
    let (profile, more) = (setting.profile, &setting.sources);
    let kinds = setting.kinds;
    let text = format!(
        "{yaml}tenant: {{ id: {tenant}, credential: managed_identity, profile: {profile} }}\n\
         sources:\n  lab:\n    reader: {reader}\n    \
         verify: {{ standard_webhooks: {{ secret_files: [lab.key] }} }}\n    \
         may: {{ entities: [{kinds}], mode: {may} }}\n{more}"
    );
    for (name, text) in &setting.keys {
        write_private(&folder.join(name), text);
    }
    let path = folder.join("estop.yaml");
    std::fs::write(&path, text).unwrap();
    let config = Config::read(&path, &Overrides::default()).unwrap();
    Parts {
        config,
        clock: clock.clone(),
        transport: setting.called.before(entra.transport()),
        outward: setting.outward.clone(),
        tokens: Some(tokens(entra, clock, "https://graph.microsoft.com")),
        foundry_tokens: Some(tokens(entra, clock, "https://ai.azure.com")),
        azure_tokens: Some(tokens(entra, clock, "https://management.azure.com")),
        table_tokens: Some(tokens(entra, clock, "https://monitor.azure.com")),
        budgets: Budgets::default(),
        catalog: setting.catalog(),
        ground: Ground::default(),
    }
}

/// In memory where there is such a place: a crash of the machine is not what these tests are about.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = memory.is_dir().then(|| tempfile::tempdir_in(memory).ok());
    made.flatten()
        .unwrap_or_else(|| tempfile::tempdir().unwrap())
}

/// Tokens as the simulated tenant gives them to us.
fn tokens(entra: &Entra, clock: &Clock, resource: &'static str) -> TokenSource {
    let (entra, now) = (entra.clone(), clock.clone());
    TokenSource::fetching(clock.clone(), move |_| {
        let (entra, now) = (entra.clone(), now.clone());
        Box::pin(async move {
            let text = entra.access_token_for(resource).unwrap_or_default();
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
