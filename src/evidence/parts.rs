//! How each part is read, and what it means when it is not.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Gatherer;
use super::gather::written;
use crate::arm;
use crate::domain::entity::{EntityKind, ObjectId};
use crate::domain::evidence::{
    CallerList, ChangeList, EvidencePart, KeptPart, RoleHeld, RoleHolder, SignIn, SignInList,
};
use crate::domain::inventory::Bond;
use crate::domain::moment::Moment;
use crate::domain::run::Run;
use crate::graph::{self, Ask, ChangesOf, Priority, SignInsOf};

/// How far back sign-ins and callers are read.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How far back directory changes are read.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
/// Pause after an answer that makes no sense.
const PAUSE: Duration = Duration::from_secs(30);
/// Most resources that are looked up as agents.
const CALLED_MAX: usize = 200;
/// Directory roles whose holders can enable an agent again (Microsoft names the first two,
/// 2026-04; the third may do everything).
const ENABLERS: [&str; 3] = [
    "Agent ID Administrator",
    "Cloud Application Administrator",
    "Global Administrator",
];

/// Why a part is not there.
pub(super) enum Miss {
    /// Asking again would not help.
    Never(String),
    /// Perhaps later.
    Later {
        /// How long to wait at least.
        after: Duration,
        /// What was heard.
        why: String,
    },
}

/// Reads the parts of one run.
pub(super) struct Reader<'a> {
    pub(super) of: &'a Gatherer,
    pub(super) run: &'a Run,
    /// What is kept already.
    pub(super) kept: &'a [KeptPart],
    pub(super) now: Moment,
}

