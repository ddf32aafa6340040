//! People's word for one plan, as it is stored with the run.

use serde::{Deserialize, Serialize};

use super::moment::Moment;

/// Who agreed to which plan. It counts for that plan alone: a changed plan is asked for again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// The digest of the plan they saw.
    pub plan_digest: String,
    /// Who agreed, each once.
    pub by: Vec<String>,
    /// When the last of them did.
    pub at: Moment,
}

impl Approved {
    /// Is it a word for this plan?
    pub fn is_for(&self, plan_digest: &str) -> bool {
        self.plan_digest == plan_digest && !self.by.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Approved;
    use crate::domain::moment::Moment;

    #[test]
    fn an_approval_counts_for_its_own_plan_and_needs_somebody() {
        let mut approved = Approved {
            plan_digest: "a".to_owned(),
            by: vec!["ada".to_owned()],
            at: Moment::from_millis(0),
        };

        assert!(approved.is_for("a"));
        assert!(!approved.is_for("b"));
        approved.by.clear();
        assert!(!approved.is_for("a"));
    }
}
