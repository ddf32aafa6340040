//! The far end: a simulated tenant on loopback that notes when each disable arrives.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::middleware::{self, Next};
use estop::clock::Clock;
use estop::listener;
use estop::sim::{Entra, Fault, Limits, Tenant};
use uuid::Uuid;

/// Connections it bears, all from one address: more than a service has calls under way. One that was
/// closed would be tried again, and what it costs be measured as ours.
const CONNECTIONS: usize = 4_096;

/// When the first disable of each agent arrived.
pub type Arrivals = Arc<Mutex<HashMap<Uuid, Instant>>>;

/// A tenant that answers at once and throttles nobody.
pub struct Far {
    /// Its address.
    pub url: String,
    /// Its id.
    pub tenant: Uuid,
    /// What the managed-identity endpoint wants to hear.
    pub identity_header: String,
    /// An access token for Graph, for the floor.
    pub access_token: String,
    /// Its agents.
    pub agents: Vec<Uuid>,
    /// When the first disable of each arrived.
    pub disabled: Arrivals,
    /// How often the service lists it: `0s` is never, so that every strike looks first.
    pub listed_every: &'static str,
    calls: Arc<Calls>,
    entra: Entra,
}

/// Calls that are being answered.
#[derive(Default)]
struct Calls {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Far {
    /// Opens a tenant with so many agents, for as long as the bench lives.
    pub async fn open(agents: usize) -> Self {
        Self::answering(agents, Duration::ZERO, "0s").await
    }

    /// A tenant as far away as Graph is, whose agents the service knows from its inventory.
    pub async fn known(agents: usize, latency: Duration) -> Self {
        Self::answering(agents, latency, "5m").await
    }

    /// A tenant as far away, that the service does not list.
    pub async fn slow(agents: usize, latency: Duration) -> Self {
        Self::answering(agents, latency, "0s").await
    }

    /// The most calls that were being answered at a time.
    pub fn most_calls(&self) -> usize {
        self.calls.most.load(Ordering::Relaxed)
    }

    /// A tenant that answers at once, but for everything about its last `slow` agents, which takes
    /// so long.
    pub async fn sluggish(quick: usize, (slow, latency): (usize, Duration)) -> Self {
        let sluggish = (quick..quick + slow, latency);
        Self::made(quick + slow, (Duration::ZERO, sluggish), "0s").await
    }

    /// Makes something go wrong at the requests it names.
    pub fn push_fault(&self, fault: Fault) {
        self.entra.push_fault(fault);
    }

    async fn answering(agents: usize, latency: Duration, listed_every: &'static str) -> Self {
        Self::made(agents, (latency, (0..0, latency)), listed_every).await
    }

    async fn made(
        agents: usize,
        (latency, (slow, slowness)): (Duration, (Range<usize>, Duration)),
        listed_every: &'static str,
    ) -> Self {
        let clock = Clock::system();
        let mut tenant = Tenant::contoso();
        let blueprint = tenant.add_blueprint("Bench-Agents");
        let agents: Vec<_> = (0..agents)
            .map(|number| tenant.add_agent(&format!("bench-{number}"), blueprint))
            .collect();
        let (id, header) = (tenant.id, tenant.client.identity_header.clone());
        let entra = Entra::new(clock.clone(), tenant);
        entra.set_limits(Limits::off());
        entra.set_latency(latency);
        let disabled = Arrivals::default();
        let noted = Arc::clone(&disabled);
        let calls = Arc::new(Calls::default());
        let counted = Arc::clone(&calls);
        let slow: Arc<HashSet<Uuid>> = Arc::new(agents[slow].iter().copied().collect());
        let router = entra
            .router()
            .layer(middleware::from_fn(move |request: Request, next| {
                let is_slow = named(&request).is_some_and(|agent| slow.contains(&agent));
                let noting = note((Arc::clone(&noted), Arc::clone(&counted)), request, next);
                async move {
                    if is_slow {
                        tokio::time::sleep(slowness).await;
                    }
                    noting.await
                }
            }));
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        let forever = tokio_util::sync::CancellationToken::new();
        let limits = listener::Limits {
            connections: CONNECTIONS,
            connections_per_address: CONNECTIONS,
            ..listener::Limits::default()
        };
        tokio::spawn(listener::serve(socket, router, limits, clock, forever));
        Self {
            url,
            tenant: id,
            identity_header: header,
            access_token: entra.access_token().unwrap(),
            agents,
            disabled,
            listed_every,
            calls,
            entra,
        }
    }
}

async fn note(
    (noted, calls): (Arrivals, Arc<Calls>),
    request: Request,
    next: Next,
) -> axum::response::Response {
    let at = Instant::now();
    let now = calls.now.fetch_add(1, Ordering::Relaxed) + 1;
    calls.most.fetch_max(now, Ordering::Relaxed);
    if request.method() == http::Method::PATCH
        && let Some(agent) = named(&request)
    {
        noted.lock().unwrap().entry(agent).or_insert(at);
    }
    let answer = next.run(request).await;
    calls.now.fetch_sub(1, Ordering::Relaxed);
    answer
}

/// Whom a request is about.
fn named(request: &Request) -> Option<Uuid> {
    let path = request.uri().path();
    path.split('/').find_map(|it| it.parse().ok())
}
