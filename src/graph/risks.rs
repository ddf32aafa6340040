//! The risk lists of ID Protection, page by page, each item as Graph wrote it.
//!
//! They share the slowest lane with the confirmations, which go first. That both detections can be
//! filtered by `detectedDateTime` is not documented for agents, so a list can be asked whole too.

use http::HeaderValue;
use serde_json::value::RawValue;

use super::call::Call;
use super::error::Error;
use super::lanes::Lane;
use super::page::Pages;
use super::place::Place;
use super::{Ask, Graph};
use crate::domain::moment::Moment;
use crate::domain::pull::RiskList;

/// Asks for words that lists of words got later; without it they come as `unknownFutureValue`.
const NEW_WORDS: HeaderValue = HeaderValue::from_static("include-unknown-enum-members");

/// A risk list on its way in.
#[derive(Debug)]
pub struct Risks {
    pages: Pages,
}

impl Graph {
    /// Begins to read a list: what was detected or changed since a moment, or all there is.
    pub fn risks(&self, ask: Ask, list: RiskList, since: Option<Moment>) -> Risks {
        let place = place(list);
        let place = match since {
            Some(since) => place.then(filter(list)).moment(since),
            None => place,
        };
        let mut call = Call::read(place).in_lane(Lane::IdentityProtection);
        call.prefer = Some(NEW_WORDS);
        Risks {
            pages: Pages::of(self, ask, call),
        }
    }
}

impl Risks {
    /// The next page, or `None` behind the last. After an error the same page may be asked again.
    pub async fn next(&mut self) -> Result<Option<Vec<Box<RawValue>>>, Error> {
        self.pages.next().await
    }
}

fn place(list: RiskList) -> Place {
    match list {
        RiskList::AgentRiskDetections => Place::beta("/identityProtection/agentRiskDetections"),
        RiskList::RiskyAgents => Place::beta("/identityProtection/riskyAgents"),
        RiskList::ServicePrincipalRiskDetections => {
            Place::v1("/identityProtection/servicePrincipalRiskDetections")
        }
    }
}

fn filter(list: RiskList) -> &'static str {
    match list {
        RiskList::AgentRiskDetections | RiskList::ServicePrincipalRiskDetections => {
            "?$filter=detectedDateTime%20ge%20"
        }
        RiskList::RiskyAgents => "?$filter=riskLastModifiedDateTime%20ge%20",
    }
}
