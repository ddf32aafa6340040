//! Records in OCSF's words: a detection is a Detection Finding (2004), a step a Remediation
//! Activity (7001), and every other record an API Activity (6003).

use serde_json::{Value, json};

use crate::domain::action::Action;
use crate::domain::detection::{Detection, Severity};
use crate::domain::record::{Record, SealedLine};

/// The version of OCSF whose members are used.
const VERSION: &str = "1.5.0";

/// What a record is in OCSF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Finding,
    Remediation,
    Api,
}

impl Class {
    fn of(record: &Record) -> Self {
        match record.what.as_str() {
            "detection.decided" => Self::Finding,
            "step.ended" | "step.undone" => Self::Remediation,
            _ => Self::Api,
        }
    }

    const fn uids(self) -> (u32, u32) {
        match self {
            Self::Finding => (2, 2004),
            Self::Remediation => (7, 7001),
            Self::Api => (6, 6003),
        }
    }
}

/// One sealed record as one OCSF event. `detection` is what the record is about, where it is about
/// one. A record that cannot be read is carried as it is: an audit loses nothing.
pub fn event(sealed: &SealedLine, detection: Option<&Detection>) -> Value {
    let Ok(record) = serde_json::from_str::<Record>(&sealed.line) else {
        let mut event = headed(sealed, (Class::Api, 99), 0);
        event["api"] = json!({ "operation": "unreadable" });
        event["actor"] = json!({ "app_name": "estop" });
        event["src_endpoint"] = json!({ "name": "estop" });
        event["raw_data"] = json!(sealed.line);
        return event;
    };
    let class = Class::of(&record);
    let time = record.at.as_millis();
    let mut event = match class {
        Class::Finding => finding(headed(sealed, (class, 1), time), detection),
        Class::Remediation => remediation(sealed, &record),
        Class::Api => api(
            headed(sealed, (class, activity(&record.what)), time),
            &record,
        ),
    };
    // The whole record, so that nothing is lost that OCSF has no word for.
    event["unmapped"] = json!({ "record": record });
    event
}

fn headed(sealed: &SealedLine, (class, activity): (Class, u32), time: i64) -> Value {
    let (category, class) = class.uids();
    json!({
        "category_uid": category,
        "class_uid": class,
        "activity_id": activity,
        "type_uid": class * 100 + activity,
        "time": time,
        "severity_id": 1,
        "metadata": {
            "version": VERSION,
            "uid": sealed.seal.hex(),
            "sequence": sealed.number,
            "product": { "name": "estop", "vendor_name": "estop" },
        },
    })
}

fn finding(mut event: Value, detection: Option<&Detection>) -> Value {
    let Some(detection) = detection else {
        event["finding_info"] = json!({ "uid": "unknown", "title": "detection" });
        return event;
    };
    event["severity_id"] = json!(severity(detection.severity));
    event["is_alert"] = json!(true);
    event["finding_info"] = json!({
        "uid": detection.id,
        "title": detection.detection_type,
        "types": [detection.detection_type],
        "created_time": detection.detected_at.map(|at| at.as_millis()),
        "data_sources": [detection.source],
    });
    let resources = detection
        .entities
        .iter()
        .map(|sighting| json!({ "uid": sighting.entity.id, "type": sighting.entity.kind }));
    event["resources"] = resources.collect();
    if let Some(confidence) = detection.confidence {
        event["confidence_score"] = json!(confidence);
    }
    event
}

fn remediation(sealed: &SealedLine, record: &Record) -> Value {
    let detail = &record.detail;
    let action = detail["action"].as_str().and_then(Action::from_word);
    let undone = record.what == "step.undone";
    let activity = match action {
        _ if undone => 3,
        Some(
            Action::DisableAgent
            | Action::DisableServicePrincipal
            | Action::DisableBlueprint
            | Action::DisableAgentUser
            | Action::StopInFoundry
            | Action::BlockTools
            | Action::QuarantineInRegistry,
        ) => 1,
        Some(
            Action::RevokeSessions
            | Action::RemoveCredential
            | Action::RemoveGrant
            | Action::RemoveAppRole
            | Action::RemoveRole
            | Action::RemoveAccessPackage,
        ) => 2,
        Some(Action::RestoreBlueprint) => 3,
        Some(Action::ConfirmCompromised | Action::TagEntity | Action::Verify) | None => 99,
    };
    let mut event = headed(
        sealed,
        (Class::Remediation, activity),
        record.at.as_millis(),
    );
    let run = record.run.map(|run| run.to_string()).unwrap_or_default();
    event["command_uid"] = json!(format!("{run}/{}", detail["step"]));
    let said = if undone {
        &detail["undo"]
    } else {
        &detail["outcome"]
    };
    let said = said.as_str().unwrap_or_default();
    event["status"] = json!(said);
    event["status_id"] = json!(status(said));
    event["status_detail"] = detail["evidence"].clone();
    event["remediation"] = json!({ "desc": detail["action"] });
    event
}

