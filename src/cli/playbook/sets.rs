//! Which playbooks are asked, and by whose configuration: shared by `explain`, `simulate`, `diff`.

use std::collections::BTreeMap;
use std::path::Path;

use uuid::Uuid;

use super::super::Room;
use super::super::answers::Failure;
use super::super::args::SetArgs;
use crate::catalog::{Catalog, Fault};
use crate::config::{Config, Overrides, find};
use crate::domain::detection::{Detection, SourceName};
use crate::domain::entity::{ObjectId, TenantId};
use crate::domain::guard::Guards;
use crate::domain::playbook::ServiceMode;
use crate::domain::source::SourceTerms;
use crate::rehearse::Judge;

/// The word for the playbooks that come with estop.
const SHIPPED: &str = "shipped";

/// What a decision depends on beside the playbooks, as far as a desk knows it.
pub(super) struct Desk {
    pub(super) config: Option<Config>,
    pub(super) guards: Guards,
    pub(super) sources: BTreeMap<SourceName, SourceTerms>,
}

impl Desk {
    /// By the configuration that is named or found; without one, nobody is protected and every
    /// source may name agents and their users.
    pub(super) fn of(room: &Room, named: Option<&Path>) -> Result<Self, Failure> {
        let unusable = |bad: crate::config::BadConfig| Failure::usage(bad.to_string());
        let path = match (named, find(named)) {
            (_, Ok(path)) => path,
            (None, Err(_)) => {
                return Ok(Self {
                    config: None,
                    guards: Guards::default(),
                    sources: BTreeMap::new(),
                });
            }
            (Some(_), Err(bad)) => return Err(unusable(bad)),
        };
        let overrides = Overrides::default()
            .or_environment(&room.environment)
            .map_err(unusable)?;
        let config = Config::read(&path, &overrides).map_err(unusable)?;
        let ourselves = config.ourselves.iter();
        let never = ourselves.map(|id| (*id, "configured as ourselves".to_owned()));
        let sources = config.sources.iter();
        let sources = sources.map(|(name, source)| (name.clone(), source.terms.clone()));
        Ok(Self {
            guards: Guards::new(never, config.protected.iter().copied()),
            sources: sources.collect(),
            config: Some(config),
        })
    }

    /// The playbooks that are asked.
    pub(super) fn playbooks(&self, set: &SetArgs) -> Result<Catalog, Failure> {
        let configured = self.config.as_ref().and_then(|it| it.playbooks.as_deref());
        let named = set.playbooks.as_deref().or(configured);
        let catalog = load(named.unwrap_or(Path::new(SHIPPED)))?;
        Ok(if set.as_recommended {
            catalog.as_recommended()
        } else {
            catalog
        })
    }

    /// Our tenant, or without a configuration the one the detection names.
    pub(super) fn tenant(&self, detection: Option<&Detection>) -> TenantId {
        let named = || {
            let mut sightings = detection?.entities.iter();
            sightings.find_map(|sighting| sighting.tenant)
        };
        let configured = self.config.as_ref().map(|config| config.tenant);
        let nobody = ObjectId::from_uuid(Uuid::nil());
        configured.or_else(named).unwrap_or(nobody)
    }

    /// Asks these playbooks, as a service that enforces.
    pub(super) fn judge<'a>(&'a self, catalog: &'a Catalog, tenant: TenantId) -> Judge<'a> {
        Judge {
            catalog,
            guards: &self.guards,
            sources: &self.sources,
            tenant,
            service: ServiceMode::Enforce,
        }
    }
}

/// A folder of playbooks, one of them, or the shipped ones.
pub(super) fn load(path: &Path) -> Result<Catalog, Failure> {
    let read = if path.is_dir() {
        Catalog::load_dir(path)
    } else if path.is_file() {
        Catalog::load_file(path)
    } else if path == Path::new(SHIPPED) {
        Catalog::shipped()
    } else {
        let shown = path.display();
        return Err(Failure::usage(format!("there is no playbook at {shown}"))
            .fix("name a folder, a file, or `shipped`"));
    };
    read.map_err(|faults| told(&faults))
}

fn told(faults: &[Fault]) -> Failure {
    let first = faults.first().map(|fault| {
        let place = format!("{}:{}:{}", fault.file, fault.line, fault.column);
        format!("{place}: {}", fault.what)
    });
    let more = faults.len().saturating_sub(1);
    let more = if more > 0 {
        format!(" (and {more} more)")
    } else {
        String::new()
    };
    Failure::usage(format!("{}{more}", first.unwrap_or_default()))
        .fix("see everything: estop playbook lint PATH")
}
