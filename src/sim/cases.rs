//! Incidents in Sentinel and Defender, and tables that lines are added to.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What people follow incidents in.
#[derive(Clone, Debug)]
pub struct Casebook {
    /// Sentinel incidents by resource path, in lower case.
    pub sentinel: BTreeMap<String, SentinelIncident>,
    /// Defender incidents by number, as Graph shows them.
    pub defender: BTreeMap<String, Value>,
    /// Lines by `rule/stream`, for streams that are declared.
    pub tables: BTreeMap<String, Vec<Value>>,
    /// Do we hold the Azure roles for both?
    pub roles: Roles,
}

/// Which Azure roles we hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roles {
    /// Microsoft Sentinel Responder, and Monitoring Metrics Publisher.
    Held,
    /// Neither.
    Missing,
}

/// One Sentinel incident.
#[derive(Clone, Debug)]
pub struct SentinelIncident {
    /// Rises with every change.
    pub version: u32,
    /// Its properties.
    pub properties: Map<String, Value>,
    /// Comments by name, each with its own version.
    pub comments: BTreeMap<Uuid, (u32, String)>,
}

impl Default for Casebook {
    fn default() -> Self {
        Self {
            sentinel: BTreeMap::new(),
            defender: BTreeMap::new(),
            tables: BTreeMap::new(),
            roles: Roles::Held,
        }
    }
}

impl Casebook {
    /// Somebody opens an incident in Sentinel.
    pub fn open_sentinel(&mut self, path: &str, title: &str) {
        let incident = SentinelIncident::titled(title);
        self.sentinel.insert(path.to_lowercase(), incident);
    }

    /// Somebody opens an incident in Defender.
    pub fn open_defender(&mut self, number: &str, title: &str) {
        let incident = json!({
            "id": number, "displayName": title, "status": "active", "severity": "high",
            "classification": "unknown", "determination": "unknown", "customTags": [],
            "comments": [], "redirectIncidentId": null,
        });
        self.defender.insert(number.to_owned(), incident);
    }

    /// Somebody declares a stream of a data collection rule.
    pub fn declare(&mut self, rule: &str, stream: &str) {
        self.tables.insert(format!("{rule}/{stream}"), Vec::new());
    }
}

impl SentinelIncident {
    /// A new one, with a tag of somebody's.
    pub fn titled(title: &str) -> Self {
        let properties = json!({
            "title": title, "severity": "High", "status": "New",
            "labels": [{ "labelName": "vip" }],
            "incidentNumber": 9, "createdTimeUtc": "2026-08-01T10:06:00Z",
        });
        Self {
            version: 1,
            properties: properties.as_object().cloned().unwrap_or_default(),
            comments: BTreeMap::new(),
        }
    }

    /// As Azure shows it.
    pub fn shown(&self) -> Value {
        json!({ "etag": self.etag(), "properties": self.properties })
    }

    pub(super) fn etag(&self) -> String {
        etag(self.version)
    }
}

/// What an effect on a case is an effect on.
pub(super) fn id_of(name: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())
}

pub(super) fn etag(version: u32) -> String {
    format!("\"{version:04x}-0000\"")
}
