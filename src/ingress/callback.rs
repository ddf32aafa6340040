//! Calling back whoever waits for the end of a delivery: the Logic App action *HTTP Webhook*, which
//! sleeps until its address is posted to.
//!
//! Laws
//! * Only hosts that the configuration names are called, by https, without redirects.
//! * A sender that names another host is not refused: what it sent may be a detection. Nobody is
//!   called, and a person is told.
//! * Who waits is on disk before the sender is thanked, and waits until heard, gone, or given up.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::clock::Clock;
use crate::domain::callback::{CallbackAddress, NotAdmitted};
use crate::domain::id::{DeliveryId, DetectionId};
use crate::domain::notice::Urgency;
use crate::notify::{Outlook, outlook};
use crate::store::{Callback, CalledBack, Error, Store};
use crate::transport::{CALL_LIMIT, Transport};

use super::door::Door;
use super::status;

/// The header that carries the address, so that the body stays what the trigger sent.
pub(super) const HEADER: &str = "estop-callback";
/// How often those who wait are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How often while a person is asked.
const EVERY_FOR_A_PERSON: Duration = Duration::from_secs(10);
/// First pause after a call that failed; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Calls before it is given up: a day and an hour, as every far end is given a day.
const CALLS_MAX: u32 = 305;
/// Nobody waits longer: the longest run of a Logic App.
const WAIT_MAX: Duration = Duration::from_secs(90 * 24 * 3600);

/// What calls back.
#[derive(Clone)]
pub struct Caller {
    /// Who waits, and what became of what they sent.
    pub store: Store,
    /// The way out.
    pub transport: Transport,
    /// Time.
    pub clock: Clock,
    /// What the address of a detection's page begins with.
    pub public_url: Option<Url>,
}

/// The address a request asks to be called at, if it asks.
pub(super) fn wanted(
    door: &Door,
    headers: &HeaderMap,
) -> Option<Result<CallbackAddress, NotAdmitted>> {
    let mut named = headers.get_all(HEADER).iter();
    let one = named.next()?;
    let text = one.to_str().ok().filter(|_| named.next().is_none());
    Some(text.map_or(Err(NotAdmitted::Unfit), |text| {
        door.callback_hosts.admit(text)
    }))
}

/// Remembers who waits for this delivery, or tells a person why nobody is called.
pub(super) async fn remember(
    door: &Door,
    id: DeliveryId,
    wanted: Result<CallbackAddress, NotAdmitted>,
) -> Result<(), Error> {
    let now = door.clock.now();
    match wanted {
        Ok(address) => door.store.await_callback(id, address, now).await,
        Err(why) => {
            let text = format!(
                "{id} asks to be called back, and {why}. Its workflow waits in vain: name the host \
                 under callback_hosts, or let the workflow poll the Location instead."
            );
            let notice = door
                .store
                .notice(now, Urgency::Page, "callback refused".to_owned(), text);
            door.store.tell(notice).await
        }
    }
}

/// Calls back until told to stop.
pub async fn callback_loop(caller: Caller, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = caller.clock.sleep(EVERY) => {}
        }
        if let Err(error) = caller.round().await {
            tracing::warn!(%error, "those who wait could not be called back; trying again");
        }
    }
}

impl Caller {
    async fn round(&self) -> Result<(), Error> {
        for callback in self.store.due_callbacks(self.clock.now()).await? {
            self.look_after(&callback).await?;
        }
        Ok(())
    }

    async fn look_after(&self, callback: &Callback) -> Result<(), Error> {
        let now = self.clock.now();
        if now.since(callback.asked_at) > WAIT_MAX {
            let ended = (CalledBack::GivenUp, now);
            return self.store.end_callback(callback, ended, None).await;
        }
        let Some(status) = self.store.status_of(callback.delivery).await? else {
            let ended = (CalledBack::GivenUp, now);
            return self.store.end_callback(callback, ended, None).await;
        };
        let pause = match outlook(&status).1 {
            Outlook::Soon => EVERY,
            Outlook::Person => EVERY_FOR_A_PERSON,
            Outlook::Final(_) => {
                let page = self.page(callback.delivery);
                let text = status::text(callback.delivery, &status, &page).unwrap_or_default();
                return self.call(callback, text).await;
            }
        };
        let attempts = callback.attempts;
        self.store
            .postpone_callback(callback, (now, pause), attempts)
            .await
    }

    fn page(&self, id: DeliveryId) -> String {
        let base = self.public_url.as_ref().map_or("", Url::as_str);
        let base = base.trim_end_matches('/');
        format!("{base}/d/{}", DetectionId::from(id))
    }

    async fn call(&self, callback: &Callback, text: String) -> Result<(), Error> {
        let said = self.post(&callback.address, text).await;
        let now = self.clock.now();
        let why = match said {
            Said::Heard => {
                let ended = (CalledBack::Done, now);
                return self.store.end_callback(callback, ended, None).await;
            }
            Said::NobodyWaits => {
                let ended = (CalledBack::Gone, now);
                return self.store.end_callback(callback, ended, None).await;
            }
            Said::NotNow(why) if callback.attempts + 1 < CALLS_MAX => {
                let doubled = FIRST_PAUSE.saturating_mul(1 << callback.attempts.min(8));
                let pause = doubled.min(LONGEST_PAUSE);
                let attempts = callback.attempts + 1;
                tracing::info!(delivery.id = %callback.delivery, "{} could not be called back: {why}", callback.delivery);
                return self
                    .store
                    .postpone_callback(callback, (now, pause), attempts)
                    .await;
            }
            Said::NotNow(why) | Said::Never(why) => why,
        };
        let text = format!(
            "the workflow that waits for {} could not be called back at {}: {why}. What became of it \
             is on {}",
            callback.delivery,
            callback.address.host(),
            self.page(callback.delivery)
        );
        let key = format!("callback {}", callback.delivery);
        let notice = self.store.notice(now, Urgency::Tell, key, text);
        let ended = (CalledBack::GivenUp, now);
        self.store.end_callback(callback, ended, Some(notice)).await
    }

    async fn post(&self, address: &CallbackAddress, text: String) -> Said {
        let request = http::Request::builder()
            .method(Method::POST)
            .uri(address.expose())
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(text));
        let Ok(request) = request else {
            return Said::Never("its address makes no request".to_owned());
        };
        let sent = self.clock.within(CALL_LIMIT, self.transport.send(request));
        match sent.await {
            Ok(Ok(answer)) => Said::by(answer.status()),
            // The words may quote the address.
            Ok(Err(_)) => Said::NotNow("it could not be reached".to_owned()),
            Err(_) => Said::NotNow("it did not answer in time".to_owned()),
        }
    }
}

/// What a call came to.
enum Said {
    Heard,
    /// The workflow was cancelled, has ended, or heard it before.
    NobodyWaits,
    NotNow(String),
    Never(String),
}

impl Said {
    fn by(status: StatusCode) -> Self {
        match status.as_u16() {
            200..=299 => Self::Heard,
            404 | 409 | 410 => Self::NobodyWaits,
            408 | 425 | 429 | 500..=599 => Self::NotNow(format!("it answered {status}")),
            _ => Self::Never(format!("it answered {status}")),
        }
    }
}
