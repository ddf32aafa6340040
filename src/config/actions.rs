//! What some actions need to know: the attribute that marks, and where agents run in Foundry.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::BadConfig;
use crate::domain::entity::ObjectId;
use crate::domain::found::Runtime;
use crate::foundry;
use crate::graph::Tag;

/// Most places in Foundry that are listed.
const RUNTIMES_MAX: usize = 10_000;
/// Longest value of the attribute (Microsoft: 64 characters).
const TAG_MAX: usize = 64;
/// What a token for Foundry is asked for.
const SCOPE: &str = "https://ai.azure.com/.default";

/// `actions:` as people write it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActionsFile {
    tag: Option<Tag>,
    foundry: Option<FoundryFile>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FoundryFile {
    api_version: String,
    scope: Option<String>,
    agents: BTreeMap<ObjectId, Vec<Runtime>>,
}

/// What the actions were told, checked.
#[derive(Clone, Debug, Default)]
pub struct ActionsConfig {
    /// The attribute `tag_entity` sets.
    pub tag: Option<Tag>,
    /// Where `stop_in_foundry` goes.
    pub foundry: Option<FoundryConfig>,
}

/// Foundry, as configured.
#[derive(Clone, Debug)]
pub struct FoundryConfig {
    /// What a token for it is asked for.
    pub scope: String,
    /// Its version, and where each agent runs.
    pub terms: foundry::Terms,
}

impl ActionsFile {
    pub(super) fn checked(self) -> Result<ActionsConfig, BadConfig> {
        if let Some(tag) = &self.tag
            && (tag.value.is_empty() || tag.value.chars().count() > TAG_MAX)
        {
            return Err(BadConfig(format!(
                "`actions.tag.value` must be 1 to {TAG_MAX} characters"
            )));
        }
        let foundry = self.foundry.map(FoundryFile::checked).transpose()?;
        Ok(ActionsConfig {
            tag: self.tag,
            foundry,
        })
    }
}

impl FoundryFile {
    fn checked(self) -> Result<FoundryConfig, BadConfig> {
        let runtimes = || self.agents.values().flatten();
        if runtimes().count() > RUNTIMES_MAX {
            return Err(BadConfig(format!(
                "`actions.foundry.agents` names more than {RUNTIMES_MAX} places"
            )));
        }
        for runtime in runtimes() {
            foundry::checked(&runtime.project)
                .map_err(|bad| BadConfig(format!("`actions.foundry.agents`: {bad}")))?;
        }
        let scope = self.scope.unwrap_or_else(|| SCOPE.to_owned());
        if !scope.starts_with("https://") || !scope.ends_with("/.default") {
            return Err(BadConfig(format!(
                "`actions.foundry.scope` is `{scope}`; it must be https://…/.default"
            )));
        }
        Ok(FoundryConfig {
            scope,
            terms: foundry::Terms {
                api_version: self.api_version,
                agents: self.agents,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::File;

    fn said(actions: &str) -> Option<String> {
        let text = format!(
            "tenant:\n  id: 3f9e88bf-86f1-41af-91ab-2d7cd01177aa\n  credential: managed_identity\n\
             actions:\n{actions}"
        );
        let file = match File::parse("estop.yaml", &text) {
            Ok(file) => file,
            Err(bad) => return Some(bad.to_string()),
        };
        file.actions.checked().err().map(|bad| bad.to_string())
    }

    fn foundry(project: &str, name: &str) -> String {
        format!(
            "  foundry:\n    api_version: 2025-11-15-preview\n    agents:\n      \
             7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0:\n        \
             - {{ project: \"{project}\", name: {name} }}\n"
        )
    }

    #[test]
    fn a_token_for_foundry_is_promised_to_safe_places_only() {
        let good = "https://x.services.ai.azure.com/api/projects/p";

        assert_eq!(said(&foundry(good, "invoice-bot")), None);
        assert_eq!(
            said(&foundry("http://127.0.0.1:1/api/projects/p", "invoice-bot")),
            None
        );
        assert!(said(&foundry("http://x.example/p", "invoice-bot")).is_some());
        assert!(said(&foundry(good, "../sessions")).is_some());
    }

    #[test]
    fn a_tag_is_a_set_an_attribute_and_a_value() {
        let tag = "  tag: { set: Estop, attribute: Containment, value: contained }\n";

        assert_eq!(said(tag), None);
        assert!(said(&tag.replace("contained", "\"\"")).is_some());
        assert!(said(&tag.replace("value", "worth")).is_some());
    }
}
