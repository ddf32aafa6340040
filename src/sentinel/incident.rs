//! Which incident: a path that a sender named, taken apart and put together again (threat W21).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::domain::entity::ObjectId;

/// Longest name of a resource group, a workspace or an incident.
const NAME_MAX: usize = 90;

/// A Log Analytics workspace that Sentinel works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    subscription: ObjectId,
    group: String,
    name: String,
}

/// One incident of one workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentPath {
    workspace: Workspace,
    name: String,
}

/// This is no resource id of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it must be /subscriptions/GUID/resourceGroups/NAME/providers/\
     Microsoft.OperationalInsights/workspaces/NAME"
)]
pub struct NotAWorkspace;

impl Workspace {
    fn of(segments: &[&str]) -> Option<Self> {
        let [one, subscription, two, group, three, provider, four, name] = segments else {
            return None;
        };
        let words = [*one, *two, *three, *provider, *four];
        let wanted = [
            "subscriptions",
            "resourceGroups",
            "providers",
            "Microsoft.OperationalInsights",
            "workspaces",
        ];
        let alike = words
            .iter()
            .zip(wanted)
            .all(|(it, wanted)| it.eq_ignore_ascii_case(wanted));
        (alike && is_plain(group) && is_plain(name)).then_some(())?;
        Some(Self {
            subscription: subscription.parse().ok()?,
            group: (*group).to_owned(),
            name: (*name).to_owned(),
        })
    }

    /// The same workspace? Azure compares names without regard to case.
    pub fn is(&self, other: &Self) -> bool {
        self.subscription == other.subscription
            && self.group.eq_ignore_ascii_case(&other.group)
            && self.name.eq_ignore_ascii_case(&other.name)
    }
}

impl FromStr for Workspace {
    type Err = NotAWorkspace;

    fn from_str(text: &str) -> Result<Self, NotAWorkspace> {
        let segments: Vec<&str> = text.trim_matches('/').split('/').collect();
        Self::of(&segments).ok_or(NotAWorkspace)
    }
}

impl<'de> Deserialize<'de> for Workspace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.OperationalInsights/workspaces/{}",
            self.subscription, self.group, self.name
        )
    }
}

impl IncidentPath {
    /// Reads a resource id as a sender names it; `None` for anything that could lead elsewhere.
    pub fn parse(text: &str) -> Option<Self> {
        let segments: Vec<&str> = text.strip_prefix('/')?.split('/').collect();
        let (workspace, rest) = segments.split_at_checked(8)?;
        let [providers, provider, incidents, name] = rest else {
            return None;
        };
        let alike = providers.eq_ignore_ascii_case("providers")
            && provider.eq_ignore_ascii_case("Microsoft.SecurityInsights")
            && incidents.eq_ignore_ascii_case("Incidents");
        (alike && is_plain(name)).then_some(())?;
        Some(Self {
            workspace: Workspace::of(workspace)?,
            name: (*name).to_owned(),
        })
    }

    /// Does it lie in one of these?
    pub fn lies_in(&self, workspaces: &[Workspace]) -> bool {
        workspaces.iter().any(|it| it.is(&self.workspace))
    }
}

impl fmt::Display for IncidentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workspace, name } = self;
        write!(
            f,
            "{workspace}/providers/Microsoft.SecurityInsights/incidents/{name}"
        )
    }
}

/// Nothing that an address reads as more than a name; a name of dots would climb.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')');
    (1..=NAME_MAX).contains(&name.len())
        && name.chars().all(plain)
        && name.chars().any(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::{IncidentPath, Workspace};

    const WORKSPACE: &str = "/subscriptions/00000000-0000-0000-0000-0000000000aa/resourceGroups/rg-sec/providers/Microsoft.OperationalInsights/workspaces/law-sec";

    fn incident(name: &str) -> String {
        format!("{WORKSPACE}/providers/Microsoft.SecurityInsights/Incidents/{name}")
    }

    #[test]
    fn an_incident_is_known_by_its_whole_path_whatever_its_case() {
        let path = IncidentPath::parse(&incident("63883bf7-0000")).unwrap();
        let shouted: Workspace = WORKSPACE.to_uppercase().parse().unwrap();

        assert!(path.lies_in(&[shouted]));
        assert!(!path.lies_in(&[]));
        assert!(path.to_string().ends_with("/incidents/63883bf7-0000"));
    }

    #[test]
    fn w21_a_path_that_could_lead_elsewhere_is_none() {
        for bad in [
            incident(".."),
            incident("a/../../b"),
            incident("a?x=1"),
            incident("a#b"),
            incident("a%2fb"),
            incident(""),
            incident(&"a".repeat(91)),
            WORKSPACE.to_owned(),
            incident("a").replace("00000000-0000-0000-0000-0000000000aa", "mine"),
            incident("a").replace("SecurityInsights", "Authorization"),
            format!("https://elsewhere.example{}", incident("a")),
            incident("a")[1..].to_owned(),
        ] {
            assert_eq!(IncidentPath::parse(&bad), None, "{bad}");
        }
    }
}