impl Reader<'_> {
    /// Reads one part, as the JSON text that is kept.
    pub(super) async fn read(&self, part: EvidencePart) -> Result<String, Miss> {
        use EvidencePart as P;
        let (graph, ask, id) = (&self.of.graph, self.ask(), self.run.entity.id);
        let miss = |error| missed(part, error);
        match part {
            P::Grants => Ok(written(&graph.grants_of(ask, id).await.map_err(miss)?)),
            P::AppRoles => Ok(written(&graph.app_roles_of(ask, id).await.map_err(miss)?)),
            P::DirectoryRoles => self.directory_roles(part).await,
            P::AzureRoles => self.azure_roles(part).await,
            P::Credentials => self.credentials(part).await,
            P::Owners => self.people(part, Bond::Owner).await,
            P::Sponsors => self.people(part, Bond::Sponsor).await,
            P::Administrators => self.administrators(part).await,
            P::DirectoryChanges => self.changes(part).await,
            P::SignIns | P::Refused => {
                let since = self.since(DAY);
                Ok(written(&self.sign_ins(part, since).await?))
            }
            P::Callers => self.callers(part).await,
        }
    }

    /// The entity's own sign-ins, newest first.
    pub(super) async fn sign_ins(
        &self,
        part: EvidencePart,
        since: Moment,
    ) -> Result<SignInList, Miss> {
        let id = self.run.entity.id;
        let mut list = match self.run.entity.kind {
            EntityKind::Agent => {
                let mut list = self.log(part, SignInsOf::Itself(id), since).await?;
                // An agent's object id is its app id too.
                let more = self.log(part, SignInsOf::OnBehalf(id), since).await?;
                list.whole &= more.whole;
                list.sign_ins.extend(more.sign_ins);
                list
            }
            EntityKind::ServicePrincipal | EntityKind::Blueprint => {
                self.log(part, SignInsOf::Itself(id), since).await?
            }
            EntityKind::AgentUser | EntityKind::User => {
                self.log(part, SignInsOf::User(id), since).await?
            }
        };
        list.sign_ins.sort_by_key(|one| std::cmp::Reverse(one.at));
        Ok(list)
    }

    async fn log(
        &self,
        part: EvidencePart,
        whose: SignInsOf,
        since: Moment,
    ) -> Result<SignInList, Miss> {
        let read = self.of.graph.sign_ins(self.ask(), whose, since).await;
        read.map_err(|error| missed(part, error))
    }

    async fn directory_roles(&self, part: EvidencePart) -> Result<String, Miss> {
        let (graph, miss) = (&self.of.graph, |error| missed(part, error));
        let id = self.run.entity.id;
        let held = graph
            .directory_roles_of(self.ask(), id)
            .await
            .map_err(miss)?;
        if held.is_empty() {
            return Ok("[]".to_owned());
        }
        let names = graph.role_names(self.ask()).await.map_err(miss)?;
        let roles: Vec<RoleHeld> = held
            .into_iter()
            .map(|it| RoleHeld {
                role: names
                    .get(&it.role_definition_id)
                    .cloned()
                    .unwrap_or_else(|| it.role_definition_id.to_string()),
                scope: it.directory_scope_id,
            })
            .collect();
        Ok(written(&roles))
    }

    async fn azure_roles(&self, part: EvidencePart) -> Result<String, Miss> {
        let Some((arm, subscription)) = &self.of.azure else {
            let why = "no azure.subscription is configured";
            return Err(Miss::Never(why.to_owned()));
        };
        match arm.roles_of(*subscription, self.run.entity.id).await {
            Ok(roles) => Ok(written(&roles)),
            Err(error @ arm::Error::Refused { .. }) => {
                Err(Miss::Never(format!("{error}; it needs {}", part.needs())))
            }
            Err(error @ (arm::Error::TryAgain(_) | arm::Error::Unknown(_))) => Err(Miss::Later {
                after: PAUSE,
                why: error.to_string(),
            }),
        }
    }

    /// Credentials lie on the blueprint's application; an agent has none of its own.
    async fn credentials(&self, part: EvidencePart) -> Result<String, Miss> {
        let (graph, id, miss) = (&self.of.graph, self.run.entity.id, |error| {
            missed(part, error)
        });
        let app = if self.run.entity.kind == EntityKind::Blueprint {
            Some(graph.blueprint(self.ask(), id).await.map_err(miss)?.app_id)
        } else {
            let agent = graph.agent(self.ask(), id).await.map_err(miss)?;
            agent.blueprint_app_id
        };
        let app = app.ok_or_else(|| Miss::Never("it names no blueprint".to_owned()))?;
        let read = graph.credentials_of(self.ask(), app).await;
        Ok(written(&read.map_err(miss)?))
    }

    async fn people(&self, part: EvidencePart, bond: Bond) -> Result<String, Miss> {
        let (graph, entity) = (&self.of.graph, self.run.entity);
        let read = graph.people_of(self.ask(), entity, bond).await;
        Ok(written(&read.map_err(|error| missed(part, error))?))
    }

    async fn administrators(&self, part: EvidencePart) -> Result<String, Miss> {
        let (graph, miss) = (&self.of.graph, |error| missed(part, error));
        let names = graph.role_names(self.ask()).await.map_err(miss)?;
        let mut holders = Vec::new();
        for (definition, role) in names {
            if !ENABLERS.contains(&role.as_str()) {
                continue;
            }
            let held = graph.assignments_of_role(self.ask(), &definition);
            let held = held.await.map_err(miss)?.into_iter();
            holders.extend(held.map(|it| RoleHolder {
                role: role.clone(),
                holder: it.principal_id,
            }));
        }
        Ok(written(&holders))
    }

    async fn changes(&self, part: EvidencePart) -> Result<String, Miss> {
        let (graph, id, miss) = (&self.of.graph, self.run.entity.id, |error| {
            missed(part, error)
        });
        let since = self.since(WEEK);
        let about = graph.directory_changes(self.ask(), ChangesOf::Target(id), since);
        let (about, mut whole) = about.await.map_err(miss)?;
        let by = match self.run.entity.kind {
            EntityKind::Agent => Some(ChangesOf::App(id)),
            EntityKind::AgentUser | EntityKind::User => Some(ChangesOf::User(id)),
            // Their app id is another than their object id, and is not known here.
            EntityKind::ServicePrincipal | EntityKind::Blueprint => None,
        };
        let by = match by {
            Some(by) => {
                let read = graph.directory_changes(self.ask(), by, since).await;
                let (by, all) = read.map_err(miss)?;
                whole &= all;
                Some(by)
            }
            None => None,
        };
        Ok(written(&ChangeList {
            since,
            whole,
            about,
            by,
        }))
    }

    async fn callers(&self, part: EvidencePart) -> Result<String, Miss> {
        let (id, since) = (self.run.entity.id, self.since(DAY));
        let asked = self.log(part, SignInsOf::Callers(id), since).await?;
        let own = self.own_sign_ins();
        let whole = asked.whole && own.as_ref().is_some_and(|list| list.whole);
        let callers = issued(&asked.sign_ins, |one| one.service_principal.or(one.user));
        let own = own.map(|list| list.sign_ins).unwrap_or_default();
        let called: Vec<ObjectId> = issued(&own, |one| one.resource)
            .into_iter()
            .filter(|resource| *resource != id)
            .take(CALLED_MAX)
            .collect();
        let mut sub_agents = Vec::new();
        for resource in &called {
            let later = |error: crate::store::Error| Miss::Later {
                after: PAUSE,
                why: error.to_string(),
            };
            let line = self.of.store.lineage(*resource).await.map_err(later)?;
            let known = line.first().filter(|it| it.entity.id == *resource);
            if known.is_some_and(|it| it.entity.kind == EntityKind::Agent) {
                sub_agents.push(*resource);
            }
        }
        Ok(written(&CallerList {
            since,
            whole,
            callers: callers.into_iter().collect(),
            called,
            sub_agents,
        }))
    }

    fn own_sign_ins(&self) -> Option<SignInList> {
        let kept = self.kept.iter();
        let mut own = kept.filter(|it| it.part == EvidencePart::SignIns);
        serde_json::from_str(own.next()?.body.as_deref()?).ok()
    }

    fn since(&self, span: Duration) -> Moment {
        self.run.struck_at.unwrap_or(self.now).minus(span)
    }

    fn ask(&self) -> Ask {
        Ask {
            priority: Priority::Enrich,
            correlation: self.run.id.uuid(),
        }
    }
}

fn issued(lines: &[SignIn], whom: impl Fn(&SignIn) -> Option<ObjectId>) -> BTreeSet<ObjectId> {
    let issued = lines.iter().filter(|one| one.error_code == 0);
    issued.filter_map(whom).collect()
}

fn missed(part: EvidencePart, error: graph::Error) -> Miss {
    let why = error.to_string();
    match error {
        graph::Error::TryAgain { after, .. } => Miss::Later { after, why },
        graph::Error::Unknown { .. } | graph::Error::Refused { status: None, .. } => {
            Miss::Later { after: PAUSE, why }
        }
        graph::Error::Refused { code, .. } if code.contains("NonPremium") => {
            Miss::Never(format!("{why}; it needs a licence, Entra ID P1 or P2"))
        }
        graph::Error::Refused {
            status: Some(403), ..
        } => Miss::Never(format!("{why}; it needs {}", part.needs())),
        graph::Error::NotFound { .. } | graph::Error::Refused { .. } => Miss::Never(why),
    }
}
