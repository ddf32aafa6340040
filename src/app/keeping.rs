//! What keeps the record: its anchors, how long things stay, and the look at the start whether the
//! store is the one that was anchored.

use std::sync::Arc;

use super::tenant::Workshop;
use super::{Parts, Service, StartError, keys};
use crate::audit::{Anchoring, Expiry, Place, Ship, What, against_last};
use crate::command::trip;
use crate::domain::notice::Urgency;
use crate::pager::{Way, Webhook};
use crate::signature::{Secret, SigningKey};

/// What signs anchors, and where they go.
pub(super) struct Keeping {
    key: Option<Arc<SigningKey>>,
    places: Vec<Place>,
}

impl Keeping {
    pub(super) fn of(parts: &Parts) -> Result<Self, StartError> {
        let anchors = &parts.config.anchors;
        if !anchors.is_anywhere() {
            return Ok(Self {
                key: None,
                places: Vec::new(),
            });
        }
        let key = keys::anchor_key(&anchors.key_file, &parts.clock)?;
        tracing::info!("anchors of the record are signed by {}", key.public());
        Ok(Self {
            key: Some(Arc::new(key)),
            places: places(parts)?,
        })
    }
}

fn places(parts: &Parts) -> Result<Vec<Place>, StartError> {
    let anchors = &parts.config.anchors;
    let file = anchors.file.clone().map(Place::File);
    let table = parts.table(anchors.table.as_ref()).map(Place::Table);
    let webhook = anchors.webhook.as_ref().map(|(url, secret)| {
        let secret = Secret::from_file(secret)
            .map_err(|why| StartError::config(format!("`anchors.webhook`: {why}")))?;
        let webhook = Webhook {
            url: url.clone(),
            secret: Arc::new(secret),
        };
        let way = Way {
            transport: parts.outward.clone(),
            clock: parts.clock.clone(),
        };
        Ok(Place::Webhook(webhook, way))
    });
    let webhook = webhook.transpose()?;
    Ok([file, table, webhook].into_iter().flatten().collect())
}

impl Service {
    /// What signs heads of the record, where anyone keeps them.
    pub(super) fn anchoring(&self, workshop: &Workshop) -> Option<Anchoring> {
        workshop.keeping.key.as_ref().map(|key| Anchoring {
            store: self.store.clone(),
            clock: self.clock.clone(),
            key: Arc::clone(key),
            metrics: Arc::clone(&self.metrics),
        })
    }

    /// What hands anchors on, once for each place.
    pub(super) fn anchor_ships(&self, workshop: &Workshop) -> Vec<Ship> {
        let ship = |place: &Place| Ship {
            store: self.store.clone(),
            clock: self.clock.clone(),
            what: What::Anchors,
            place: place.clone(),
        };
        workshop.keeping.places.iter().map(ship).collect()
    }

    /// What lets old things go. Nothing is cut off the record that someone was not handed.
    pub(super) fn expiry(&self, workshop: &Workshop) -> Expiry {
        let ships = self.shipping(workshop).into_iter();
        let ships = ships.chain(self.anchor_ships(workshop));
        Expiry {
            store: self.store.clone(),
            clock: self.clock.clone(),
            retention: self.config.retention,
            handed_to: ships.map(|ship| ship.name()).collect(),
        }
    }

    /// Trips the brake where the store is not the one whose head was anchored last: an old copy, or
    /// one whose record was written anew (threats D03, D04). A person looks, and resets it.
    pub(super) async fn hold_against_anchors(&self, workshop: &Workshop) -> Result<(), StartError> {
        let (Some(file), Some(key)) = (&self.config.anchors.file, &workshop.keeping.key) else {
            return Ok(());
        };
        let held = against_last(&self.store, (file, &key.public())).await;
        let told = match held {
            Ok(None) => return Ok(()),
            Ok(Some(why)) => self.stop_writes(workshop, &why).await,
            // An emergency stop does not wait for a disk that only proves what it did.
            Err(why) => {
                let file = file.display();
                let text = format!(
                    "Nobody knows whether this is the store that was anchored last: {file}: {why}"
                );
                self.page(text).await
            }
        };
        told.map_err(|why| StartError::config(format!("the store: {why}")))
    }

    async fn stop_writes(&self, workshop: &Workshop, why: &str) -> Result<(), String> {
        let tripped = trip(&self.desk_of(&workshop.tenant), "anchors", why).await;
        tripped.map_err(|why| why.to_string())?;
        self.page(format!(
            "All writes to the tenant are stopped: {why}. If a copy was put back on purpose, look what \
             it lacks and allow writes again: estop brake reset"
        ))
        .await
    }

    async fn page(&self, text: String) -> Result<(), String> {
        let now = self.clock.now();
        let notice = self
            .store
            .notice(now, Urgency::Page, "anchors".to_owned(), text);
        self.store
            .remind(notice, now)
            .await
            .map_err(|why| why.to_string())
    }
}
