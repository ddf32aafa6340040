//! What is found, of one kind of entity. The entities come from the inventory, and only once it was
//! listed to its end; what they hold is read as it is now, behind everyone else.

use std::time::Duration;

use super::Rounds;
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::domain::found::{AppRole, Grant};
use crate::domain::inventory::{Known, Part, Want};
use crate::domain::moment::Moment;
use crate::domain::trigger::Finding;
use crate::graph::{self, Ask, Priority};
use crate::store::{Error, STOCK_MAX, StockFilter};

/// Most entities that are looked through for one time.
const ENTITIES_MAX: usize = 20_000;

/// Something to call a playbook for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) entity: Entity,
    /// What is wrong with it, for people.
    pub(super) because: String,
}

/// What looking came to.
pub(super) enum Looked {
    /// Everything there is.
    All(Vec<Found>),
    /// It could not all be seen, and why.
    NotYet(String),
}

impl Rounds {
    pub(super) async fn look(
        &self,
        find: Finding,
        (kind, within): (EntityKind, Duration),
    ) -> Result<Looked, Error> {
        if let Some(why) = self.unlisted(find, kind).await? {
            return Ok(Looked::NotYet(why));
        }
        match find {
            Finding::Orphaned => self.orphaned(kind, &[Want::Blueprint, Want::Agent]).await,
            Finding::Ownerless => self.ownerless(kind).await,
            Finding::ExpiringCredential => self.expiring(within).await,
            Finding::DangerousGrant => self.dangerous(kind).await,
        }
    }

    /// Why the inventory cannot answer yet.
    async fn unlisted(&self, find: Finding, kind: EntityKind) -> Result<Option<String>, Error> {
        let needed: &[Part] = match (find, kind) {
            (Finding::Orphaned, EntityKind::AgentUser) => &[Part::Agents, Part::AgentUsers],
            (Finding::Ownerless, _) => &[Part::Blueprints, Part::Agents, Part::People],
            (Finding::ExpiringCredential, _) => &[Part::Blueprints],
            (Finding::DangerousGrant, EntityKind::ServicePrincipal) => &[Part::ClassicAgents],
            (Finding::Orphaned | Finding::DangerousGrant, _) => &[Part::Blueprints, Part::Agents],
        };
        let (listed, now) = (self.store.listed().await?, self.clock.now());
        let current = |part: &Part| {
            let mut of = listed.iter().filter(|one| one.part == *part);
            of.any(|one| one.is_current(now))
        };
        let missing = needed.iter().find(|part| !current(part));
        Ok(missing.map(|part| format!("the {part} were not listed to the end lately")))
    }

    async fn orphaned(&self, kind: EntityKind, wants: &[Want]) -> Result<Looked, Error> {
        let orphans = self.store.orphans().await?;
        let found = orphans.into_iter().filter_map(|one| {
            let want = one.wants.iter().find(|want| wants.contains(want))?;
            (one.entity.kind == kind && one.enabled).then(|| Found {
                entity: one.entity,
                because: want.words().to_owned(),
            })
        });
        Ok(Looked::All(found.collect()))
    }

    async fn ownerless(&self, kind: EntityKind) -> Result<Looked, Error> {
        let orphans = self.store.orphans().await?;
        let nobody = [Want::Owner, Want::Sponsor];
        let found = orphans.into_iter().filter(|one| {
            let all = nobody.iter().all(|want| one.wants.contains(want));
            one.entity.kind == kind && one.enabled && all
        });
        let found = found.map(|one| Found {
            entity: one.entity,
            because: "nobody owns it and nobody sponsors it".to_owned(),
        });
        Ok(Looked::All(found.collect()))
    }

