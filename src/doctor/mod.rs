//! Is everything there that a containment needs, before one is needed?
//!
//! Knows: the tenant by reading it, our own token, what the loaded playbooks want, the last drill,
//! what the store says of itself.
//! Never: a write to the tenant; that is a drill's.
//!
//! Laws
//! * Each check judges what was read by a pure function, and says what to do about it.
//! * What could not be read is unknown, never fine.
//! * A run asks the board what the last look found; it never looks by itself.
//!
//! Read next: `report`, then `look`, then any check.

mod board;
mod look;
mod patient;
mod report;

mod drills;
mod licence;
mod logs;
mod ourselves;
mod pages;
mod permissions;
mod policy;
mod protected;
mod reach;
mod reading;
mod rights;
mod sights;
mod skew;
mod stored;
mod token;

mod watch;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

pub use board::{Board, Enforcement};
pub use pages::Places;
pub use report::{Line, Report, State};
pub use watch::doctor_loop;

use crate::arm::Arm;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::domain::action::Action;
use crate::domain::entity::{EntityKind, ObjectId, TenantId};
use crate::domain::permission::Profile;
use crate::domain::plan::Plan;
use crate::domain::playbook::{Also, Call};
use crate::domain::role::ServiceRole;
use crate::domain::sight::Sight;
use crate::entra::TokenSource;
use crate::graph::{Cloud, Graph};
use crate::store::Store;

/// What a deployment has set, as far as a check needs it.
#[derive(Clone, Debug)]
pub struct Premises {
    /// Which part of the service is examined.
    pub role: ServiceRole,
    /// The tenant that `tenant.id` names.
    pub tenant: TenantId,
    /// Which cloud, for what it lacks.
    pub cloud: Cloud,
    /// What the deployment may be granted.
    pub profile: Profile,
    /// Whom we touch only on two people's word.
    pub protected: Vec<ObjectId>,
    /// What we are beside what our token says.
    pub ourselves: Vec<ObjectId>,
    /// The canary and how old the last good drill may be.
    pub drill: Option<(ObjectId, Duration)>,
    /// The Azure subscription the logs are sent to.
    pub subscription: Option<ObjectId>,
    /// Where people are told.
    pub places: Places,
    /// What is looked at here, but for what the playbooks in force look at.
    pub sights: BTreeSet<Sight>,
}

/// The tenant, and by what we enter it.
#[derive(Clone)]
pub struct Patient {
    /// By reading it.
    pub graph: Graph,
    /// Our own token.
    pub tokens: TokenSource,
    /// Azure, where it may be asked.
    pub arm: Option<Arm>,
}

/// Looks at everything that its role needs. Cheap to clone; clones share the board.
#[derive(Clone)]
pub struct Doctor {
    /// What is looked at; `None` where this role enters no tenant.
    pub tenant: Option<Patient>,
    /// Where things are stored; `None` when it is not at hand.
    pub store: Option<Store>,
    /// Why it is not, where it should be.
    pub away: Option<String>,
    /// The playbooks in force.
    pub catalog: Arc<ArcSwap<Catalog>>,
    /// What a deployment has set.
    pub premises: Premises,
    /// Time.
    pub clock: Clock,
    /// What the last look found.
    pub board: Board,
}

/// How much an action matters to what is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    /// Only what people order by hand, or a step that may fail.
    Wanted,
    /// A step of a loaded playbook that must not fail.
    Required,
}

/// What is loaded, as far as the checks need it.
#[derive(Clone, Debug, Default)]
struct Wants {
    /// Every action that may be asked for, and how much it matters.
    actions: BTreeMap<Action, Need>,
    /// Playbooks that rely on risk alone: nothing in them takes away the power to get tokens.
    risk_only: Vec<String>,
    /// Does any playbook act on classic agents?
    classic: Vec<String>,
    /// What they do to them: they are looked at first, whatever it is.
    on_principals: BTreeSet<Action>,
    /// Whom the playbooks tell.
    audience: BTreeSet<crate::domain::playbook::Audience>,
    /// Does the clock call any of them?
    scheduled: bool,
}

impl Wants {
    fn of(catalog: &Catalog) -> Self {
        let mut wants = Self::default();
        for kind in [
            EntityKind::Agent,
            EntityKind::Blueprint,
            EntityKind::AgentUser,
        ] {
            let entity = crate::domain::entity::Entity {
                kind,
                id: ObjectId::from_uuid(uuid::Uuid::nil()),
            };
            for step in Plan::by_hand(entity, &[Also::AgentUsers]).steps {
                wants.need(step.action, Need::Wanted);
            }
        }
        for loaded in catalog.all() {
            let playbook = &loaded.playbook;
            wants.audience.extend(&playbook.notify);
            wants.scheduled |= matches!(playbook.trigger.call, Call::Schedule { .. });
            for step in &playbook.steps {
                let need = if step.optional {
                    Need::Wanted
                } else {
                    Need::Required
                };
                wants.need(step.action, need);
            }
            let has =
                |wanted: fn(Action) -> bool| playbook.steps.iter().any(|step| wanted(step.action));
            let judges = has(|action| action == Action::ConfirmCompromised);
            if judges && !has(Action::contains) {
                wants.risk_only.push(playbook.name.to_string());
            }
            if playbook.entity == EntityKind::ServicePrincipal {
                wants.classic.push(playbook.name.to_string());
                let actions = playbook.steps.iter().map(|step| step.action);
                wants.on_principals.extend(actions);
            }
        }
        wants
    }

    fn need(&mut self, action: Action, need: Need) {
        let known = self.actions.entry(action).or_insert(need);
        *known = (*known).max(need);
    }
}
