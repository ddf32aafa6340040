//! Whom we never touch, and whom we touch only on two people's word.
//!
//! Checked in `triage` and again in `act` at the last moment, by every id an object is known by:
//! object id, app id, and the blueprint it was made from (threats E12, E16).

use std::collections::BTreeMap;

use super::entity::ObjectId;

/// How many people must agree before a protected entity is touched.
pub const PEOPLE_FOR_PROTECTED: u32 = 2;

/// The list of what is never touched, and of what is protected.
#[derive(Clone, Debug, Default)]
pub struct Guards {
    never: BTreeMap<ObjectId, String>,
    protected: BTreeMap<ObjectId, ()>,
    blind: Option<String>,
}

/// What the guards say of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing speaks against it.
    Free,
    /// Two people must agree.
    Protected,
    /// Never, even with approval.
    Never {
        /// What it is to us.
        what: String,
    },
}

impl Guards {
    /// Guards that know ourselves and what we depend on: object ids, app ids and blueprints, each
    /// with what it is.
    pub fn new(
        never: impl IntoIterator<Item = (ObjectId, String)>,
        protected: impl IntoIterator<Item = ObjectId>,
    ) -> Self {
        Self {
            never: never.into_iter().collect(),
            protected: protected.into_iter().map(|id| (id, ())).collect(),
            blind: None,
        }
    }

    /// Guards that do not know who we are, and therefore let nothing pass.
    pub fn blind(because: &str) -> Self {
        Self {
            blind: Some(because.to_owned()),
            ..Self::default()
        }
    }

    /// Why nothing may be touched at all, if that is so.
    pub fn blindness(&self) -> Option<&str> {
        self.blind.as_deref()
    }

    /// May any id on the lists be a blueprint's? Our own principal and application are none.
    pub fn may_name_blueprints(&self) -> bool {
        !self.protected.is_empty() || self.never.len() > 2
    }

    /// Judges an object by every id it is known by. The hardest word wins.
    pub fn judge(&self, ids: impl IntoIterator<Item = ObjectId>) -> Judgement {
        if let Some(because) = &self.blind {
            return Judgement::Never {
                what: because.clone(),
            };
        }
        let mut judgement = Judgement::Free;
        for id in ids {
            if let Some(what) = self.never.get(&id) {
                return Judgement::Never { what: what.clone() };
            }
            if self.protected.contains_key(&id) {
                judgement = Judgement::Protected;
            }
        }
        judgement
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Guards, Judgement};
    use crate::domain::entity::ObjectId;

    fn id(number: u128) -> ObjectId {
        ObjectId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn e12_whoever_depends_on_us_is_never_touched_by_any_of_its_ids() {
        let guards = Guards::new([(id(1), "our own principal".to_owned())], [id(2)]);

        let by_second_id = guards.judge([id(2), id(1)]);

        assert_eq!(
            by_second_id,
            Judgement::Never {
                what: "our own principal".to_owned()
            }
        );
    }

    #[test]
    fn e16_a_protected_blueprint_protects_its_agents() {
        let guards = Guards::new([], [id(2)]);

        assert_eq!(guards.judge([id(9), id(2)]), Judgement::Protected);
        assert_eq!(guards.judge([id(9)]), Judgement::Free);
    }

    #[test]
    fn a_list_may_name_a_blueprint_once_it_names_more_than_ourselves() {
        let never = |ids: &[u128]| {
            let named = ids.iter().map(|number| (id(*number), String::new()));
            named.collect::<Vec<_>>()
        };
        let may = |never, protected: Option<ObjectId>| {
            Guards::new(never, protected).may_name_blueprints()
        };

        assert!(!may(never(&[]), None));
        assert!(!may(never(&[1, 2]), None), "our principal and application");
        assert!(may(never(&[1, 2, 3]), None));
        assert!(may(never(&[1, 2]), Some(id(4))));
    }

    #[test]
    fn e12_guards_that_do_not_know_us_let_nothing_pass() {
        let guards = Guards::blind("our own identity is unknown");

        assert!(matches!(guards.judge([id(9)]), Judgement::Never { .. }));
        assert_eq!(guards.blindness(), Some("our own identity is unknown"));
        assert_eq!(Guards::new([], []).blindness(), None);
    }
}