    async fn expiring(&self, within: Duration) -> Result<Looked, Error> {
        let now = self.clock.now();
        let mut found = Vec::new();
        for known in self.all(EntityKind::Blueprint).await? {
            let Some(app_id) = known.app_id else { continue };
            match self.graph.credentials_of(self.ask(), app_id).await {
                Ok(held) => {
                    let keys = held.secrets.iter().chain(&held.certificates);
                    let ends = keys.filter_map(|key| key.end_date_time.as_deref());
                    let soon = ends
                        .filter_map(Moment::parse)
                        .filter(|end| *end <= now.plus(within))
                        .min();
                    found.extend(soon.map(|end| Found {
                        entity: known.entity,
                        because: format!("a credential of it ends {end}"),
                    }));
                }
                // Its application lies in another tenant, which rotates it.
                Err(graph::Error::NotFound { .. }) => {}
                Err(error) => return Ok(Looked::NotYet(error.to_string())),
            }
        }
        Ok(Looked::All(found))
    }

    async fn dangerous(&self, kind: EntityKind) -> Result<Looked, Error> {
        let mut found = Vec::new();
        for known in self.all(kind).await? {
            let id = known.entity.id;
            match self.dangerous_of(id).await {
                Ok(held) if held.is_empty() => {}
                Ok(held) => found.push(Found {
                    entity: known.entity,
                    because: format!("it holds {}", held.join(", ")),
                }),
                // It has gone since it was listed.
                Err(graph::Error::NotFound { .. }) => {}
                Err(error) => return Ok(Looked::NotYet(error.to_string())),
            }
        }
        Ok(Looked::All(found))
    }

    async fn dangerous_of(&self, id: ObjectId) -> Result<Vec<String>, graph::Error> {
        let grants: Vec<Grant> = self.graph.grants_of(self.ask(), id).await?;
        let roles: Vec<AppRole> = self.graph.app_roles_of(self.ask(), id).await?;
        let scopes = grants.iter().flat_map(|grant| grant.scope.split(' '));
        let named = scopes.filter(|scope| dangerous().any(|(name, _)| name == *scope));
        let assigned = roles.iter().filter_map(|role| {
            let mut all = dangerous();
            all.find(|(_, id)| *id == Some(role.app_role_id.as_str()))
        });
        let mut held: Vec<String> = named.map(|name| format!("{name} (delegated)")).collect();
        held.extend(assigned.map(|(name, _)| format!("{name} (application)")));
        held.sort();
        held.dedup();
        Ok(held)
    }

    /// Everything of one kind that is on, in the order of object ids.
    async fn all(&self, kind: EntityKind) -> Result<Vec<Known>, Error> {
        let mut all: Vec<Known> = Vec::new();
        while all.len() < ENTITIES_MAX {
            let filter = StockFilter {
                kind,
                blueprint: None,
                after: all.last().map(|known| known.entity.id),
                limit: STOCK_MAX,
            };
            let page = self.store.stock(filter).await?;
            let full = u32::try_from(page.len()).is_ok_and(|count| count == STOCK_MAX);
            all.extend(page);
            if !full {
                break;
            }
        }
        all.retain(|known| known.enabled);
        Ok(all)
    }

    fn ask(&self) -> Ask {
        Ask {
            priority: Priority::Watch,
            correlation: self.clock.uuid(),
        }
    }
}

/// Names and ids of permissions that reach the whole tenant, as shipped.
fn dangerous() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    let lines = include_str!("dangerous.txt").lines().map(str::trim);
    let kept = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    kept.map(|line| match line.split_once(' ') {
        Some((name, id)) => (name, Some(id.trim())),
        None => (line, None),
    })
}

#[cfg(test)]
mod tests {
    use super::dangerous;

    #[test]
    fn every_line_of_the_list_is_a_name_and_at_most_one_id() {
        let mut seen = std::collections::BTreeSet::new();

        for (name, id) in dangerous() {
            assert!(seen.insert(name), "{name}");
            let guid = id.is_none_or(|id| id.parse::<super::ObjectId>().is_ok());
            assert!(guid && !name.contains(' '), "{name} {id:?}");
        }
        assert!(seen.contains("Application.ReadWrite.All"));
    }
}
