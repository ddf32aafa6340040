//! The gate of Copilot Studio, checked.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::BadConfig;
use crate::domain::entity::ObjectId;
use crate::domain::name::{NAME_MAX, is_name};
use crate::domain::tools::BotId;
use crate::entra::{AppMark, CallerRules};
use crate::ingress::{Environment, Fallback};

/// Most environments, and most bots in all of them.
const ENVIRONMENTS_MAX: usize = 1_000;
const BOTS_MAX: usize = 100_000;

/// `copilot:` as people write it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CopilotFile {
    verify: VerifyCaller,
    environments: BTreeMap<String, EnvironmentFile>,
    unmapped: Option<Fallback>,
    cannot_tell: Option<Fallback>,
}

/// Who asks: the application registration that Power Platform speaks for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifyCaller {
    audience: Vec<String>,
    applications: Vec<ObjectId>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvironmentFile {
    environment_id: Option<String>,
    #[serde(default)]
    agents: BTreeMap<String, ObjectId>,
}

/// The gate as configured.
#[derive(Clone, Debug)]
pub struct CopilotConfig {
    /// Who may ask.
    pub callers: CallerRules,
    /// Which environments ask, by their name in our path.
    pub environments: BTreeMap<String, Environment>,
    /// Which bot acts as whom, as far as it is written.
    pub bots: BTreeMap<BotId, ObjectId>,
    /// What a bot is told that nobody knows.
    pub unmapped: Fallback,
    /// What is said where we cannot tell.
    pub cannot_tell: Fallback,
}

/// Checks the section.
pub(super) fn copilot(file: Option<CopilotFile>) -> Result<Option<CopilotConfig>, BadConfig> {
    let Some(file) = file else { return Ok(None) };
    let bad = |what: String| BadConfig(format!("`copilot`: {what}"));
    if file.environments.is_empty() || file.environments.len() > ENVIRONMENTS_MAX {
        return Err(bad(format!(
            "`environments` must name 1 to {ENVIRONMENTS_MAX} environments"
        )));
    }
    let (mut environments, mut bots) = (BTreeMap::new(), BTreeMap::new());
    for (name, one) in file.environments {
        if !is_name(&name, &['-', '_']) {
            return Err(bad(format!(
                "the environment `{name}` stands in our path: 1 to {NAME_MAX} lower-case letters, \
                 digits, `-` and `_`"
            )));
        }
        for (bot, agent) in one.agents {
            let bot: BotId = bot
                .parse()
                .map_err(|why| bad(format!("the bot `{bot}` of `{name}`: {why}")))?;
            let before = bots.insert(bot, agent);
            if before.is_some_and(|other| other != agent) {
                return Err(bad(format!("the bot {bot} is two agents")));
            }
        }
        let id = one.environment_id;
        environments.insert(name, Environment { id });
    }
    if bots.len() > BOTS_MAX {
        return Err(bad(format!("more than {BOTS_MAX} bots")));
    }
    let rules = CallerRules {
        audiences: file.verify.audience,
        applications: file.verify.applications,
        callers: Vec::new(),
        roles: Vec::new(),
        idtyp: AppMark::IfPresent,
    };
    Ok(Some(CopilotConfig {
        callers: rules
            .checked()
            .map_err(|why| bad(format!("`verify`: {why}")))?,
        environments,
        bots,
        unmapped: file.unmapped.unwrap_or(Fallback::Allow),
        cannot_tell: file.cannot_tell.unwrap_or(Fallback::Error),
    }))
}
