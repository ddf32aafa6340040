//! Azure Monitor's common alert schema: log search alerts, whose dimensions or row carry the
//! contract.
//!
//! Knows: a log alert does not embed its rows; a rule splits by dimensions, one alert for each
//! value, and a simple log alert brings its row along.
//! Never: metric and activity log alerts; they name resources, not identities.
//!
//! Laws
//! * What the portal's test button sends is recognised by the subscription it makes up.
//! * A resolved alert asks for nothing.

use serde_json::Value;

use crate::domain::detection::{DetectionType, Severity};
use crate::domain::moment::Moment;

use super::claim::{Claim, merge};
use super::contract::{self, Details, Named};
use super::tree::{self, Node, loose};
use super::{Context, NotUnderstood, Reading, typed};

/// How the schema calls itself.
const SCHEMA: &str = "azureMonitorCommonAlertSchema";
/// The subscription of every alert that the test button sends (Microsoft's samples).
const TEST_SUBSCRIPTION: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/";
/// Azure Monitor's severities, worst first.
const SEVERITIES: [(&str, Severity); 5] = [
    ("Sev0", Severity::Critical),
    ("Sev1", Severity::High),
    ("Sev2", Severity::Medium),
    ("Sev3", Severity::Low),
    ("Sev4", Severity::Informational),
];

/// Reads text that passed the strict check.
pub(super) fn read(text: &str, context: &Context) -> Result<Reading, NotUnderstood> {
    let body = tree::parse(text)?;
    let root = Node::at(&body, "");
    if !root.get("schemaId")?.says(SCHEMA) {
        return Err(NotUnderstood::new(format!(
            "schemaId is not {SCHEMA}. Turn the common alert schema on in the action group"
        )));
    }
    let essentials = root.dig(&["data", "essentials"])?;
    if let Some(why) = nothing(&essentials)? {
        return Ok(Reading::Nothing { why });
    }
    let alert = Fired::of(&root, &essentials)?;
    let (mut claims, mut remarks, mut person) = (Vec::new(), Vec::new(), false);
    for row in rows(&root.dig(&["data", "alertContext", "condition", "allOf"])?)? {
        let told = contract::told(&details(&row)?, &row.place)?;
        match &told.named {
            Named::Nobody => remarks.push(format!("{} names no agent", row.place)),
            Named::Person => person = true,
            Named::Entities(_) => claims.push(alert.claim(told, &row, context)?),
        }
    }
    if claims.is_empty() && person {
        return Ok(Reading::Nothing {
            why: "the risk is a person's, not the agent's. Look at the person".to_owned(),
        });
    }
    if claims.is_empty() {
        return Err(NotUnderstood::new(
            "data.alertContext.condition.allOf names no agent. Split the log alert by a dimension \
             AgentId (the agent's object id)",
        ));
    }
    let detection = merge(claims, remarks, context)?;
    Ok(Reading::Detection(Box::new(detection)))
}

/// Why nothing follows from the alert, whatever it is about.
fn nothing(essentials: &Node<'_>) -> Result<Option<String>, NotUnderstood> {
    let id = essentials.get("alertId")?;
    let made_up = id.text().is_some_and(|id| {
        let start = id.get(..TEST_SUBSCRIPTION.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(TEST_SUBSCRIPTION))
    });
    if made_up {
        return Ok(Some(
            "the test button of an Azure Monitor action group: the way here works".to_owned(),
        ));
    }
    let condition = essentials.get("monitorCondition")?;
    if condition.says("Resolved") {
        return Ok(Some(
            "the alert is resolved, so nothing follows from it".to_owned(),
        ));
    }
    if condition.says("Fired") {
        return Ok(None);
    }
    Err(NotUnderstood::new(
        "data.essentials.monitorCondition is neither Fired nor Resolved. Send the alert untouched",
    ))
}

/// What holds for every row of the alert.
struct Fired<'a> {
    id: Option<String>,
    severity: Severity,
    /// The rule's id and name: either may have a type in the configuration.
    rules: Vec<&'a str>,
    /// A property of the rule that says the type.
    named_type: Option<&'a str>,
    activity_at: Option<Moment>,
    detected_at: Option<Moment>,
}

