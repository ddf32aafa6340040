//! Exports that were tampered with, each in its own way.

use serde_json::json;

use super::{Bad, Head, Noted, line, verify_export};
use crate::domain::moment::Moment;
use crate::domain::record::{Broken, Record, Seal, SealedLine, seal};

/// Three sealed records; the second has a number that a careless reader would reformat.
fn chain() -> Vec<SealedLine> {
    let mut before = Seal::GENESIS;
    (1..=3)
        .map(|number| {
            let mut line =
                Record::new(Moment::from_millis(number), "test", json!({ "n": number })).line();
            if number == 2 {
                line = line.replace("\"n\":2", "\"n\": 2.50E0");
            }
            before = seal(before, &line);
            SealedLine {
                number,
                line,
                seal: before,
            }
        })
        .collect()
}

fn exported(chain: &[SealedLine]) -> String {
    chain
        .iter()
        .map(|sealed| format!("{}\n", line(sealed)))
        .collect()
}

fn head_of(chain: &[SealedLine]) -> Head {
    let last = chain.last().unwrap();
    Head {
        number: last.number,
        seal: last.seal,
    }
}

#[test]
fn an_export_keeps_the_exact_bytes_and_verifies() {
    let chain = chain();

    let export = exported(&chain);

    assert!(export.contains("\"n\": 2.50E0"), "{export}");
    assert_eq!(
        verify_export(export.as_bytes(), Noted::default())
            .unwrap()
            .head,
        head_of(&chain)
    );
}

#[test]
fn a_changed_byte_names_the_first_bad_record() {
    let export = exported(&chain()).replace("2.50E0", "2.51E0");

    let bad = verify_export(export.as_bytes(), Noted::default()).unwrap_err();

    assert!(
        matches!(bad, Bad::Record(Broken::Changed { number: 2 })),
        "{bad}"
    );
}

#[test]
fn a_missing_record_names_the_place_where_it_is_due() {
    let mut chain = chain();
    chain.remove(1);

    let bad = verify_export(exported(&chain).as_bytes(), Noted::default()).unwrap_err();

    assert!(
        matches!(
            bad,
            Bad::Record(Broken::OutOfPlace {
                expected: 2,
                found: 3
            })
        ),
        "{bad}"
    );
}

#[test]
fn a_missing_end_is_seen_only_against_a_noted_head() {
    let full = chain();
    let noted = head_of(&full);
    let cut = exported(&full[..2]);

    assert!(verify_export(cut.as_bytes(), Noted::default()).is_ok());
    let bad = verify_export(cut.as_bytes(), Noted::head(Some(noted))).unwrap_err();

    assert!(matches!(bad, Bad::Shorter { found: 2, noted: 3 }), "{bad}");
}

#[test]
fn a_chain_written_anew_is_seen_against_a_noted_head() {
    let noted = Head {
        number: 2,
        seal: Seal([7; 32]),
    };

    let bad = verify_export(exported(&chain()).as_bytes(), Noted::head(Some(noted))).unwrap_err();

    assert!(matches!(bad, Bad::OtherSeal { number: 2 }), "{bad}");
}

#[test]
fn a_damaged_record_is_exported_and_found() {
    let mut chain = chain();
    chain[1].line = "not json\nat all".to_owned();

    let export = exported(&chain);

    assert_eq!(export.lines().count(), 3);
    let bad = verify_export(export.as_bytes(), Noted::default()).unwrap_err();
    assert!(
        matches!(
            bad,
            Bad::Line {
                line: 2,
                due: 2,
                ..
            }
        ),
        "{bad}"
    );
}

#[test]
fn a_head_is_read_back_from_its_text() {
    let head = head_of(&chain());

    assert_eq!(head.to_string().parse::<Head>().unwrap(), head);
    let seal = head.seal.hex();
    let no_numbers = [format!("-1:{seal}"), format!("{}:{seal}", i64::MAX)];
    for wrong in ["", "3", "3:", "x:00", "3:zz"] {
        assert!(wrong.parse::<Head>().is_err(), "{wrong}");
    }
    for wrong in no_numbers {
        assert!(wrong.parse::<Head>().is_err(), "{wrong}");
    }
}

/// Whoever pretends that the record was cut behind the head a person noted could write anything
/// after it: nothing ties the two together.
#[test]
fn d03_a_record_that_begins_behind_what_was_noted_is_not_proved_by_it() {
    let noted = Noted::head(Some(head_of(&chain())));
    for number in [4, 1_000, i64::MAX - 1] {
        let cut = Head {
            number,
            seal: Seal([7; 32]),
        };
        let forged = SealedLine {
            number: number + 1,
            line: "\"forged\"".to_owned(),
            seal: seal(cut.seal, "\"forged\""),
        };
        let export = format!("{}\n{}\n", super::cut_line(cut), line(&forged));

        let bad = verify_export(export.as_bytes(), noted.clone()).unwrap_err();

        assert!(
            matches!(bad, Bad::NotedBefore { begins, noted: 3 } if begins == number),
            "{bad}"
        );
    }
}
