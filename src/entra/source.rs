//! One held token, and who refreshes it.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::future::BoxFuture;

use super::credential::{Credential, Proof};
use super::{AccessToken, Authority, CertificateFiles, Claims, Error, Identity};
use crate::clock::Clock;
use crate::domain::entity::ObjectId;
use crate::domain::moment::Moment;
use crate::transport::Transport;

/// Longest wait for the authority.
const FETCH_LIMIT: Duration = Duration::from_secs(10);
/// A token is not handed out in its last minute, so that it does not end on the way.
const LAST_MINUTE: Duration = Duration::from_secs(60);
/// Shortest pause after a refresh, however short the new token's life is.
const PAUSE_LEAST: Duration = Duration::from_secs(5);
/// Longest pause between two looks of the refresh loop.
const PAUSE_LIMIT: Duration = Duration::from_secs(300);
/// First and longest pause after a refresh that failed.
const FAILED_PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// What a fetch returns.
pub type Fetched = BoxFuture<'static, Result<AccessToken, Error>>;
type Fetch = dyn Fn(Option<Claims>) -> Fetched + Send + Sync;

/// Our access token for one resource, always the newest. Cheap to clone.
#[derive(Clone)]
pub struct TokenSource(Arc<Inner>);

struct Inner {
    clock: Clock,
    fetch: Box<Fetch>,
    held: ArcSwapOption<Held>,
    // Only one asks; what became of the last try is shared with those who waited for it.
    turn: tokio::sync::Mutex<()>,
    last: Mutex<LastTry>,
}

struct Held {
    token: AccessToken,
    refresh_at: Moment,
}

#[derive(Default)]
struct LastTry {
    number: u64,
    failed: Option<Error>,
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenSource")
            .field(&self.0.held.load().as_ref().map(|held| held.token.clone()))
            .finish()
    }
}

impl TokenSource {
    /// The platform's managed identity: App Service and Container Apps (whose `IDENTITY_ENDPOINT`
    /// and `IDENTITY_HEADER` are read from the process environment), else a virtual machine's.
    pub fn managed_identity(
        clock: Clock,
        transport: Transport,
        authority: Authority,
        client: Option<ObjectId>,
    ) -> Self {
        Self::proving(
            clock,
            transport,
            authority,
            Proof::ManagedIdentity { client },
        )
    }

    /// Workload identity federation: the token in `file`, or where `AZURE_FEDERATED_TOKEN_FILE`
    /// points.
    pub fn workload_identity(
        clock: Clock,
        transport: Transport,
        authority: Authority,
        client: ObjectId,
        file: Option<PathBuf>,
    ) -> Self {
        let proof = Proof::WorkloadIdentity { client, file };
        Self::proving(clock, transport, authority, proof)
    }

    /// A certificate of ours; see [`CertificateFiles`].
    pub fn certificate(
        clock: Clock,
        transport: Transport,
        authority: Authority,
        client: ObjectId,
        files: CertificateFiles,
    ) -> Self {
        let proof = Proof::Certificate { client, files };
        Self::proving(clock, transport, authority, proof)
    }

    /// A client secret, read from `file` for every request; others must not be able to read it.
    pub fn client_secret_file(
        clock: Clock,
        transport: Transport,
        authority: Authority,
        client: ObjectId,
        file: PathBuf,
    ) -> Self {
        let proof = Proof::ClientSecret { client, file };
        Self::proving(clock, transport, authority, proof)
    }

    fn proving(clock: Clock, transport: Transport, authority: Authority, proof: Proof) -> Self {
        let credential = Credential {
            authority,
            proof,
            transport,
            clock: clock.clone(),
        };
        Self::fetching(clock, move |claims| {
            Box::pin(credential.clone().fetch(claims))
        })
    }

    /// Tokens from any function, such as a simulated tenant's.
    pub fn fetching<F>(clock: Clock, fetch: F) -> Self
    where
        F: Fn(Option<Claims>) -> Fetched + Send + Sync + 'static,
    {
        Self(Arc::new(Inner {
            clock,
            fetch: Box::new(fetch),
            held: ArcSwapOption::empty(),
            turn: tokio::sync::Mutex::new(()),
            last: Mutex::default(),
        }))
    }

    /// Always the same token.
    pub fn fixed(clock: Clock, token: AccessToken) -> Self {
        Self::fetching(clock, move |_| {
            Box::pin(std::future::ready(Ok(token.clone())))
        })
    }