fn api(mut event: Value, record: &Record) -> Value {
    event["api"] = json!({ "operation": record.what, "service": { "name": "estop" } });
    event["actor"] = match record.who.0.as_str() {
        "estop" => json!({ "app_name": "estop" }),
        who => json!({ "app_name": "estop", "user": { "name": who } }),
    };
    event["src_endpoint"] = json!({ "name": "estop" });
    event["status_id"] = json!(1);
    let named = [
        record.delivery.map(|id| ("delivery", id.to_string())),
        record.detection.map(|id| ("detection", id.to_string())),
        record.run.map(|id| ("run", id.to_string())),
        record.order.map(|id| ("order", id.to_string())),
    ];
    let resources = named.into_iter().flatten();
    event["resources"] = resources
        .map(|(kind, uid)| json!({ "type": kind, "uid": uid }))
        .collect();
    event
}

/// Create, read, update, delete, other.
fn activity(what: &str) -> u32 {
    let verb = what.rsplit('.').next().unwrap_or_default();
    match verb {
        "stored" | "made" | "asked" | "created" | "added" | "taken" | "kept" => 1,
        "revoked" => 4,
        _ => 3,
    }
}

const fn severity(severity: Severity) -> u32 {
    match severity {
        Severity::Informational => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

/// Success, failure, does not exist, partial, unsupported; 0 where nobody knows.
fn status(outcome: &str) -> u32 {
    match outcome {
        "done" | "already_done" | "restored" | "nothing_to_restore" => 1,
        "refused" | "failed" | "denied" => 2,
        "not_found" => 3,
        "partial" => 4,
        "unsupported" => 5,
        "unknown" => 0,
        _ => 99,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::event;
    use crate::domain::id::RunId;
    use crate::domain::moment::Moment;
    use crate::domain::record::{Record, Seal, SealedLine, seal};

    fn sealed(record: &Record) -> SealedLine {
        let line = record.line();
        SealedLine {
            number: 7,
            seal: seal(Seal::GENESIS, &line),
            line,
        }
    }

    #[test]
    fn a_step_is_a_remediation_with_what_ocsf_demands_of_one() {
        let detail = json!({ "step": 0, "action": "disable_agent", "outcome": "done", "evidence": "PATCH 204" });
        let run = RunId::from_uuid(uuid::Uuid::from_u128(7));
        let record = Record::new(Moment::from_millis(5), "step.ended", detail).about_run(run);

        let event = event(&sealed(&record), None);

        assert_eq!(event["class_uid"], 7001);
        assert_eq!(event["type_uid"], 700_101);
        assert_eq!(event["command_uid"], format!("{run}/0"));
        assert_eq!(event["status_id"], 1);
        assert_eq!(event["metadata"]["sequence"], 7);
        assert_eq!(event["unmapped"]["record"]["what"], "step.ended");
    }

    #[test]
    fn a_word_of_a_person_is_an_api_activity_of_theirs() {
        let record = Record::new(Moment::from_millis(5), "order.taken", json!({}));
        let record = record.by(crate::domain::record::Actor("token:soc".to_owned()));

        let event = event(&sealed(&record), None);

        assert_eq!(
            (&event["class_uid"], &event["activity_id"]),
            (&json!(6003), &json!(1))
        );
        assert_eq!(event["actor"]["user"]["name"], "token:soc");
    }

    #[test]
    fn a_record_that_cannot_be_read_is_carried_as_it_is() {
        let line = SealedLine {
            number: 7,
            line: "{broken".to_owned(),
            seal: Seal::GENESIS,
        };

        assert_eq!(event(&line, None)["raw_data"], "{broken");
    }
}
