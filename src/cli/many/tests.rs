//! Lists, counts and exit codes of many.

use uuid::Uuid;

use super::tally::{Fate, Item, Tally};
use super::targets::listed;
use crate::cli::exit::Exit;
use crate::domain::entity::ObjectId;
use crate::domain::id::RunId;
use crate::domain::run::RunState;

fn item(fate: Fate) -> Item {
    Item {
        id: ObjectId::from_uuid(Uuid::from_u128(7)),
        name: Some("invoice-bot".to_owned()),
        fate,
    }
}

fn ordered(state: RunState) -> Item {
    let run = RunId::from_uuid(Uuid::from_u128(8));
    item(Fate::Ordered { run, state })
}

fn refused(exit: Exit) -> Item {
    item(Fate::Refused {
        exit,
        why: "no".to_owned(),
    })
}

#[test]
fn a_list_holds_one_guid_in_each_line_and_says_where_it_does_not() {
    let good = "# storm of today\n7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0  # invoice-bot\n\n\
                0b9c66aa-20f4-4c1e-8a51-77b0e4dd1c07\r\n";

    assert_eq!(listed(good).unwrap().len(), 2);
    let bad = listed("\ninvoice-bot\n").unwrap_err();
    assert!(bad.why().starts_with("line 2:"), "{}", bad.why());
}

#[test]
fn the_exit_code_of_many_is_done_only_when_all_are() {
    let done = || ordered(RunState::Contained);
    let cases = [
        (vec![done(), done()], Exit::Done),
        (vec![done(), ordered(RunState::Failed)], Exit::Partial),
        (vec![done(), item(Fate::NotStarted)], Exit::Partial),
        (
            vec![ordered(RunState::Unknown), ordered(RunState::Failed)],
            Exit::Unknown,
        ),
        (vec![ordered(RunState::Running)], Exit::Unknown),
        (
            vec![ordered(RunState::Waiting), refused(Exit::Guarded)],
            Exit::WaitsForPerson,
        ),
        (
            vec![refused(Exit::Guarded), refused(Exit::NotFound)],
            Exit::Guarded,
        ),
        (vec![refused(Exit::NotFound)], Exit::NotFound),
        (vec![refused(Exit::Unknown)], Exit::Unknown),
    ];

    for (items, exit) in cases {
        assert_eq!(Tally::of(&items).exit(), exit, "{items:?}");
    }
}

#[test]
fn a_count_names_every_outcome() {
    let items = [
        ordered(RunState::Contained),
        ordered(RunState::Contained),
        ordered(RunState::Unknown),
        item(Fate::NotStarted),
    ];

    let said = Tally::of(&items).to_string();

    assert_eq!(said, "2 of 4 contained  not started 1  unknown 1");
}
