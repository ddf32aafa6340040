//! Are the logs about risky agents sent anywhere? Without them no detection comes.

use super::report::{Line, State};
use crate::arm::{DiagnosticSetting, Error};
use crate::domain::entity::ObjectId;

const CHECK: &str = "agent_logs";
/// The diagnostic categories that carry agents' risk (their tables are named otherwise).
const CATEGORIES: [&str; 2] = ["RiskyAgents", "AgentRiskEvents"];

pub(super) fn judge(
    read: Option<&Result<Vec<DiagnosticSetting>, Error>>,
    subscription: Option<ObjectId>,
) -> Line {
    let (Some(read), Some(subscription)) = (read, subscription) else {
        let said = "no `azure.subscription` is configured, so Azure is not asked";
        let fix = "Set azure: { subscription: GUID } to see whether the logs flow";
        return Line::of(CHECK, State::Skipped, said, fix);
    };
    let settings = match read {
        Ok(settings) => settings,
        Err(error @ Error::Refused { .. }) => {
            let fix = "Give our principal the directory role Security Reader, or look in Entra: \
                       Diagnostic settings";
            return Line::of(CHECK, State::Unknown, error.to_string(), fix);
        }
        Err(error) => {
            return Line::of(
                CHECK,
                State::Unknown,
                error.to_string(),
                "Run this again later",
            );
        }
    };
    let sends = |setting: &DiagnosticSetting, category: &str| {
        setting.categories.iter().any(|it| it == category)
    };
    let missing: Vec<&str> = CATEGORIES
        .into_iter()
        .filter(|category| !settings.iter().any(|setting| sends(setting, category)))
        .collect();
    if !missing.is_empty() {
        let said = format!("not sent anywhere: {}", missing.join(", "));
        let fix = "Switch the categories on in Entra, Diagnostic settings, towards your workspace";
        return Line::of(CHECK, State::Fail, said, fix);
    }
    let ours = format!("/subscriptions/{subscription}/");
    let in_ours = |setting: &&DiagnosticSetting| {
        let workspace = setting.workspace.as_deref().unwrap_or_default();
        workspace.to_ascii_lowercase().starts_with(&ours)
    };
    let names: Vec<&str> = settings
        .iter()
        .filter(in_ours)
        .filter(|setting| CATEGORIES.iter().all(|category| sends(setting, category)))
        .map(|setting| setting.name.as_str())
        .collect();
    if names.is_empty() {
        let said = "sent, but not together to a workspace of the configured subscription";
        let fix = "Check azure.subscription, or where your SIEM reads them";
        return Line::of(CHECK, State::Warn, said, fix);
    }
    Line::ok(
        CHECK,
        format!("sent by the setting `{}`", names.join("`, `")),
    )
}
