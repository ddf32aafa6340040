//! One look: read everything that this role needs, then judge it.

use std::collections::BTreeSet;

use futures_util::future::join;

use super::policy::Whom;
use super::report::{Line, Report};
use super::{
    Doctor, Enforcement, Patient, Wants, drills, licence, logs, ourselves, pages, permissions,
    policy, protected, reach, reading, rights, sights, skew, stored, token,
};
use crate::domain::drill::DrillState;
use crate::domain::sight::Sight;
use crate::store;

/// Drills looked through for the newest that has ended.
const DRILLS_SEEN: u32 = 5;

impl Doctor {
    /// Looks at everything by reading, with the least priority, and writes it on the board. Takes
    /// a few seconds: ID Protection gives one answer a second to the whole tenant.
    pub async fn examine(&self) -> Report {
        let at = self.clock.now();
        let mut lines = vec![stored::judge(&self.stored().await)];
        let mut enforcement = Enforcement::default();
        match &self.tenant {
            None => {}
            Some(patient) if self.premises.role.works() => {
                let (found, known) = self.of_worker(patient).await;
                lines.extend(found);
                enforcement = known;
            }
            Some(patient) => lines.extend(self.of_reader(patient).await),
        }
        let report = Report { at, lines };
        self.board.write(report.clone(), enforcement);
        report
    }

    /// What a role needs that shows the tenant and changes nothing.
    async fn of_reader(&self, patient: &Patient) -> Vec<Line> {
        let (held, identity) = patient.token().await;
        let roles = identity.as_ref().map(|identity| identity.roles.as_slice());
        let (probe, ours) = self.probed(patient).await;
        let there = self.there(patient, identity.as_ref()).await;
        let apps = self.blueprint_apps(patient, &there).await;
        let date = probe.as_ref().ok().and_then(|probe| probe.date);
        let premises = &self.premises;
        vec![
            reach::judge(&probe),
            token::judge(&held, premises.tenant, self.clock.now()),
            skew::judge(date, ours),
            rights::judge(roles, premises.profile),
            reading::judge(roles),
            ourselves::judge(identity.as_ref(), &premises.ourselves, &there),
            protected::judge(&premises.protected, &there, &apps),
        ]
    }

    /// What a containment needs, and whether a policy blocks agents at high risk.
    async fn of_worker(&self, patient: &Patient) -> (Vec<Line>, Enforcement) {
        let wants = Wants::of(&self.catalog.load());
        let (held, identity) = patient.token().await;
        let roles = identity.as_ref().map(|identity| identity.roles.as_slice());
        let (probe, ours) = self.probed(patient).await;
        let there = self.there(patient, identity.as_ref()).await;
        let apps = self.blueprint_apps(patient, &there).await;
        let policies = self.policies(patient).await;
        let (risk, plans) = join(
            patient.graph.agent_risk_answers(self.ask()),
            patient.graph.service_plans(self.ask()),
        )
        .await;
        let settings = match &patient.arm {
            Some(arm) => Some(arm.diagnostic_settings().await),
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
        let mut lines = vec![
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
        ];
        lines.extend(self.practised(&wants).await);
        (lines, policy::enforcement(Whom::Agents, &policies))
    }

    /// Was it tried lately, and is there anyone to tell?
    async fn practised(&self, wants: &Wants) -> [Line; 3] {
        let (mut drilled, mut tested) = (None, None);
        if let Some(store) = &self.store {
            drilled = Some(self.drilled(store).await);
            tested = Some(store.tested_places().await);
        }
        let premises = &self.premises;
        [
            drills::judge(premises.drill, drilled.as_ref(), self.clock.now()),
            pages::judge(&premises.places, tested.as_ref()),
            pages::judge_audience(&premises.places, &wants.audience),
        ]
    }

    async fn stored(&self) -> stored::Read {
        match (&self.store, &self.away) {
            (Some(store), _) => stored::Read::Asked(store.facts().await),
            (None, Some(why)) => stored::Read::Away(why.clone()),
            (None, None) => stored::Read::NotYet,
        }
    }

    /// What is looked at here, with what the playbooks in force look at.
    fn sights(&self, wants: &Wants) -> BTreeSet<Sight> {
        let mut sights = self.premises.sights.clone();
        sights.extend(wants.scheduled.then_some(Sight::Schedules));
        sights
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
