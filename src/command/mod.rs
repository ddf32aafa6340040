//! A person's word: shown as a plan, checked against tier, mode, brake and guards, then stored.
//!
//! Knows: the store, the tenant as it is now, who is asking and what their credential allows.
//! Never: HTTP, terminals, how a run is carried out.
//!
//! Laws
//! * Who asks is known from the credential alone; nothing a body says changes it (threat C02).
//! * What was shown is what runs: the entity is read again, and a changed plan is not carried out;
//!   what hangs from it is read again too, or at most five minutes old.
//! * An API token never approves, and is refused for plans of tier 2 and 3 (design §8).
//! * A yes binds to what was shown: the plan, the playbook, the tenant; it is read again first.
//! * Whoever asks does not decide; people are counted by their object in Entra.
//! * The mode and the brake bind people as they bind playbooks.
//! * What takes two people is proposed by one and seconded by another; a token is neither.
//! * What stands above a cap is released by a lead.
//! * Whoever stopped all writes at the machine is not overruled from afar: the file goes first.
//! * A person's word gives its reason.
//!
//! Read next: `token`, `person`, then `find`, `plan`, `contain`, `offer`, `call`, `approvals`, `undo`,
//! `orders`, `activate`, `expect`, `pause`, `drill`, `cases`; what takes two people is `motions`, then
//! `freeze`.

mod error;
mod token;

mod person;

mod find;
mod plan;
mod reread;
mod shelf;
mod stock;
mod wording;

mod activate;
mod approvals;
mod call;
mod cases;
mod contain;
mod drill;
mod expect;
mod freeze;
mod motions;
mod notices;
mod offer;
mod orders;
mod pause;
mod undo;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

pub use activate::{Activators, Signed, ToActivate};
pub use approvals::{ToApprove, ToDeny, ToExtend};
pub use call::ToCall;
pub use cases::{ToKeep, Wanted};
pub use contain::ToContain;
pub use drill::{Canary, Drills, drill_loop};
pub use error::{Error, Sort};
pub use expect::ToExpect;
pub use find::Target;
pub use freeze::{FreezeShown, Spared, ToFreeze};
pub use motions::{CapsShown, MotionShown, OnMotion, ToRaise};
pub use notices::NoticeShown;
pub use offer::{ApprovalShown, Offer};
pub use orders::{Position, ToMove};
pub use pause::{Pause, pause_at_start, pause_loop, trip};
pub use person::{Admitted, add_person, revoke_person};
pub use plan::{Found, Shown, Stop};
pub use stock::EntityShown;
pub use token::{
    Created, NAME_MAX, NewName, TOKEN_LIFE_MAX, at_the_machine, authenticate, create_token,
    revoke_token,
};
pub use undo::{Back, ToUndo, UndoShown};

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::domain::approval::NoSay;
use crate::domain::caps::Caps;
use crate::domain::entity::TenantId;
use crate::domain::guard::Guards;
use crate::domain::id::{DeliveryId, RunId};
use crate::domain::order::{Operator, REASON_MAX, Scope};
use crate::domain::person::Role;
use crate::domain::run::Lane;
use crate::graph::Graph;
use crate::store::{Store, Taking};

/// How long a shown plan may be carried out.
pub const PLAN_LIFE: Duration = Duration::from_secs(300);
/// From this tier on an API token is not enough.
pub const TOKENS_UP_TO: u8 = 1;

/// Wakes the workers for a run. Only a hint: they find it by themselves, later.
pub type Wake = Arc<dyn Fn(RunId, Lane) + Send + Sync>;

/// Wakes the triage for a delivery that is to be read again. Only a hint, too.
pub type WakeTriage = Arc<dyn Fn(DeliveryId) + Send + Sync>;

