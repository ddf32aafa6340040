//! What the tenant has that we need: an answer, a clock, licences, objects behind ids.

use std::collections::BTreeSet;

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::call::{Call, Kind};
use super::error::{Error, Receipt};
use super::lanes::Lane;
use super::page;
use super::place::Place;
use super::shape;
use super::{Ask, Graph};
use crate::domain::entity::ObjectId;
use crate::domain::moment::Moment;

/// Most ids in one question (Microsoft: `getByIds`).
const IDS_MAX: usize = 1000;

/// Graph answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// That it did.
    pub receipt: Receipt,
    /// What time it says it is (`Date`), in whole seconds.
    pub date: Option<Moment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sku {
    #[serde(default)]
    capability_status: String,
    #[serde(default)]
    service_plans: Vec<ServicePlan>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServicePlan {
    service_plan_name: String,
}

#[derive(Deserialize)]
struct Objects {
    value: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    id: ObjectId,
}

impl Graph {
    /// One small read, for whether Graph can be reached and what time it has.
    pub async fn probe(&self, ask: Ask) -> Result<Probe, Error> {
        let answer = self.send(ask, super::smallest()).await?;
        page::listed(&answer)?;
        Ok(Probe {
            receipt: answer.receipt,
            date: answer.date,
        })
    }

    /// Reads one risky agent, if there is any: does ID Protection answer us at all? Needs
    /// `IdentityRiskyAgent.Read.All`, and a licence in the tenant.
    pub async fn agent_risk_answers(&self, ask: Ask) -> Result<Receipt, Error> {
        let place = Place::beta("/identityProtection/riskyAgents?$top=1");
        let call = Call::read(place).in_lane(Lane::IdentityProtection);
        let answer = self.send(ask, call).await?;
        page::listed(&answer)?;
        Ok(answer.receipt)
    }

    /// The names of the service plans the tenant pays for, such as `AAD_PREMIUM_P2`. Needs
    /// `LicenseAssignment.Read.All`, `Organization.Read.All` or `Directory.Read.All`.
    pub async fn service_plans(&self, ask: Ask) -> Result<BTreeSet<String>, Error> {
        let place = Place::v1("/subscribedSkus");
        let skus: Vec<Sku> = self.all(ask, place).await?;
        let paid = skus
            .into_iter()
            .filter(|sku| matches!(sku.capability_status.as_str(), "Enabled" | "Warning"));
        let plans = paid.flat_map(|sku| sku.service_plans);
        Ok(plans.map(|plan| plan.service_plan_name).collect())
    }

    /// Which of these object ids are there, whatever they name. Needs `Directory.Read.All`. An app
    /// id is found only where it is an object id too.
    pub async fn objects_there(
        &self,
        ask: Ask,
        ids: &[ObjectId],
    ) -> Result<BTreeSet<ObjectId>, Error> {
        let mut there = BTreeSet::new();
        for some in ids.chunks(IDS_MAX) {
            let place = Place::v1("/directoryObjects/getByIds?$select=id");
            let mut call = Call::write(Method::POST, place, Lane::DirectoryReads)
                .with_body(&json!({ "ids": some, "types": ["user", "servicePrincipal"] }));
            // It changes nothing, whatever its method.
            call.kind = Kind::Read;
            let spoken = call.spoken();
            let answer = self.send(ask, call).await?;
            let objects: Objects = shape::read(&spoken, &answer.body)?;
            let ids = objects.value.into_iter().map(|object| object.id);
            there.extend(ids.filter(|id| some.contains(id)));
        }
        Ok(there)
    }
}
