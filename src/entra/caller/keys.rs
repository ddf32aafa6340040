//! The tenant's signing keys, held in memory and asked for seldom.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use jsonwebtoken::DecodingKey;
use tokio::sync::Mutex;
use url::Url;

use super::jwks::{Keys, keys_in};
use crate::clock::Clock;
use crate::domain::entity::TenantId;
use crate::transport::Transport;

/// Longest wait for the key endpoint.
const FETCH_LIMIT: Duration = Duration::from_secs(10);
/// How old held keys may be and still be believed.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);
/// How often keys are asked for although nobody misses one.
const EVERY: Duration = Duration::from_secs(3600);
/// Shortest time between two askings because of a key nobody knows: a stranger can name any.
const SELDOM: Duration = Duration::from_secs(300);
/// First pause after an asking that failed; it doubles up to [`SELDOM`].
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// The signing keys of one tenant. Cheap to clone; every clone holds the same keys.
#[derive(Clone)]
pub struct SigningKeys(Arc<Inner>);

struct Inner {
    clock: Clock,
    transport: Transport,
    tenant: TenantId,
    address: String,
    held: ArcSwapOption<Held>,
    // Only one asks; who waited looks at what it brought.
    tries: Mutex<Tries>,
}

struct Held {
    keys: Keys,
    since: Duration,
}

#[derive(Default)]
struct Tries {
    last: Option<Duration>,
    failures: u32,
    failed: Option<String>,
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKeys({})", self.0.address)
    }
}

impl SigningKeys {
    /// The keys of a tenant, from the authority at `login`. Nothing is asked for yet.
    pub fn new(login: &Url, tenant: TenantId, transport: Transport, clock: Clock) -> Self {
        let login = login.as_str().trim_end_matches('/');
        Self(Arc::new(Inner {
            address: format!("{login}/{tenant}/discovery/v2.0/keys"),
            clock,
            transport,
            tenant,
            held: ArcSwapOption::empty(),
            tries: Mutex::default(),
        }))
    }

    /// Whose keys they are.
    pub(super) fn tenant(&self) -> TenantId {
        self.0.tenant
    }

    /// The key of this name: at once where it is held, else after one asking that all who miss it
    /// share. `None` when the tenant has no such key; an error when we cannot tell.
    pub(super) async fn find(&self, name: &str) -> Result<Option<Arc<DecodingKey>>, String> {
        match self.held(name) {
            Some(key) => Ok(Some(key)),
            None => self.ask_for(name).await,
        }
    }

    /// Asks for the keys now and then, for ever, so that nobody waits for them: the roof spawns it
    /// and drops it.
    pub async fn refresh_loop(self) {
        loop {
            let failures = {
                let mut tries = self.0.tries.lock().await;
                self.fetch(&mut tries).await;
                tries.failures
            };
            let pause = match failures {
                0 => EVERY + self.0.clock.jitter(EVERY / 10),
                some => pause_after(some),
            };
            self.0.clock.sleep(pause).await;
        }
    }

    fn held(&self, name: &str) -> Option<Arc<DecodingKey>> {
        self.fresh()?.keys.get(name).cloned()
    }

    fn fresh(&self) -> Option<Arc<Held>> {
        let held = self.0.held.load_full()?;
        let age = self.0.clock.elapsed().saturating_sub(held.since);
        (age < KEPT_FOR).then_some(held)
    }

    async fn ask_for(&self, name: &str) -> Result<Option<Arc<DecodingKey>>, String> {
        let mut tries = self.0.tries.lock().await;
        if let Some(key) = self.held(name) {
            return Ok(Some(key));
        }
        let pause = match tries.failures {
            0 => SELDOM,
            some => pause_after(some),
        };
        let now = self.0.clock.elapsed();
        if tries
            .last
            .is_none_or(|last| now.saturating_sub(last) >= pause)
        {
            self.fetch(&mut tries).await;
        }
        match (self.fresh(), &tries.failed) {
            (Some(held), None) => Ok(held.keys.get(name).cloned()),
            // It may be new, and we have not seen the newest list.
            (_, Some(why)) => Err(why.clone()),
            (None, None) => Err("the signing keys are a day old".to_owned()),
        }
    }

    /// Asks once. What is no list of keys changes nothing that is held (threat J05).
    async fn fetch(&self, tries: &mut Tries) {
        tries.last = Some(self.0.clock.elapsed());
        match self.fetched().await {
            Ok(keys) => {
                let since = self.0.clock.elapsed();
                self.0.held.store(Some(Arc::new(Held { keys, since })));
                (tries.failures, tries.failed) = (0, None);
            }
            Err(why) => {
                tracing::warn!(why, "the tenant's signing keys could not be read");
                tries.failures = tries.failures.saturating_add(1);
                tries.failed = Some(why);
            }
        }
    }

    async fn fetched(&self) -> Result<Keys, String> {
        let request = http::Request::get(&self.0.address)
            .header(http::header::ACCEPT, "application/json")
            .body(Bytes::new())
            .map_err(|error| error.to_string())?;
        let sent = self.0.transport.send(request);
        let answer = self.0.clock.within(FETCH_LIMIT, sent).await;
        let answer = answer
            .map_err(|_| "the key endpoint took too long".to_owned())?
            .map_err(|failure| failure.to_string())?;
        if answer.status() != http::StatusCode::OK {
            return Err(format!("the key endpoint answered {}", answer.status()));
        }
        keys_in(answer.body(), self.0.tenant).map_err(str::to_owned)
    }
}

fn pause_after(failures: u32) -> Duration {
    let doubled = 1_u32 << failures.saturating_sub(1).min(8);
    AFTER_FAILURE.saturating_mul(doubled).min(SELDOM)
}
