//! The laws of holds, each for itself and in every order.

mod model;

use super::{Answer, Drifted, Ending, HoldThen, Over, OverBy, What};
use crate::domain::id::RunId;
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

#[test]
fn what_may_still_be_closed_is_put_back_by_itself() {
    for run in [RunState::Contained, RunState::Partial, RunState::Unknown] {
        assert_eq!(Ending { run, ..PLAIN }.over(), Over::PutBack, "{run}");
    }
}

#[test]
fn whoever_is_asked_reads_what_speaks_against_putting_it_back() {
    let because = |ending: Ending| match ending.over() {
        Over::Asked { because } => because,
        other @ (Over::Stays | Over::PutBack) => panic!("{other:?}"),
    };

    let kept = because(Ending {
        kept: true,
        ..PLAIN
    });
    assert!(kept.contains("a person has kept it since"), "{kept}");
    let run = because(Ending {
        run: RunState::Stuck,
        ..PLAIN
    });
    assert!(run.contains("the run is stuck"), "{run}");
}

/// What was opened is closed again as often as may be, not while writes are stopped, and where a
/// person has it, it stays theirs.
#[test]
fn what_someone_opened_is_closed_again_so_often_and_then_a_persons() {
    let plain = Drifted {
        answered: None,
        reassert_max: 2,
        closed_again: 1,
        stopped: false,
    };
    let stopped = Drifted {
        stopped: true,
        ..plain
    };
    let again = |answered| Drifted { answered, ..plain }.answer();
    let while_stopped = |answered| {
        Drifted {
            answered,
            ..stopped
        }
        .answer()
    };

    assert_eq!(again(None), Some(Answer::ClosedAgain));
    assert_eq!(again(Some(Answer::ClosedAgain)), Some(Answer::ClosedAgain));
    assert_eq!(again(Some(Answer::Waits)), Some(Answer::ClosedAgain));
    for theirs in [Answer::GivenUp, Answer::Left, Answer::Told] {
        assert_eq!(again(Some(theirs)), None, "{theirs:?}");
    }
    assert_eq!(while_stopped(None), Some(Answer::Waits));
    assert_eq!(while_stopped(Some(Answer::Waits)), None);
    assert_eq!(
        while_stopped(Some(Answer::ClosedAgain)),
        Some(Answer::Waits)
    );

    let closed_again = |closed_again| Drifted {
        closed_again,
        ..plain
    };
    assert_eq!(closed_again(2).answer(), Some(Answer::GivenUp));
    assert_eq!(closed_again(3).answer(), Some(Answer::GivenUp));
    let never = Drifted {
        reassert_max: 0,
        closed_again: 0,
        ..plain
    };
    assert_eq!(never.answer(), Some(Answer::Left));
}

/// The store and the playbooks keep the words, so they stay what they are.
#[test]
fn every_word_of_holds_and_drift_is_read_back() {
    assert_eq!(
        What::ALL.map(What::word),
        ["enabled", "new_agent", "new_credential"]
    );
    assert_eq!(
        What::ALL.map(|what| What::from_word(what.word())),
        What::ALL.map(Some)
    );
    assert_eq!(
        What::ALL.map(What::words),
        [
            "it was enabled again",
            "a new agent hangs from it",
            "its blueprint has a new credential"
        ]
    );
    assert_eq!(
        Answer::ALL.map(Answer::word),
        ["closed_again", "given_up", "left", "waits", "told"]
    );
    assert_eq!(
        Answer::ALL.map(|answer| Answer::from_word(answer.word())),
        Answer::ALL.map(Some)
    );
    let by = [OverBy::Us, OverBy::Someone, OverBy::Nobody];
    assert_eq!(by.map(OverBy::word), ["us", "someone", "nobody"]);
    assert_eq!(by.map(|by| OverBy::from_word(by.word())), by.map(Some));
    let then = ["ask", "undo", "keep"].map(HoldThen::from_word);
    assert_eq!(
        then,
        [HoldThen::Ask, HoldThen::Undo, HoldThen::Keep].map(Some)
    );
    for unknown in ["", "xyzzy"] {
        assert_eq!(What::from_word(unknown), None);
        assert_eq!(Answer::from_word(unknown), None);
        assert_eq!(OverBy::from_word(unknown), None);
        assert_eq!(HoldThen::from_word(unknown), None);
    }
}
