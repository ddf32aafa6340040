//! The lists of Entra ID Protection that are asked for what nobody sent us.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One list of risk, in Graph's own order of naming.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskList {
    /// Detections about agents, their users and blueprints. Beta only (facts: Aug 2026).
    AgentRiskDetections,
    /// Agents at risk now. Beta only; asked behind the detections, for what they do not explain.
    RiskyAgents,
    /// Detections about plain service principals, such as classic agents.
    ServicePrincipalRiskDetections,
}

impl RiskList {
    /// Every list, in the order they are asked.
    pub const ALL: [Self; 3] = [
        Self::AgentRiskDetections,
        Self::RiskyAgents,
        Self::ServicePrincipalRiskDetections,
    ];

    /// The word for it in YAML, metrics and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AgentRiskDetections => "agent_risk_detections",
            Self::RiskyAgents => "risky_agents",
            Self::ServicePrincipalRiskDetections => "service_principal_risk_detections",
        }
    }

    /// The member that one item of it is wrapped in when it becomes a delivery.
    pub const fn member(self) -> &'static str {
        match self {
            Self::AgentRiskDetections => "agentRiskDetection",
            Self::RiskyAgents => "riskyAgent",
            Self::ServicePrincipalRiskDetections => "servicePrincipalRiskDetection",
        }
    }

    /// The Graph application permission that reads it (permissions file, 2026-08-07).
    pub const fn permission(self) -> &'static str {
        match self {
            Self::AgentRiskDetections | Self::ServicePrincipalRiskDetections => {
                "IdentityRiskEvent.Read.All"
            }
            Self::RiskyAgents => "IdentityRiskyAgent.Read.All",
        }
    }
}

impl fmt::Display for RiskList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
