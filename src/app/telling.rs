//! What tells people, with the keys of the places they are told at.

use std::sync::Arc;

use super::tenant::Workshop;
use super::{Parts, Service, StartError, examine};
use crate::audit::{Place, Ship, What};
use crate::config::{Config, FarConfig, PageConfig};
use crate::notify::{Incidents, Teller};
use crate::pager::{Destination, Far, Opsgenie, PagerDuty, Way, Webhook};
use crate::sentinel::Sentinel;
use crate::signature::{Secret, foreign_key};
use crate::transport::Transport;

/// Every place under `page`. A key that cannot be read keeps the service from starting: nobody
/// would be told.
pub(super) fn places(config: &Config) -> Result<Vec<Destination>, StartError> {
    let place = |page: &PageConfig| {
        far(&page.far)
            .map(|far| Destination {
                name: page.name.clone(),
                takes: page.takes,
                after: page.after,
                far,
            })
            .map_err(|unusable| StartError::config(format!("`page.{}`: {unusable}", page.name)))
    };
    config.pages.iter().map(place).collect()
}

fn far(far: &FarConfig) -> Result<Far, crate::signature::Unusable> {
    Ok(match far {
        FarConfig::PagerDuty(base, key) => Far::PagerDuty(PagerDuty {
            base: base.clone(),
            routing_key: foreign_key(key)?,
        }),
        FarConfig::Opsgenie(base, key) => Far::Opsgenie(Opsgenie {
            base: base.clone(),
            api_key: foreign_key(key)?,
        }),
        FarConfig::Webhook(url, secret) => Far::Webhook(Webhook {
            url: url.clone(),
            secret: Arc::new(Secret::from_file(secret)?),
        }),
    })
}

/// What the service keeps of it.
pub(super) struct Told {
    places: Arc<Vec<Destination>>,
    outward: Transport,
    incidents: Incidents,
    ships: Vec<Place>,
}

impl Told {
    pub(super) fn of(parts: &Parts) -> Result<Self, StartError> {
        let Parts {
            config,
            clock,
            transport,
            outward,
            azure_tokens,
            ..
        } = parts;
        let base = examine::azure(config)?;
        let sentinel = config.incidents.sentinel.as_ref().zip(azure_tokens.clone());
        let sentinel = sentinel.map(|((workspaces, begin), tokens)| {
            let sentinel = Sentinel {
                base,
                workspaces: workspaces.clone(),
                transport: transport.clone(),
                tokens,
                clock: clock.clone(),
            };
            (sentinel, *begin)
        });
        let table = parts.table(config.ocsf.table.as_ref()).map(Place::Table);
        let file = config.ocsf.file.clone().map(Place::File);
        Ok(Self {
            places: Arc::new(places(config)?),
            outward: outward.clone(),
            incidents: Incidents {
                sentinel,
                defender: config.incidents.defender,
            },
            ships: file.into_iter().chain(table).collect(),
        })
    }
}

impl Service {
    /// What tells people.
    pub(super) fn teller(&self, workshop: &Workshop) -> Teller {
        Teller {
            store: self.store.clone(),
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
            places: Arc::clone(&workshop.told.places),
            way: Way {
                transport: workshop.told.outward.clone(),
                clock: self.clock.clone(),
            },
            graph: workshop.tenant.graph.clone(),
            incidents: workshop.told.incidents.clone(),
            public_url: self.config.public_url.clone(),
        }
    }

    /// What hands the record on, once for each place that wants it.
    pub(super) fn shipping(&self, workshop: &Workshop) -> Vec<Ship> {
        let ship = |place: &Place| Ship {
            store: self.store.clone(),
            clock: self.clock.clone(),
            what: What::Record,
            place: place.clone(),
        };
        workshop.told.ships.iter().map(ship).collect()
    }
}
