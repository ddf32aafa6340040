//! One alert of the security API, by its id, for incidents that came without the ids of whom they
//! are about. Microsoft names 150 calls a minute for one app in one tenant; a lane of their own.
//! Needs `SecurityAlert.Read.All`.

use bytes::Bytes;
use http::HeaderValue;
use serde::Deserialize;

use super::call::Call;
use super::error::Error;
use super::lanes::Lane;
use super::place::Place;
use super::{Ask, Graph, shape};
use crate::domain::found::OpaqueId;

/// Asks for words that lists of words got later; without it they come as `unknownFutureValue`.
const NEW_WORDS: HeaderValue = HeaderValue::from_static("include-unknown-enum-members");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AlertJson<'a> {
    id: &'a str,
    provider_alert_id: Option<&'a str>,
}

impl Graph {
    /// The alert as Graph has it, otherwise unread: what it means is `domain::reading`'s.
    pub async fn alert(&self, ask: Ask, id: &OpaqueId) -> Result<Bytes, Error> {
        let place = Place::v1("/security/alerts_v2/").opaque(id);
        let mut call = Call::read(place).in_lane(Lane::Security);
        call.prefer = Some(NEW_WORDS);
        let spoken = call.spoken();
        let answer = self.send(ask, call).await?;
        let alert: AlertJson<'_> = shape::read(&spoken, &answer.body)?;
        if alert.id != id.as_str() && alert.provider_alert_id != Some(id.as_str()) {
            return Err(Error::unknown(&spoken, "the answer is about another alert"));
        }
        Ok(answer.body)
    }
}
