//! A CloudEvents 1.0 envelope in structured JSON around a body that another reader understands.
//!
//! Knows: the envelope, and how to tell what is inside.
//! Never: a target from the envelope itself.
//!
//! Laws
//! * The envelope's `source` and `id` find a repeat where the body inside has no id of its own.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::moment::Moment;

use super::{Context, NotUnderstood, Reading, defender, estop, key_of, ocsf};

/// The version we read.
const VERSION: &str = "1.0";
/// Longest `source` and `id` together, in bytes.
const NAME_MAX: usize = 512;
/// What Azure Event Grid sends to ask whether the address is ours; it carries no detection.
const GRID_HANDSHAKE: &str = "Microsoft.EventGrid.SubscriptionValidationEvent";

#[derive(Deserialize)]
struct Envelope<'a> {
    specversion: String,
    id: String,
    source: String,
    r#type: String,
    time: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// Just enough to tell what is inside; each a member only one form has.
#[derive(Deserialize)]
struct Inside<'a> {
    #[serde(borrow)]
    class_uid: Option<&'a RawValue>,
    #[serde(borrow)]
    evidence: Option<&'a RawValue>,
}

/// Reads text that passed the strict check.
pub(super) fn read(text: &str, context: &Context) -> Result<Reading, NotUnderstood> {
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|why| {
        NotUnderstood::new(format!(
            "this is not a CloudEvents envelope: {why}. Send structured JSON with specversion, \
             id, source, type and data"
        ))
    })?;
    if envelope.specversion != VERSION {
        return Err(NotUnderstood::new(format!(
            "specversion is not {VERSION}. Send CloudEvents {VERSION}"
        )));
    }
    if envelope.r#type == GRID_HANDSHAKE {
        let why = "Event Grid's question whether the address is ours; answer it in the portal";
        return Ok(Reading::Nothing {
            why: why.to_owned(),
        });
    }
    let name = format!("{} {}", envelope.source, envelope.id);
    if envelope.id.is_empty() || envelope.source.is_empty() || name.len() > NAME_MAX {
        return Err(NotUnderstood::new(format!(
            "id or source is empty, or both are longer than {NAME_MAX} bytes. Name the event"
        )));
    }
    let data = envelope.data.map(RawValue::get).ok_or_else(|| {
        NotUnderstood::new("data is missing. Send the detection as JSON in data, not data_base64")
    })?;
    match inner(data, context)? {
        Reading::Detection(mut detection) => {
            for sighting in &mut detection.entities {
                sighting.found_at.insert_str(0, "data.");
            }
            if detection.key == context.id.to_string() {
                let kind = detection.detection_type.as_str();
                detection.key = key_of(&name, kind, &detection.entities);
            }
            let sent_at = envelope.time.as_deref().and_then(Moment::parse);
            detection.detected_at = detection.detected_at.or(sent_at);
            Ok(Reading::Detection(detection))
        }
        Reading::Nothing { why } => Ok(Reading::Nothing { why }),
        Reading::Incomplete(why) => Ok(Reading::Incomplete(why)),
    }
}

fn inner(data: &str, context: &Context) -> Result<Reading, NotUnderstood> {
    let inside: Inside<'_> = serde_json::from_str(data).map_err(|why| {
        NotUnderstood::new(format!(
            "data is no object: {why}. Send the detection there"
        ))
    })?;
    match (inside.class_uid, inside.evidence) {
        (Some(_), _) => ocsf::read(data, context),
        (None, Some(_)) => defender::read(data, context),
        (None, None) => estop::read(data, context),
    }
}
