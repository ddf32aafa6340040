//! The laws of holds, each for itself and in every order.

mod model;

use super::{Ending, Over};
use crate::domain::id::RunId;
use crate::domain::playbook::HoldThen;
use crate::domain::run::RunState;

const PLAIN: Ending = Ending {
    then: HoldThen::Undo,
    run: RunState::Contained,
    another: None,
    kept: false,
    closed_by_someone: false,
};

#[test]
fn a_hold_ends_as_its_playbook_says() {
    let then = |then| Ending { then, ..PLAIN }.over();

    assert_eq!(then(HoldThen::Keep), Over::Stays);
    assert!(matches!(then(HoldThen::Ask), Over::Asked { .. }));
    assert_eq!(then(HoldThen::Undo), Over::PutBack);
}

#[test]
fn a_newer_word_of_anyone_turns_an_automatic_end_into_a_question() {
    let another = Some(RunId::from_uuid(uuid::Uuid::nil()));
    let against = [
        Ending { another, ..PLAIN },
        Ending {
            kept: true,
            ..PLAIN
        },
        Ending {
            closed_by_someone: true,
            ..PLAIN
        },
        Ending {
            run: RunState::Stuck,
            ..PLAIN
        },
        Ending {
            run: RunState::Stopped,
            ..PLAIN
        },
    ];

    for ending in against {
        assert!(matches!(ending.over(), Over::Asked { .. }), "{ending:?}");
    }
}
