//! No text, however wild, breaks the reader or the drawing of what is wrong with it.

use proptest::prelude::*;

use super::*;
use crate::catalog::TEXT_MAX;

fn survives(text: &str) {
    match read("x.yaml", text) {
        Ok(loaded) => {
            let sightings = [agent()];
            let facts =
                crate::catalog::Facts::new(&detection("signInSpike"), &sightings[0], noon());
            for clause in loaded.when.iter().chain(&loaded.unless) {
                clause.value(&facts);
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in faults {
                assert!(!fault.to_string().is_empty());
                assert!(!fault.coloured().is_empty());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_panics_the_reader(text in any::<String>()) {
        survives(&text);
    }

    #[test]
    fn no_run_of_yaml_signs_panics_the_reader(text in "[-:\\[\\]{}&*!|>'\"%@`#,? \na1<\t\r\u{feff}é]{0,80}") {
        survives(&text);
    }

    #[test]
    fn no_damaged_playbook_panics_the_reader(
        at in 0..PLAIN.len(),
        cut in 0..40_usize,
        put in "[-:\\[\\]{}&*!|>'\"%~<( \na1é\u{202e}]{0,6}",
    ) {
        let end = (at + cut).min(PLAIN.len());
        survives(&format!("{}{put}{}", &PLAIN[..at], &PLAIN[end..]));
    }

    #[test]
    fn no_expression_panics_the_compiler(expression in "[a-z.()\\[\\]{}!&|=<>+*/%?:,'\"0-9 é]{1,60}") {
        let quoted = expression.replace('\'', "''");
        survives(&with_clause(&format!("'{quoted}'")));
    }
}

#[test]
fn p01_bombs_are_refused_at_once() {
    let alias = (1..30).fold("a0: &a0 [x,x,x]\n".to_owned(), |text, n| {
        let before = n - 1;
        format!("{text}a{n}: &a{n} [*a{before},*a{before},*a{before}]\n")
    });
    let bombs = [
        alias,
        "&a [*a]".to_owned(),
        "[".repeat(10_000),
        "{a: ".repeat(10_000),
        "- ".repeat(10_000),
        "? ".repeat(10_000),
        (0..500).map(|n| format!("{}k:\n", " ".repeat(n))).collect(),
        (0..8_000).map(|n| format!("k{n}: 1\n")).collect(),
        "a: 1\n".repeat(12_000),
        "x".repeat(TEXT_MAX + 1),
    ];

    for bomb in &bombs {
        let told = told(bomb);

        assert!(!told.is_empty(), "{}", &bomb[..40]);
        assert!(told.len() <= crate::catalog::FAULTS_MAX);
        survives(bomb);
    }
}
