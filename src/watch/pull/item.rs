//! One item of a list, on its way to become a delivery.

use std::collections::HashMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Pull;
use crate::domain::delivery::{BODY_MAX, BodyDigest, NewDelivery};
use crate::domain::entity::ObjectId;
use crate::domain::id::DeliveryId;
use crate::domain::moment::Moment;
use crate::domain::notice::Urgency;
use crate::domain::pull::RiskList;
use crate::store::{Error, Taken};

/// What stands for a key: Graph answered our own token over TLS, and nobody signed it.
const KEY_ID: &str = "graph";
/// Most items remembered; beyond it the store finds what repeats.
const SEEN_MAX: usize = 20_000;

/// An item, wrapped in the name of its kind.
pub(super) struct Item {
    body: Bytes,
    digest: BodyDigest,
    /// Whom it is about, where that can be read.
    pub(super) about: Option<ObjectId>,
    /// When it was detected, or its risk last changed.
    pub(super) at: Option<Moment>,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// It was not known.
    New,
    /// It came before.
    Known,
}

/// Items that need not be stored again.
#[derive(Default)]
pub(super) struct Seen(HashMap<[u8; 32], Moment>);

/// What the pull itself looks at; reading an item is triage's.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Glance<'a> {
    identity_id: Option<&'a str>,
    agent_id: Option<&'a str>,
    id: Option<&'a str>,
    detected_date_time: Option<&'a str>,
    risk_last_modified_date_time: Option<&'a str>,
}

impl Item {
    pub(super) fn read(list: RiskList, raw: &RawValue) -> Self {
        let body = format!(r#"{{"{}":{}}}"#, list.member(), raw.get());
        let glance = serde_json::from_str::<Glance<'_>>(raw.get()).ok();
        let (about, at) = glance.map_or((None, None), |it| match list {
            RiskList::RiskyAgents => (it.id, it.risk_last_modified_date_time),
            RiskList::AgentRiskDetections | RiskList::ServicePrincipalRiskDetections => {
                (it.identity_id.or(it.agent_id), it.detected_date_time)
            }
        });
        Self {
            digest: BodyDigest::of(body.as_bytes()),
            body: body.into(),
            about: about.and_then(|id| id.parse().ok()),
            at: at.and_then(Moment::parse),
        }
    }
}

impl Seen {
    pub(super) fn has(&self, item: &Item) -> bool {
        self.0.contains_key(&item.digest.0)
    }

    pub(super) fn keep(&mut self, item: &Item, at: Moment) {
        if self.0.len() < SEEN_MAX {
            self.0.insert(item.digest.0, at);
        }
    }

    pub(super) fn forget_before(&mut self, before: Moment) {
        self.0.retain(|_, at| *at >= before);
    }
}

impl Pull {
    /// Stores an item as a delivery. Its key is its bytes: an item that changed is another
    /// delivery, and joins the detection it was before.
    pub(super) async fn deliver(&self, item: &Item) -> Result<Stored, Error> {
        if item.body.len() > BODY_MAX {
            return self.leave_out(item).await;
        }
        let id = DeliveryId::from_uuid(self.clock.uuid());
        let new = NewDelivery {
            id,
            source: self.terms.source.clone(),
            key: format!("sha256:{}", item.digest.hex()),
            digest: item.digest,
            key_id: KEY_ID.to_owned(),
            headers: "{}".to_owned(),
            body: item.body.clone(),
            received_at: self.clock.now(),
        };
        match self.store.take_delivery(new).await? {
            Taken::New { id } => {
                (self.wake)(id);
                Ok(Stored::New)
            }
            Taken::Repeat { .. } | Taken::Conflict { .. } => Ok(Stored::Known),
        }
    }

    /// Larger than any delivery may be: a person is told once and looks in Entra.
    async fn leave_out(&self, item: &Item) -> Result<Stored, Error> {
        let who = item
            .about
            .map_or("an entity".to_owned(), |id| id.to_string());
        let notice = self.store.notice(
            self.clock.now(),
            Urgency::Page,
            format!("pull too large {}", item.digest.hex()),
            format!(
                "Graph has a risk detection about {who} of more than {BODY_MAX} bytes, which is \
                 not taken. Look at it in Entra ID Protection; if it is compromised: estop contain"
            ),
        );
        self.store.tell_once(notice).await?;
        Ok(Stored::Known)
    }
}
