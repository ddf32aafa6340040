//! What the last look found, for those who must not look by themselves.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Report;

/// Does high risk of an agent stop anything in this tenant?
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Enforcement {
    /// A policy blocks every agent at high risk.
    Enforced {
        /// Its name.
        policy: String,
    },
    /// No policy does, or not for all.
    NotEnforced {
        /// What there is instead.
        why: String,
    },
    /// Nobody has looked yet, or it could not be read.
    #[default]
    NotKnown,
}

impl Enforcement {
    /// What a run that relies on risk alone says about itself.
    pub fn words(&self) -> String {
        match self {
            Self::Enforced { policy } => {
                format!("the policy `{policy}` blocks agents at high risk at their next token")
            }
            Self::NotEnforced { why } => format!("no policy enforces this: {why}"),
            Self::NotKnown => "whether a policy enforces this is not known".to_owned(),
        }
    }
}

/// Where the last look is written. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Board {
    enforcement: Arc<ArcSwap<Enforcement>>,
    report: Arc<ArcSwap<Option<Report>>>,
}

impl Board {
    /// Does high risk stop anything, as far as is known?
    pub fn enforcement(&self) -> Enforcement {
        Enforcement::clone(&self.enforcement.load())
    }

    /// The last look, if there was one.
    pub fn report(&self) -> Option<Report> {
        Option::clone(&self.report.load())
    }

    pub(super) fn write(&self, report: Report, enforcement: Enforcement) {
        self.enforcement.store(Arc::new(enforcement));
        self.report.store(Arc::new(Some(report)));
    }
}
