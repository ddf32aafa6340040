//! The way back to incidents: `incidents:`, checked.

use serde::Deserialize;

use super::BadConfig;
use crate::notify::{Begin, Judge};
use crate::sentinel::Workspace;

/// Most workspaces that are listed.
const WORKSPACES_MAX: usize = 100;

/// `incidents:` as people write it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IncidentsFile {
    sentinel: Option<SentinelFile>,
    defender: Option<DefenderFile>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SentinelFile {
    workspaces: Vec<Workspace>,
    #[serde(default)]
    begin: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefenderFile {
    #[serde(default)]
    classify: bool,
}

/// Which incidents are ours to write to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentsConfig {
    /// Workspaces of Sentinel, and whether an incident nobody has begun is made active.
    pub sentinel: Option<(Vec<Workspace>, Begin)>,
    /// Defender, and whether a person's verdict becomes the classification.
    pub defender: Option<Judge>,
}

impl IncidentsFile {
    pub(super) fn checked(self) -> Result<IncidentsConfig, BadConfig> {
        let workspaces = self.sentinel.as_ref().map(|it| it.workspaces.len());
        if workspaces.is_some_and(|count| count == 0 || count > WORKSPACES_MAX) {
            return Err(BadConfig(format!(
                "`incidents.sentinel.workspaces` names 1 to {WORKSPACES_MAX} workspaces by their \
                 resource ids"
            )));
        }
        let begin = |begin| if begin { Begin::Yes } else { Begin::No };
        let judge = |judge| if judge { Judge::Yes } else { Judge::No };
        Ok(IncidentsConfig {
            sentinel: self.sentinel.map(|it| (it.workspaces, begin(it.begin))),
            defender: self.defender.map(|it| judge(it.classify)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::File;
    use super::{Begin, IncidentsConfig, Judge};

    const WORKSPACE: &str = "/subscriptions/00000000-0000-0000-0000-0000000000aa/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/law";

    fn read(incidents: &str) -> Result<IncidentsConfig, String> {
        let text = format!(
            "tenant:\n  id: 3f9e88bf-86f1-41af-91ab-2d7cd01177aa\n  credential: managed_identity\n\
             incidents: {incidents}\n"
        );
        let file = File::parse("estop.yaml", &text).map_err(|bad| bad.to_string())?;
        file.incidents.checked().map_err(|bad| bad.to_string())
    }

    #[test]
    fn the_way_back_names_whose_incidents_are_written_to() {
        let both = format!(
            "{{ sentinel: {{ workspaces: [\"{WORKSPACE}\"], begin: true }}, defender: {{}} }}"
        );

        let config = read(&both).unwrap();

        assert_eq!(config.sentinel.unwrap().1, Begin::Yes);
        assert_eq!(config.defender, Some(Judge::No));
        assert!(read("{ sentinel: { workspaces: [] } }").is_err());
        let said = read("{ sentinel: { workspaces: [law] } }").unwrap_err();
        assert!(said.contains("resourceGroups"), "{said}");
    }
}
