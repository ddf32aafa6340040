//! What a deployment lets us do, and what people have agreed to: asked before anything is done.

use std::sync::Arc;

use super::{Context, Error};
use crate::domain::action::Action;
use crate::domain::permission::Profile;
use crate::domain::tools::Tools;
use crate::foundry::Foundry;
use crate::graph::{Priority, Tag};

/// What a deployment has set up beside the switches.
#[derive(Clone, Debug)]
pub struct Means {
    /// How much it may do.
    pub profile: Profile,
    /// The attribute that marks what we contain, where one is configured.
    pub tag: Option<Tag>,
    /// The way to Foundry, where one is configured.
    pub foundry: Option<Foundry>,
    /// What the gate of Copilot Studio answers from, where one is configured.
    pub tools: Option<Arc<Tools>>,
}

/// People's word for this run's plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// Nobody has agreed.
    Missing,
    /// It is stored with the run, and for this very plan.
    Given,
    /// Observe mode: nothing will be touched, so nobody needs to agree.
    Moot,
}

impl Approval {
    /// How urgent a call is that an act wants to be so urgent. Where nothing will be touched, whoever
    /// acts goes first: looks of bulk and of kills wait in one lane (threat E07).
    pub(super) fn urgency(self, wanted: Priority) -> Priority {
        match self {
            Self::Moot => wanted.max(Priority::Enrich),
            Self::Missing | Self::Given => wanted,
        }
    }
}

impl Means {
    /// A deployment of this profile with nothing else set up.
    pub const fn of(profile: Profile) -> Self {
        Self {
            profile,
            tag: None,
            foundry: None,
            tools: None,
        }
    }
}

impl Context<'_> {
    /// May this action be done here at all?
    pub(super) fn allow(&self, action: Action) -> Result<(), Error> {
        let needed = action.profile();
        if !self.means.profile.includes(needed) {
            let has = self.means.profile;
            return Err(Error::Forbidden {
                because: format!("{action} needs the profile `{needed}`; this is `{has}`"),
            });
        }
        if action.always_asks() && self.approval == Approval::Missing {
            return Err(Error::Forbidden {
                because: format!("{action} needs people's approval, and none is stored"),
            });
        }
        Ok(())
    }

    /// The same at the last moment, when the tenant is about to be touched.
    pub(super) fn allow_now(&self, action: Action) -> Result<(), Error> {
        self.allow(action)?;
        if action.always_asks() && self.approval != Approval::Given {
            return Err(Error::Forbidden {
                because: format!("{action} is not done in observe mode"),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Approval, Priority};

    #[test]
    fn e07_who_only_looks_lets_everyone_pass_who_acts() {
        for wanted in Priority::ALL {
            for acts in [Approval::Missing, Approval::Given] {
                assert_eq!(acts.urgency(wanted), wanted);
            }
            // The first of all is the most urgent.
            assert!(
                Approval::Moot.urgency(wanted) > Priority::Undo,
                "{wanted:?}"
            );
        }
        assert_eq!(Approval::Moot.urgency(Priority::Watch), Priority::Watch);
    }
}
