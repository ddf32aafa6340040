//! What always needs people's approval, and what needs more than the default profile.

use super::{Level, PLAIN, faults, taken, told, with};
use crate::domain::action::Action;
use crate::domain::entity::EntityKind;
use crate::domain::permission::Profile;

/// A playbook in this mode whose only step is this action, on the first kind it fits.
fn with_step(action: Action, mode: &str) -> String {
    let kinds = EntityKind::ALL.into_iter();
    let kind = kinds.rev().find(|kind| action.fits(*kind)).unwrap();
    PLAIN
        .replacen("- disable_agent", &format!("- {action}"), 1)
        .replacen("entity: agent", &format!("entity: {kind}"), 1)
        .replacen("mode: observe", &format!("mode: {mode}"), 1)
}

fn asking() -> impl Iterator<Item = Action> {
    Action::ALL.into_iter().filter(|it| it.always_asks())
}

#[test]
fn a_removal_is_refused_in_a_playbook_that_acts_without_asking() {
    for action in asking() {
        let enforced = told(&with_step(action, "enforce"));
        let recommended = told(&format!(
            "{}recommended: enforce\n",
            with_step(action, "observe")
        ));

        let what = format!("11:5 `{action}` always needs people's approval");
        assert_eq!(enforced, [format!("{what}; write `mode: ask`")]);
        assert_eq!(recommended, [format!("{what}; write `recommended: ask`")]);
        assert!(faults(&with_step(action, "observe")).is_empty(), "{action}");
    }
}

#[test]
fn a_step_beyond_the_default_profile_says_which_one_it_needs() {
    let beyond = Action::ALL
        .into_iter()
        .filter(|action| action.profile() != Profile::Agents);
    for action in beyond {
        let loaded = taken(&with_step(action, "observe"));

        let needed = format!(
            "`{action}` needs `tenant: {{ profile: {} }}` in estop.yaml",
            action.profile()
        );
        let notes: Vec<_> = loaded
            .remarks
            .iter()
            .filter(|fault| fault.level == Level::Note)
            .map(|fault| fault.what.as_str())
            .collect();
        assert!(notes.contains(&needed.as_str()), "{notes:?}");
    }
    assert!(taken(PLAIN).remarks.is_empty());
}

#[test]
fn a_removal_of_what_an_entity_cannot_hold_is_refused() {
    let told = told(&with("- disable_agent", "- remove_credential"));

    assert_eq!(
        told,
        ["11:5 `remove_credential` cannot be done to entity `agent`; it is done to `blueprint`"]
    );
}
