//! What the playbooks make of a detection, and why: the decision of triage, without its effects.

use std::collections::BTreeMap;

use crate::catalog::Catalog;
use crate::domain::decision::{Decision, StandDownReason, Verdict};
use crate::domain::detection::{Detection, DetectionType, Sighting, SourceName};
use crate::domain::entity::TenantId;
use crate::domain::guard::Guards;
use crate::domain::id::DetectionId;
use crate::domain::moment::Moment;
use crate::domain::playbook::ServiceMode;
use crate::domain::reading::{self, Mapping, ReaderKind, Reading};
use crate::domain::restraint::Restraints;
use crate::domain::source::{May, SourceTerms};
use crate::triage::{Echo, Weighing, decide};

/// Everything a decision depends on, beside the detection and the time.
pub struct Judge<'a> {
    /// The playbooks asked.
    pub catalog: &'a Catalog,
    /// Whom we do not touch.
    pub guards: &'a Guards,
    /// What is agreed with each source; others may name any agent and agent user.
    pub sources: &'a BTreeMap<SourceName, SourceTerms>,
    /// Our tenant.
    pub tenant: TenantId,
    /// How far the service may go.
    pub service: ServiceMode,
}

impl Judge<'_> {
    /// What triage would decide at this moment, for every entity, with every playbook's why and
    /// why-not. `before` is what it did decide, where it did: an echo of our own word stays one.
    pub fn decide(&self, detection: &Detection, now: Moment, before: &[Decision]) -> Vec<Decision> {
        let fallback = May::default();
        // What the files say by themselves: people's restraints come and go.
        let unrestrained = Restraints::default();
        let terms = self.sources.get(&detection.source);
        let may = terms.map_or(&fallback, |terms| &terms.may);
        let sightings = detection.entities.iter();
        sightings
            .map(|sighting| {
                let weighing = Weighing {
                    catalog: self.catalog,
                    guards: self.guards,
                    restraints: &unrestrained,
                    may,
                    tenant: self.tenant,
                    service: self.service,
                    now,
                    echo: echo(sighting, before),
                };
                decide(&weighing, detection, sighting)
            })
            .collect()
    }
}

fn echo(sighting: &Sighting, before: &[Decision]) -> Echo {
    let ours = Verdict::StandDown {
        because: StandDownReason::EchoOfOurConfirm,
    };
    let was_ours = |one: &Decision| one.entity == sighting.entity && one.verdict == ours;
    if before.iter().any(was_ours) {
        Echo::Ours
    } else {
        Echo::NotOurs
    }
}

/// A body in a file, to be read as a delivery would be.
#[derive(Clone, Debug)]
pub struct Readable {
    /// As which form; `None` tries each.
    pub reader: Option<ReaderKind>,
    /// Who is said to have sent it.
    pub source: SourceName,
    /// Analytic rule id to detection type, as configured for that source.
    pub types: BTreeMap<String, DetectionType>,
    /// How that source's template is read, where it is not the usual way.
    pub mapping: Option<Mapping>,
    /// Our tenant.
    pub tenant: TenantId,
    /// The name it is given.
    pub id: DetectionId,
    /// When it is said to have come.
    pub at: Moment,
}

impl Readable {
    /// The detection in this body.
    ///
    /// # Errors
    /// Why it is none, as the reader says; with several readers tried, what each says.
    pub fn read(&self, body: &[u8]) -> Result<Detection, String> {
        let tried: Vec<ReaderKind> = match self.reader {
            Some(reader) => vec![reader],
            None => ReaderKind::ALL.to_vec(),
        };
        let mut said = Vec::new();
        for reader in tried {
            match reading::read(reader, body, &self.context()) {
                Ok(Reading::Detection(detection)) => return Ok(*detection),
                Ok(Reading::Nothing { why }) => said.push(format!("as {reader}: {why}")),
                Ok(Reading::Incomplete(incomplete)) => said.push(format!(
                    "as {reader}: {} The service would ask for the alert by its id",
                    incomplete.why
                )),
                Err(not_understood) => said.push(format!("as {reader}: {not_understood}")),
            }
        }
        Err(said.join("; "))
    }

    fn context(&self) -> reading::Context {
        reading::Context {
            tenant: self.tenant,
            types: self.types.clone(),
            mapping: self.mapping.clone(),
            source: self.source.clone(),
            id: self.id,
            received_at: self.at,
        }
    }
}
