//! One look: read everything, then judge it.

use std::collections::BTreeSet;

use futures_util::future::join;

use super::policy::Whom;
use super::report::{Line, Report};
use super::{
    Doctor, Wants, drills, licence, logs, ourselves, pages, permissions, policy, protected, reach,
    rights, sights, skew, stored, token,
};
use crate::domain::drill::DrillState;
use crate::domain::entity::ObjectId;
use crate::domain::sight::Sight;
use crate::entra::Identity;
use crate::graph::{Ask, Error, Priority};
use crate::store;

/// Drills looked through for the newest that has ended.
const DRILLS_SEEN: u32 = 5;

impl Doctor {
    /// Looks at everything by reading, with the least priority, and writes it on the board. Takes
    /// a few seconds: ID Protection gives one answer a second to the whole tenant.
    pub async fn examine(&self) -> Report {
        let wants = Wants::of(&self.catalog.load());
        let (held, identity) = self.token().await;
        let roles = identity.as_ref().map(|identity| identity.roles.as_slice());
        let (probe, ours) = self.probed().await;
        let there = self.there(identity.as_ref()).await;
        let apps = self.blueprint_apps(&there).await;
        let policies = self.policies().await;
        let (risk, plans) = join(
            self.graph.agent_risk_answers(self.ask()),
            self.graph.service_plans(self.ask()),
        )
        .await;
        let settings = match &self.arm {
            Some(arm) => Some(arm.diagnostic_settings().await),
            None => None,
        };
        let drilled = match &self.store {
            Some(store) => Some(self.drilled(store).await),
            None => None,
        };
        let tested = match &self.store {
            Some(store) => Some(store.tested_places().await),
            None => None,
        };
        let premises = &self.premises;
        let now = self.clock.now();
        let known = licence::Known {
            cloud: premises.cloud,
            roles,
            plans: plans.as_ref().ok(),
        };
        let date = probe.as_ref().ok().and_then(|probe| probe.date);
        let lines: Vec<Line> = vec![
            stored::judge(&self.stored().await),
            reach::judge(&probe),
            token::judge(&held, premises.tenant, now),
            skew::judge(date, ours),
            permissions::judge(roles, premises.profile, &wants),
            rights::judge(roles, premises.profile),
            sights::judge(roles, &self.sights(&wants)),
            ourselves::judge(identity.as_ref(), &premises.ourselves, &there),
            protected::judge(&premises.protected, &there, &apps),
            licence::judge(&risk, &known, &wants),
            policy::judge(Whom::Agents, &policies, &wants.risk_only),
            policy::judge(Whom::AgentUsers, &policies, &[]),
            policy::judge_classic(&policies, &wants.classic),
            logs::judge(settings.as_ref(), premises.subscription),
            drills::judge(premises.drill, drilled.as_ref(), now),
            pages::judge(&premises.places, tested.as_ref()),
            pages::judge_audience(&premises.places, &wants.audience),
        ];
        let report = Report { at: now, lines };
        let enforcement = policy::enforcement(Whom::Agents, &policies);
        self.board.write(report.clone(), enforcement);
        report
    }

    async fn stored(&self) -> stored::Read {
        match (&self.store, &self.away) {
            (Some(store), _) => stored::Read::Asked(store.facts().await),
            (None, Some(why)) => stored::Read::Away(why.clone()),
            (None, None) => stored::Read::NotYet,
        }
    }

    fn ask(&self) -> Ask {
        Ask {
            priority: Priority::Watch,
            correlation: self.clock.uuid(),
        }
    }

    async fn token(&self) -> (token::Read, Option<Identity>) {
        match self.tokens.token().await {
            Ok(token) => {
                let identity = token.identity().cloned();
                (Ok((token.expires_at(), identity.clone())), identity)
            }
            Err(error) => (Err(error), None),
        }
    }

    /// The answer, and the middle of the time it took by our clock.
    async fn probed(
        &self,
    ) -> (
        Result<crate::graph::Probe, Error>,
        crate::domain::moment::Moment,
    ) {
        let before = self.clock.now();
        let probe = self.graph.probe(self.ask()).await;
        let took = self.clock.now().since(before);
        (probe, before.plus(took / 2))
    }

    /// Which of our own and the protected ids are there.
    async fn there(&self, identity: Option<&Identity>) -> Result<BTreeSet<ObjectId>, Error> {
        let own = identity.map(|identity| identity.object_id);
        let ids: Vec<ObjectId> = self.premises.protected.iter().copied().chain(own).collect();
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        self.graph.objects_there(self.ask(), &ids).await
    }

    /// Those of the protected ids that are no object ids, and the app id of a blueprint.
    async fn blueprint_apps(
        &self,
        there: &Result<BTreeSet<ObjectId>, Error>,
    ) -> BTreeSet<ObjectId> {
        let mut apps = BTreeSet::new();
        let Ok(there) = there else { return apps };
        for id in self
            .premises
            .protected
            .iter()
            .filter(|id| !there.contains(id))
        {
            if self
                .graph
                .blueprint_by_app_id(self.ask(), *id)
                .await
                .is_ok()
            {
                apps.insert(*id);
            }
        }
        apps
    }

    /// What is looked at here, with what the playbooks in force look at.
    fn sights(&self, wants: &Wants) -> BTreeSet<Sight> {
        let mut sights = self.premises.sights.clone();
        sights.extend(wants.scheduled.then_some(Sight::Schedules));
        sights
    }

    async fn policies(&self) -> policy::Read {
        let policies = self.graph.policies(self.ask()).await?;
        Ok(policy::Rules {
            policies: policies.all.clone(),
            defaults: self.graph.security_defaults(self.ask()).await?,
        })
    }

    async fn drilled(&self, store: &store::Store) -> Result<drills::Read, store::Error> {
        let Some((canary, _)) = self.premises.drill else {
            return Ok(drills::Read::default());
        };
        let newest = store.drills(DRILLS_SEEN).await?;
        let good = store.last_good_drill(canary).await?;
        let looked = self.premises.sights.contains(&Sight::Evidence);
        let run = good.as_ref().and_then(|drill| drill.run);
        let token = match run.filter(|_| looked) {
            Some(run) => Some(store.token_seen(run).await?),
            None => None,
        };
        let ended = |state: DrillState| !state.is_open();
        Ok(drills::Read {
            last: newest
                .into_iter()
                .find(|drill| drill.canary == canary && ended(drill.state)),
            good,
            token,
        })
    }
}
