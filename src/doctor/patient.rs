//! The tenant, read for one look.

use std::collections::BTreeSet;

use super::{Doctor, Patient, policy, token};
use crate::domain::entity::ObjectId;
use crate::domain::moment::Moment;
use crate::entra::Identity;
use crate::graph::{Ask, Error, Priority, Probe};

impl Patient {
    pub(super) async fn token(&self) -> (token::Read, Option<Identity>) {
        match self.tokens.token().await {
            Ok(token) => {
                let identity = token.identity().cloned();
                (Ok((token.expires_at(), identity.clone())), identity)
            }
            Err(error) => (Err(error), None),
        }
    }
}

impl Doctor {
    pub(super) fn ask(&self) -> Ask {
        Ask {
            priority: Priority::Watch,
            correlation: self.clock.uuid(),
        }
    }

    /// The answer, and the middle of the time it took by our clock.
    pub(super) async fn probed(&self, patient: &Patient) -> (Result<Probe, Error>, Moment) {
        let before = self.clock.now();
        let probe = patient.graph.probe(self.ask()).await;
        let took = self.clock.now().since(before);
        (probe, before.plus(took / 2))
    }

    /// Which of our own and the protected ids are there.
    pub(super) async fn there(
        &self,
        patient: &Patient,
        identity: Option<&Identity>,
    ) -> Result<BTreeSet<ObjectId>, Error> {
        let own = identity.map(|identity| identity.object_id);
        let ids: Vec<ObjectId> = self.premises.protected.iter().copied().chain(own).collect();
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        patient.graph.objects_there(self.ask(), &ids).await
    }

    /// Those of the protected ids that are no object ids, and the app id of a blueprint.
    pub(super) async fn blueprint_apps(
        &self,
        patient: &Patient,
        there: &Result<BTreeSet<ObjectId>, Error>,
    ) -> BTreeSet<ObjectId> {
        let mut apps = BTreeSet::new();
        let Ok(there) = there else { return apps };
        let protected = self.premises.protected.iter();
        for id in protected.filter(|id| !there.contains(id)) {
            let found = patient.graph.blueprint_by_app_id(self.ask(), *id).await;
            apps.extend(found.is_ok().then_some(*id));
        }
        apps
    }

    pub(super) async fn policies(&self, patient: &Patient) -> policy::Read {
        let policies = patient.graph.policies(self.ask()).await?;
        Ok(policy::Rules {
            policies: policies.all.clone(),
            defaults: patient.graph.security_defaults(self.ask()).await?,
        })
    }
}
