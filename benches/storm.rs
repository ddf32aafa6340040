//! A thousand agents at once against the limits Microsoft publishes, in this process and on a clock
//! moved by hand: how far the last disable is from the ideal schedule.
//!
//! Most of the write window is used up by earlier writes of our own, so that there is a schedule to
//! keep: some go at once, the others the moment the window rolls.

use std::time::Duration;

use axum::body::Body;
use estop::app::{Parts, Playbooks, Service};
use estop::clock::{Clock, Hand};
use estop::config::{Config, Overrides};
use estop::domain::entity::ObjectId;
use estop::domain::moment::Moment;
use estop::entra::{AccessToken, TokenSource};
use estop::graph::{Ask, Enabled, Priority};
use estop::signature::{Secret, sign};
use estop::sim::{Arrival, Entra, Family, Tenant};
use futures_util::future::join_all;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::stage::service::write;
use crate::stage::{Line, report};

/// As many reads as the store has connections for wait for every other.
const READERS: u64 = 4;
/// Agents of the storm.
const AGENTS: usize = 1_000;
/// Writes of our own before it, and how long before.
const EARLIER: (usize, Duration) = (2_000, Duration::from_secs(20));
/// The window writes count in.
const WINDOW: Duration = Duration::from_secs(150);
/// How far the clock is moved at a time.
const TICK: Duration = Duration::from_millis(100);
/// Longest the storm may take on that clock.
const LONGEST: Duration = Duration::from_secs(600);
/// Another product of the tenant takes the slow lane's second once in so many ticks.
const OTHERS_EVERY: usize = 40;

const PLAYBOOK: &str = "playbook: storm\nsummary: Stop it.\nowner: bench\n\
    trigger:\n  detection: [threatIntelligenceAccount]\nentity: agent\nmode: enforce\n\
    steps:\n  - disable_agent\n  - confirm_compromised: { optional: true }\nnotify: []\n";

/// A service and its tenant in this process.
struct Stage {
    service: Service,
    door: axum::Router,
    entra: Entra,
    clock: Clock,
    hand: Hand,
    secret: Secret,
    agents: Vec<Uuid>,
    _folder: tempfile::TempDir,
}

/// Measures and reports.
pub async fn bench() {
    let stage = Stage::open().await;
    stage.earlier_writes().await;
    let (began, asked) = (stage.clock.now(), stage.entra.journal_len());
    for agent in &stage.agents {
        stage.detect(*agent).await;
    }
    stage.blow_over().await;
    let calls = stage.entra.journal().split_off(asked);
    report(
        "storm: 1,000 agents, published limits",
        &lines(&stage, &calls, began),
    );
}

fn lines(stage: &Stage, calls: &[Arrival], began: Moment) -> Vec<Line> {
    let switched = stage.entra.effects();
    let times = |agent: &Uuid| {
        switched
            .iter()
            .filter(|it| it.entity == *agent && by_us(it))
            .count()
    };
    let lost = stage
        .agents
        .iter()
        .filter(|agent| times(agent) == 0)
        .count();
    let twice = stage.agents.iter().filter(|agent| times(agent) > 1).count();
    let disables = calls.iter().filter(|one| one.method == "PATCH");
    let took = disables
        .map(|one| one.at.since(began))
        .max()
        .unwrap_or(LONGEST);
    let ideal = WINDOW - EARLIER.1;
    let ratio = took.as_secs_f64() / ideal.as_secs_f64();
    let throttled = calls.iter().filter(|one| one.status == Some(429)).count();
    let share = throttled as f64 / calls.len().max(1) as f64;
    let confirms = calls
        .iter()
        .filter(|one| one.path.ends_with("confirmCompromised"));
    let confirms = confirms.filter(|one| one.status == Some(204)).count();
    vec![
        Line::new("all disables sent", format!("{:.1} s", took.as_secs_f64()))
            .against(
                format!("{:.1} s", ideal.as_secs_f64()),
                format!("{ratio:.3} x"),
            )
            .gate("1.05 x", ratio <= 1.05),
        Line::new("never disabled, disabled twice", format!("{lost}, {twice}"))
            .gate("0, 0", lost + twice == 0),
        Line::new("calls throttled", format!("{throttled} of {}", calls.len()))
            .gate("5 %", share < 0.05),
        Line::new("confirming calls for all", confirms.to_string()).gate("25", confirms <= 25),
    ]
}

fn by_us(effect: &estop::sim::Effect) -> bool {
    effect.aspect == estop::sim::Aspect::AccountEnabled && effect.by.starts_with("app ")
}