    /// A token that is valid for at least a minute: the held one at once, else one fetch that all
    /// who ask share (at most 10 s).
    pub async fn token(&self) -> Result<AccessToken, Error> {
        match self.valid() {
            Some(token) => Ok(token),
            None => self.renew(None, |_| true).await,
        }
    }

    /// One forced refresh, after a resource refused `rejected` although it looks valid. When
    /// another caller has replaced it meanwhile, that token is returned instead. `TryAgain` when
    /// the same token comes back: the platform of a managed identity keeps its own, and takes no
    /// claims (Microsoft: continuous access evaluation does not cover managed identities).
    pub async fn refresh_with_claims(
        &self,
        rejected: &AccessToken,
        claims: Option<Claims>,
    ) -> Result<AccessToken, Error> {
        let token = self.renew(claims, |held| !held.is_same(rejected)).await?;
        if token.reads_like(rejected) {
            return Err(Error::try_again("the refused token was handed out again"));
        }
        Ok(token)
    }

    /// Who we are by the held token. `None` before the first fetch, or when it cannot be read.
    pub fn identity(&self) -> Option<Identity> {
        let held = self.0.held.load();
        held.as_ref()?.token.identity().cloned()
    }

    /// Refreshes at half of each token's life, for ever: the roof spawns it and drops it.
    pub async fn refresh_loop(self) {
        let mut failures: u32 = 0;
        loop {
            let pause = match failures {
                0 => self.until_refresh(),
                _ => self.pause_after(failures),
            };
            self.0.clock.sleep(pause.min(PAUSE_LIMIT)).await;
            if failures == 0 && !self.until_refresh().is_zero() {
                continue;
            }
            failures = match self
                .renew(None, |_| self.until_refresh() > Duration::ZERO)
                .await
            {
                Ok(_) => 0,
                Err(error) => {
                    tracing::warn!(%error, "the access token could not be refreshed");
                    failures.saturating_add(1)
                }
            };
        }
    }

    fn valid(&self) -> Option<AccessToken> {
        let held = self.0.held.load();
        let token = &held.as_ref()?.token;
        let until = token.expires_at().minus(LAST_MINUTE);
        (self.0.clock.now() < until).then(|| token.clone())
    }

    async fn renew(
        &self,
        claims: Option<Claims>,
        enough: impl Fn(&AccessToken) -> bool,
    ) -> Result<AccessToken, Error> {
        let seen = self.last().number;
        let _turn = self.0.turn.lock().await;
        if let Some(token) = self.valid().filter(|token| enough(token)) {
            return Ok(token);
        }
        // Who waited while another tried and failed shares that failure, rather than queueing
        // behind a dead authority for ten seconds each.
        let shared = {
            let last = self.last();
            last.failed.clone().filter(|_| last.number != seen)
        };
        if let Some(error) = shared {
            return Err(error);
        }
        self.fetch(claims).await
    }

    async fn fetch(&self, claims: Option<Claims>) -> Result<AccessToken, Error> {
        let fetched = self
            .0
            .clock
            .within(FETCH_LIMIT, (self.0.fetch)(claims))
            .await;
        let fetched =
            fetched.unwrap_or_else(|_| Err(Error::try_again("the authority took too long")));
        if let Ok(token) = &fetched {
            let now = self.0.clock.now();
            let life = token.expires_at().since(now);
            let refresh_at = now
                .plus((life / 2).max(PAUSE_LEAST))
                .plus(self.0.clock.jitter(life / 10));
            self.0.held.store(Some(Arc::new(Held {
                token: token.clone(),
                refresh_at,
            })));
        }
        let mut last = self.last();
        last.number += 1;
        last.failed = fetched.as_ref().err().cloned();
        fetched
    }

    fn last(&self) -> std::sync::MutexGuard<'_, LastTry> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn until_refresh(&self) -> Duration {
        let held = self.0.held.load();
        held.as_ref().map_or(Duration::ZERO, |held| {
            held.refresh_at.since(self.0.clock.now())
        })
    }

    fn pause_after(&self, failures: u32) -> Duration {
        let (first, longest) = FAILED_PAUSES;
        let most = first.saturating_mul(1 << failures.min(8)).min(longest);
        most / 2 + self.0.clock.jitter(most / 2)
    }
}
