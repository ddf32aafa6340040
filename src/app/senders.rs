//! What the door for senders shares with the rest: whose access tokens are genuine, what was heard,
//! and who is told that a configured source is refused.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Parts, Service, StartError, keys};
use crate::clock::Clock;
use crate::config::VerifyConfig;
use crate::domain::detection::SourceName;
use crate::domain::notice::Urgency;
use crate::entra::SigningKeys;
use crate::ingress::{Hearing, OnRefusal};
use crate::store::Store;

/// Words that may wait; there is one a source and hour at most.
const WAITING_MAX: usize = 64;

type Word = (SourceName, &'static str);

/// What the door for senders shares.
pub(super) struct Senders {
    /// The tenant's signing keys, for every check of access tokens that others bring.
    pub(super) trusted: SigningKeys,
    /// What the door heard lately.
    pub(super) hearing: Arc<Hearing>,
    pub(super) refusals: Refusals,
}

impl Senders {
    /// None where no senders come. Refuses to begin with a source whose keys cannot be used, or
    /// without the key of status addresses: the door reads both again.
    pub(super) fn of(parts: &Parts) -> Result<Option<Self>, StartError> {
        let Parts {
            config,
            clock,
            transport,
            ..
        } = parts;
        if !config.role.takes_deliveries() {
            return Ok(None);
        }
        let login = config.endpoints.login();
        let trusted = SigningKeys::new(login, config.tenant, transport.clone(), clock.clone());
        keys::sources(config, &trusted)?;
        keys::ticket_key(&config.ticket_key, clock)?;
        Ok(Some(Self {
            trusted,
            hearing: Arc::default(),
            refusals: Refusals::default(),
        }))
    }
}

impl Service {
    /// Keeps the tenant's signing keys at hand where a source or the gate is shown access tokens,
    /// and tells of refusals, until told to stop.
    pub(super) fn serve_senders(&self) -> Option<impl Future<Output = ()> + Send + use<>> {
        let senders = self.senders.as_ref()?;
        let mut sources = self.config.sources.values();
        let any = sources.any(|source| matches!(source.verify, VerifyConfig::Entra(_, _)));
        let any = any || self.config.copilot.is_some();
        let (keys, stop) = (senders.trusted.clone(), self.stopping());
        let (store, clock) = (self.store.clone(), self.clock.clone());
        let telling = senders.refusals.tell_loop(store, clock, stop.clone());
        Some(async move {
            let trusting = async {
                if any {
                    stop.run_until_cancelled(keys.refresh_loop()).await;
                }
            };
            tokio::join!(trusting, telling);
        })
    }
}

/// The way of such a word from the door to the outbox.
pub(super) struct Refusals {
    said: mpsc::Sender<Word>,
    heard: Mutex<Option<mpsc::Receiver<Word>>>,
}

impl Default for Refusals {
    fn default() -> Self {
        let (said, heard) = mpsc::channel(WAITING_MAX);
        let heard = Mutex::new(Some(heard));
        Self { said, heard }
    }
}

impl Refusals {
    /// What the door calls. It never waits.
    pub(super) fn teller(&self) -> OnRefusal {
        let said = self.said.clone();
        Arc::new(move |source, why| {
            let _ = said.try_send((source.clone(), why));
        })
    }

    /// Writes a notice for each word until told to stop.
    pub(super) fn tell_loop(
        &self,
        store: Store,
        clock: Clock,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<> {
        let heard = self
            .heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        async move {
            let Some(mut heard) = heard else { return };
            while let Some(Some((source, why))) = stop.run_until_cancelled(heard.recv()).await {
                let text = format!(
                    "A delivery to the source `{source}` was refused ({why}). If it was the \
                     sender's own, detections are being lost: check its key, clock and form with \
                     `estop listen`. Further refusals are told once an hour."
                );
                let key = format!("refused:{source}");
                let notice = store.notice(clock.now(), Urgency::Tell, key, text);
                if let Err(error) = store.tell(notice).await {
                    tracing::warn!(%error, source = %source, "a refusal could not be told");
                }
            }
        }
    }
}