/// What a [`Desk`] is made of; the roof provides it.
#[derive(Clone)]
pub struct Tools {
    /// Where words are stored.
    pub store: Store,
    /// The tenant, read afresh for each plan.
    pub graph: Graph,
    /// Which tenant it is, so that foreign blueprints are named.
    pub tenant: TenantId,
    /// Whom we do not touch.
    pub guards: Arc<ArcSwap<Guards>>,
    /// The playbooks in force, so that a change since a question was asked is seen.
    pub catalog: Arc<ArcSwap<Catalog>>,
    /// What lets a playbook's bytes act.
    pub activators: Arc<Activators>,
    /// Time and chance.
    pub clock: Clock,
    /// Wakes the workers.
    pub wake: Wake,
    /// Wakes the triage.
    pub wake_triage: WakeTriage,
    /// The caps as configured.
    pub caps: Caps,
    /// How long an access token may live at most, for what a plan does not stop.
    pub token_lifetime: Duration,
    /// As long as this file is there, nobody allows writes again.
    pub pause_file: Option<PathBuf>,
}

/// Where people's words are taken. Cheap to clone; clones share the plans that were shown.
#[derive(Clone)]
pub struct Desk {
    tools: Tools,
    shelf: Arc<shelf::Shelf>,
}

/// Every answer of this module.
pub type Answer<T> = Result<T, Error>;

impl Desk {
    /// Takes words with these tools.
    pub fn new(tools: Tools) -> Self {
        Self {
            tools,
            shelf: Arc::default(),
        }
    }

    /// The store, for those who only show what is there.
    pub fn store(&self) -> &Store {
        &self.tools.store
    }

    /// The clock everything here runs by.
    pub fn clock(&self) -> &Clock {
        &self.tools.clock
    }

    fn woken(&self, taking: Taking) -> Taking {
        if let Some(run) = taking.run {
            (self.tools.wake)(run, Lane::Contain);
        }
        taking
    }
}

/// May this credential give orders at all?
fn may_respond(operator: &Operator) -> Answer<()> {
    match &operator.scope {
        Scope::Respond => Ok(()),
        Scope::View | Scope::Ingest(_) => Err(Error::new(
            Sort::NotAllowed,
            "role-missing",
            format!("a credential of scope {} may not do this", operator.scope),
            "Use a token of scope respond: estop token create --scope respond",
        )),
    }
}

/// Is this a person, and a lead?
fn may_lead(operator: &Operator) -> Answer<()> {
    let refused = match &operator.person {
        Some(person) if person.role == Role::Lead => return Ok(()),
        Some(person) => NoSay::NotALead(person.role),
        None => NoSay::NotAPerson,
    };
    Err(approvals::no_say(&refused))
}

/// May this credential ask for a plan of this tier, if only to have it approved?
fn may_ask_at_tier(operator: &Operator, tier: u8) -> Answer<()> {
    may_respond(operator)?;
    if tier <= TOKENS_UP_TO || !token::is_token(operator) {
        return Ok(());
    }
    Err(Error::new(
        Sort::NotAllowed,
        "tier-too-high",
        format!("this is tier {tier}, and API tokens are refused for tiers 2 and 3"),
        "A person must ask for it with a credential of their own: estop person add; contain its \
         agents one by one meanwhile",
    ))
}

/// Is this credential enough for a plan of this tier?
fn may_at_tier(operator: &Operator, tier: u8) -> Answer<()> {
    may_ask_at_tier(operator, tier)?;
    match &operator.person {
        Some(person) if tier > TOKENS_UP_TO && person.role < Role::Lead => Err(Error::new(
            Sort::NotAllowed,
            "role-missing",
            format!(
                "this is tier {tier}, and needs the role lead; yours is {}",
                person.role
            ),
            "Ask a lead",
        )),
        Some(_) | None => Ok(()),
    }
}

/// The reason as it is kept: trimmed, there, and not too long.
fn reasoned(reason: &str) -> Answer<String> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::amend(
            "reason-required",
            "a reason is required".to_owned(),
            "Say why, in a few words; it is kept in the record",
        ));
    }
    if reason.chars().count() > REASON_MAX {
        return Err(Error::amend(
            "reason-too-long",
            format!("the reason is longer than {REASON_MAX} characters"),
            "Shorten it; put the rest into the incident",
        ));
    }
    Ok(reason.to_owned())
}