impl<'a> Fired<'a> {
    fn of(root: &Node<'a>, essentials: &Node<'a>) -> Result<Self, NotUnderstood> {
        let severity = essentials.get("severity")?;
        let known = SEVERITIES.iter().find(|(word, _)| severity.says(word));
        let (_, severity) = known.ok_or_else(|| {
            NotUnderstood::new(
                "data.essentials.severity is none of Sev0 to Sev4. Send the alert untouched",
            )
        })?;
        let id = match essentials.get("alertId")?.text() {
            Some(id) => id.rsplit('/').next().map(str::to_owned),
            None => essentials.get("originAlertId")?.said(),
        };
        let window = root.dig(&["data", "alertContext", "condition", "windowStartTime"])?;
        let rules = [essentials.get("alertRuleId")?, essentials.get("alertRule")?];
        Ok(Self {
            id,
            severity: *severity,
            rules: rules.iter().filter_map(Node::text).collect(),
            named_type: root
                .dig(&["data", "customProperties", "DetectionType"])?
                .text(),
            activity_at: window.moment(),
            detected_at: essentials.get("firedDateTime")?.moment(),
        })
    }

    fn claim(
        &self,
        told: contract::Told,
        row: &Node<'_>,
        context: &Context,
    ) -> Result<Claim, NotUnderstood> {
        let Named::Entities(sightings) = told.named else {
            return Err(NotUnderstood::new("the row names nobody. Add AgentId"));
        };
        Ok(Claim {
            place: row.place.clone(),
            alert_id: self.id.clone().unwrap_or_else(|| context.id.to_string()),
            detection_type: self.detection_type(&told.detection_types, row, context)?,
            severity: self.severity,
            activity_at: self.activity_at,
            detected_at: self.detected_at,
            detection_ids: told.detection_ids,
            sightings,
        })
    }

    /// The row's own word, else the rule's property, else what the configuration gives the rule.
    fn detection_type(
        &self,
        own: &[String],
        row: &Node<'_>,
        context: &Context,
    ) -> Result<DetectionType, NotUnderstood> {
        match (own, self.named_type) {
            ([word], _) => return typed(word, &format!("{}.DetectionType", row.place)),
            ([], Some(word)) => return typed(word, "data.customProperties.DetectionType"),
            ([], None) => {}
            (_, _) => {
                return Err(NotUnderstood::new(format!(
                    "{}.DetectionType holds different values. Split the alert by DetectionType",
                    row.place
                )));
            }
        }
        let mut rules = self.rules.iter();
        let given = rules.find_map(|rule| context.types.get(&rule.to_ascii_lowercase()));
        given.cloned().ok_or_else(|| {
            NotUnderstood::new(format!(
                "{}.DetectionType is missing. Add the dimension DetectionType, or write `types: \
                 {{ {}: DETECTION_TYPE }}` under sources.{}",
                row.place,
                self.rules.last().unwrap_or(&"RULE_NAME"),
                context.source
            ))
        })
    }
}

/// Everything in the alert that may hold the contract: a list of names and values each.
fn rows<'a>(all_of: &Node<'a>) -> Result<Vec<Node<'a>>, NotUnderstood> {
    let mut rows = Vec::new();
    for criterion in all_of.items() {
        let dimensions = criterion.get("dimensions")?;
        if dimensions.items().next().is_some() {
            rows.push(dimensions);
        }
        rows.extend(criterion.get("event")?.items());
    }
    Ok(rows)
}

/// The contract from names and values.
fn details<'a>(row: &Node<'a>) -> Result<Details<'a>, NotUnderstood> {
    let mut details = Details::default();
    for pair in row.items() {
        let name = pair.get("name")?;
        let value: &'a Value = pair.get("value")?.value;
        let name = name.text().unwrap_or_default();
        if !details.put(name, loose(value)) {
            return Err(NotUnderstood::new(format!(
                "{}: {name} stands there twice. Let the rule project it once",
                row.place
            )));
        }
    }
    Ok(details)
}