impl Stage {
    async fn open() -> Self {
        let (clock, hand) = Clock::by_hand(Moment::from_millis(1_790_000_000_000));
        let mut tenant = Tenant::contoso();
        let blueprint = tenant.add_blueprint("Storm");
        let agents = (0..AGENTS)
            .map(|number| tenant.add_agent(&format!("storm-{number}"), blueprint))
            .collect();
        let entra = Entra::new(clock.clone(), tenant);
        let secret = Secret::fresh(*b"a bench has no secret to protect");
        let folder = crate::stage::machine::folder();
        let config = configured(folder.path(), &entra, &secret);
        let mut parts = Parts::real(config, Playbooks::AsWritten).unwrap();
        parts.tokens = Some(tokens(&entra, &clock));
        parts.transport = entra.transport();
        parts.clock = clock.clone();
        let service = Service::start(parts).await.unwrap();
        let door = service
            .ingress("https://estop.example".parse().unwrap())
            .unwrap();
        Self {
            service,
            door,
            entra,
            clock,
            hand,
            secret,
            agents,
            _folder: folder,
        }
    }

    async fn earlier_writes(&self) {
        let bystander = Tenant::contoso().agents.into_keys().next().unwrap();
        let bystander = ObjectId::from_uuid(bystander);
        for _ in 0..EARLIER.0 {
            let ask = Ask {
                priority: Priority::Undo,
                correlation: Uuid::nil(),
            };
            let write =
                self.service
                    .graph()
                    .unwrap()
                    .set_agent_enabled(ask, bystander, Enabled::Yes);
            write.await.unwrap();
        }
        self.hand.advance(EARLIER.1);
        self.calm().await;
    }

    async fn detect(&self, agent: Uuid) {
        let body = serde_json::json!({
            "type": "threatIntelligenceAccount", "severity": "high",
            "detection_id": self.clock.uuid().to_string(),
            "detected_at": self.clock.now().to_string(),
            "entities": [{ "kind": "agent", "id": agent.to_string() }],
        })
        .to_string();
        let (id, at) = (
            format!("msg_{}", self.clock.uuid().simple()),
            self.clock.now().as_seconds(),
        );
        let signature = sign(&self.secret, &id, at, body.as_bytes());
        let request = http::Request::post("/v1/ingest/bench")
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at.to_string())
            .header("webhook-signature", signature)
            .body(Body::from(body))
            .unwrap();
        let reply = self.door.clone().oneshot(request).await.unwrap();
        assert_eq!(reply.status(), http::StatusCode::ACCEPTED);
    }

    /// Moves the clock on until every agent is disabled and known to be risky.
    async fn blow_over(&self) {
        let ticks = usize::try_from(LONGEST.as_millis() / TICK.as_millis()).unwrap();
        for tick in 0..ticks {
            self.calm().await;
            if tick % OTHERS_EVERY == 0 {
                self.entra.spend(Family::IdentityProtection, 1);
                let high = |agent: &&Uuid| self.entra.risk(**agent).level == "high";
                let closed = |agent: &&Uuid| {
                    self.entra
                        .agent(**agent)
                        .is_some_and(|it| !it.account_enabled)
                };
                let over = self.agents.iter().filter(high).filter(closed).count();
                if over == AGENTS {
                    return;
                }
            }
            self.hand.advance(TICK);
        }
    }

    /// Lets everyone do what can be done at this moment of the clock.
    async fn calm(&self) {
        let store = &self.service.store;
        let mut calm = 0;
        while calm < 3 {
            let before = (store.asked(), self.entra.journal_len());
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            // Answers come from the store's own threads: our questions wait behind the others.
            let _ = store
                .keep_leases(Vec::new(), (self.clock.now(), Duration::ZERO))
                .await;
            join_all((0..READERS).map(|_| store.standing())).await;
            let after = (store.asked(), self.entra.journal_len());
            let still = after == (before.0 + 1 + READERS, before.1);
            calm = if still { calm + 1 } else { 0 };
        }
    }
}

fn configured(folder: &std::path::Path, entra: &Entra, secret: &Secret) -> Config {
    std::fs::create_dir(folder.join("playbooks")).unwrap();
    write(folder, "playbooks/storm.yaml", PLAYBOOK);
    write(folder, "bench.key", &secret.reveal());
    let yaml = format!(
        "store: sqlite:estop.db\nmode: enforce\nprotected: []\nplaybooks: playbooks\n\
         caps: {{ tenant: 10000, source: 10000, fleet_percent: 100 }}\n\
         inventory: {{ every: 0s }}\n\
         tenant: {{ id: {}, credential: managed_identity }}\n\
         sources:\n  bench:\n    reader: estop\n    \
         verify: {{ standard_webhooks: {{ secret_files: [bench.key] }} }}\n",
        entra.tenant().id
    );
    write(folder, "estop.yaml", &yaml);
    Config::read(&folder.join("estop.yaml"), &Overrides::default()).unwrap()
}

fn tokens(entra: &Entra, clock: &Clock) -> TokenSource {
    let (entra, now) = (entra.clone(), clock.clone());
    TokenSource::fetching(clock.clone(), move |_| {
        let text = entra.access_token().unwrap_or_default();
        let token = AccessToken::new(&text.into(), now.now().plus(Duration::from_secs(3_600)));
        Box::pin(std::future::ready(token))
    })
}
