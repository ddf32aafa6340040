//! Tags and the state of an incident: read, changed in two places, and written over what was read.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call::{Call, Error, unreadable};
use super::{IncidentPath, Sentinel};

/// What we may send of an incident; Sentinel keeps the rest by itself.
const OURS_TO_SEND: [&str; 11] = [
    "title",
    "description",
    "severity",
    "status",
    "classification",
    "classificationComment",
    "classificationReason",
    "owner",
    "labels",
    "firstActivityTimeUtc",
    "lastActivityTimeUtc",
];

/// What an incident should carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    /// What every tag of ours begins with, such as `estop:`; older ones of these go.
    pub family: &'static str,
    /// The tag it should carry.
    pub tag: String,
    /// Is an incident nobody has begun made active?
    pub begin: bool,
}

/// An incident as it was read: what it says, and what a write must lie over.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IncidentRead {
    etag: String,
    properties: Map<String, Value>,
}

impl Sentinel {
    /// One incident. Needs the role Microsoft Sentinel Reader or more.
    pub async fn incident(&self, incident: &IncidentPath) -> Result<IncidentRead, Error> {
        let call = Call {
            method: Method::GET,
            address: self.place(incident, ""),
            body: None,
            spoken: "GET Sentinel incident",
        };
        read(&call, self.asking().send(&call).await?.body())
    }

    /// Writes an incident over the state that was read; `Changed` when somebody was faster. Needs
    /// the role Microsoft Sentinel Responder.
    pub async fn write_incident(
        &self,
        incident: &IncidentPath,
        mut whole: IncidentRead,
    ) -> Result<(), Error> {
        let properties = &mut whole.properties;
        properties.retain(|name, _| OURS_TO_SEND.contains(&name.as_str()));
        let call = Call {
            method: Method::PUT,
            address: self.place(incident, ""),
            body: Some(json!({ "etag": whole.etag, "properties": whole.properties })),
            spoken: "PUT Sentinel incident",
        };
        read(&call, self.asking().send(&call).await?.body()).map(drop)
    }
}

fn read(call: &Call, body: &[u8]) -> Result<IncidentRead, Error> {
    serde_json::from_slice(body).map_err(|_| unreadable(call.spoken))
}

impl IncidentRead {
    /// Has a person closed it? Then it is left alone.
    pub fn is_closed(&self) -> bool {
        self.properties.get("status").and_then(Value::as_str) == Some("Closed")
    }

    /// The same incident with these marks; `None` when it carries them already.
    #[must_use]
    pub fn marked(mut self, marks: &Marks) -> Option<Self> {
        marks.change(&mut self.properties).then_some(self)
    }
}

impl Marks {
    /// Answers whether anything is another now.
    fn change(&self, properties: &mut Map<String, Value>) -> bool {
        let before = properties.clone();
        let labels = properties.get("labels").and_then(Value::as_array);
        let named = |label: &Value| label["labelName"].as_str().map(str::to_owned);
        let mut names: Vec<String> = labels.into_iter().flatten().filter_map(named).collect();
        names.retain(|name| !name.starts_with(self.family) || *name == self.tag);
        if !names.contains(&self.tag) {
            names.push(self.tag.clone());
        }
        let was: Vec<String> = before
            .get("labels")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(named)
            .collect();
        let labels: Vec<Value> = names.iter().map(|it| json!({ "labelName": it })).collect();
        properties.insert("labels".to_owned(), Value::Array(labels));
        let is_new = properties.get("status").and_then(Value::as_str) == Some("New");
        let begins = self.begin && is_new;
        if begins {
            properties.insert("status".to_owned(), json!("Active"));
        }
        begins || was != names
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Marks;

    fn marks(begin: bool) -> Marks {
        Marks {
            family: "estop:",
            tag: "estop:contained".to_owned(),
            begin,
        }
    }

    fn changed(marks: &Marks, before: Value) -> (bool, Value) {
        let Value::Object(mut properties) = before else {
            panic!("no object");
        };
        let changed = marks.change(&mut properties);
        (changed, Value::Object(properties))
    }

    #[test]
    fn our_older_tag_goes_and_everyone_elses_stays() {
        let before = json!({
            "status": "Active",
            "labels": [{ "labelName": "vip" }, { "labelName": "estop:waiting" }],
        });

        let (was_changed, after) = changed(&marks(false), before);

        assert!(was_changed);
        let labels = json!([{ "labelName": "vip" }, { "labelName": "estop:contained" }]);
        assert_eq!(after["labels"], labels);
        assert!(!changed(&marks(true), after).0);
    }

    #[test]
    fn only_an_incident_nobody_has_begun_is_begun() {
        let labels = json!([{ "labelName": "estop:contained" }]);
        for (status, begin, wanted) in [
            ("New", true, "Active"),
            ("New", false, "New"),
            ("Active", true, "Active"),
        ] {
            let before = json!({ "status": status, "labels": labels });
            assert_eq!(changed(&marks(begin), before).1["status"], wanted);
        }
    }
}
