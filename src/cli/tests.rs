//! The words, the numbers and the terminal.

use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

use clap::{Command as Word, Parser as _};

use super::contain::{reason, yes};
use super::help::words;
use super::server::{private_text, safe_base};
use super::terminal::{Ends, Terminal, is_plain};
use super::{Cli, Command, Exit, store, table};
use crate::config::Environment;
use crate::domain::run::RunState;
use crate::store::Crossed;

/// What was written, for a test to look at.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const PERSON: Ends = Ends {
    input: true,
    output: true,
    talk: true,
};

fn terminal(typed: &str, ends: Ends) -> (Terminal, Paper, Paper) {
    let (output, talk) = (Paper::default(), Paper::default());
    let input = Cursor::new(typed.to_owned());
    let terminal = Terminal::of(input, output.clone(), talk.clone(), ends);
    (terminal, output, talk)
}

#[test]
fn the_words_fit_together() {
    words().debug_assert();
}

/// Every word with its examples, as the path it is typed by.
fn leaves(word: &Word, above: &str) -> Vec<(String, String)> {
    let path = format!("{above} {}", word.get_name()).trim().to_owned();
    let told = word.get_after_help().map(ToString::to_string);
    let inner = word.get_subcommands().filter(|it| it.get_name() != "help");
    let mut all: Vec<_> = inner.flat_map(|inner| leaves(inner, &path)).collect();
    all.push((path, told.unwrap_or_default()));
    all
}

#[test]
fn every_command_at_every_level_has_help_with_examples_of_its_own_that_are_understood() {
    let all = leaves(&words(), "");
    assert!(all.len() > 80, "{}", all.len());

    for (path, told) in all {
        let examples: Vec<_> = told.lines().map(str::trim_start).collect();
        let own = examples.iter().filter(|line| line.starts_with(&path));
        assert!(own.count() > 0, "{path}: {told}");
        for line in examples.iter().filter(|line| line.starts_with("estop ")) {
            // What stands behind two spaces explains it; pipes and lists are the shell's.
            let typed = line.split("  ").next().unwrap();
            if typed.contains(['>', '|', '&', '$', '\\', '\'']) {
                continue;
            }
            let read = words().try_get_matches_from(typed_words(typed));
            assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
        }
    }
}

/// The words of an example, with an id wherever it stands for one.
fn typed_words(example: &str) -> Vec<String> {
    let guid = "7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0";
    let quoted = example.split('"').zip([false, true].into_iter().cycle());
    let mut words = Vec::new();
    for (text, is_quoted) in quoted {
        if is_quoted {
            words.push(text.to_owned());
            continue;
        }
        words.extend(text.split_whitespace().map(|word| {
            match word {
                "GUID" | "OBJECT_ID" | "TENANT_ID" => guid.to_owned(),
                "RUN" => "run_00000000000000000000000007".to_owned(),
                "44CHARACTERS=" => format!("{}=", "A".repeat(43)),
                word => word
                    .replace("_06b2...", "_00000000000000000000000007")
                    .replace("_06b3...", "_00000000000000000000000008")
                    .replace(":9c1e...", &format!(":{}", "9c1e".repeat(16))),
            }
        }));
    }
    words
}

#[test]
fn kill_is_contain_for_those_who_type_it() {
    let guid = "7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0";

    for word in ["contain", "kill"] {
        let cli = Cli::try_parse_from(["estop", word, guid]).unwrap();
        assert!(
            matches!(cli.command, Command::Contain(args) if args.targets[0].to_string() == guid)
        );
    }
}

#[test]
fn a_name_is_no_target_and_usage_ends_with_2() {
    let refused = Cli::try_parse_from(["estop", "contain", "invoice-bot"]).unwrap_err();

    assert_eq!(refused.exit_code(), 2);
    assert!(refused.to_string().contains("is not a GUID"), "{refused}");
}

#[test]
fn c04_no_argument_takes_a_token() {
    let mut commands = vec![words()];
    let mut seen = 0;
    while let Some(command) = commands.pop() {
        for argument in command.get_arguments() {
            seen += 1;
            assert_ne!(argument.get_long(), Some("token"), "{}", command.get_name());
            let variable = argument
                .get_env()
                .map(|it| it.to_string_lossy().into_owned());
            assert_ne!(variable.as_deref(), Some("ESTOP_TOKEN"));
        }
        commands.extend(command.get_subcommands().cloned());
    }
    assert!(seen > 30);
}

#[test]
fn c04_a_token_file_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "estop_x\n").unwrap();
    let with_mode = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&path, permissions).unwrap();
        private_text(&path).map_err(|failure| failure.exit())
    };

    for mode in [0o644, 0o640, 0o604, 0o660, 0o700] {
        assert_eq!(with_mode(mode), Err(Exit::Usage), "{mode:o}");
    }
    for mode in [0o600, 0o400] {
        assert_eq!(with_mode(mode).unwrap(), "estop_x\n", "{mode:o}");
    }
}

#[test]
fn c04_a_token_goes_over_plain_http_on_this_machine_only() {
    let may = |server: &str| safe_base(&server.parse().unwrap()).is_ok();

    for server in [
        "http://127.0.0.1:8788",
        "http://localhost",
        "http://[::1]:1",
        "https://e.example",
    ] {
        assert!(may(server), "{server}");
    }
    for server in [
        "http://estop.example",
        "http://10.0.0.1:8788",
        "http://127.0.0.1.example",
        "https://user:word@e.example",
        "https://e.example/?token=x",
        "ftp://127.0.0.1",
    ] {
        assert!(!may(server), "{server}");
    }
}

#[test]
fn exit_codes_are_a_contract() {
    let codes = [
        (Exit::Done, 0),
        (Exit::Failed, 1),
        (Exit::Usage, 2),
        (Exit::NotFound, 3),
        (Exit::NotAllowed, 4),
        (Exit::WaitsForPerson, 5),
        (Exit::Partial, 6),
        (Exit::Unknown, 7),
        (Exit::Guarded, 8),
        (Exit::Unreachable, 9),
        (Exit::Config, 78),
        (Exit::Interrupted, 130),
    ];

    for (exit, code) in codes {
        assert_eq!(exit.code(), code);
    }
}

#[test]
fn only_what_was_read_back_ends_with_0() {
    for state in RunState::ALL {
        let done = Exit::of_containment(state) == Exit::Done;
        assert_eq!(done, state == RunState::Contained, "{state}");
        let undone = Exit::of_undo(state) == Exit::Done;
        assert_eq!(undone, state == RunState::Undone, "{state}");
    }
    assert_eq!(Exit::of_containment(RunState::Unknown), Exit::Unknown);
    assert_eq!(Exit::of_containment(RunState::Partial), Exit::Partial);
    assert_eq!(
        Exit::of_containment(RunState::Waiting),
        Exit::WaitsForPerson
    );
}

#[test]
fn a_refusal_ends_with_the_code_of_its_kind() {
    for (status, code, exit) in [
        (409, "brake-tripped", Exit::Guarded),
        (409, "mode-observe", Exit::Guarded),
        (409, "protected-target", Exit::Guarded),
        (409, "plan-stale", Exit::Failed),
        (401, "token-refused", Exit::NotAllowed),
        (403, "tier-too-high", Exit::NotAllowed),
        (422, "target-unresolved", Exit::NotFound),
        (422, "reason-required", Exit::Usage),
        (503, "store-busy", Exit::Unreachable),
        (504, "too-slow", Exit::Unknown),
        (502, "graph-refused", Exit::Failed),
    ] {
        assert_eq!(Exit::of_problem(status, code), exit, "{code}");
    }
}

#[test]
fn without_a_terminal_nothing_is_assumed() {
    let (mut pipe, _, _) = terminal("y\n", Ends::default());

    assert_eq!(
        yes(&mut pipe, "Contain it?").unwrap_err().exit(),
        Exit::Guarded
    );
    assert_eq!(reason(&mut pipe, None).unwrap_err().exit(), Exit::Usage);
}

#[test]
fn only_a_yes_is_a_yes() {
    for (typed, agreed) in [
        ("y\n", true),
        ("YES\n", true),
        ("\n", false),
        ("no\n", false),
        ("", false),
    ] {
        let (mut person, _, talk) = terminal(typed, PERSON);

        assert_eq!(yes(&mut person, "Contain it?").is_ok(), agreed, "{typed:?}");
        assert!(talk.text().contains("Contain it?"));
    }
}

#[test]
fn names_from_a_tenant_cannot_move_the_cursor() {
    let (mut person, output, _) = terminal("", PERSON);

    person.line("evil\u{1b}[2Jbot\nCONTAINED");

    assert_eq!(output.text(), "evil\u{fffd}[2Jbot\u{fffd}CONTAINED\n");
}

#[test]
fn a_table_keeps_whole_ids_and_lines_its_columns_up() {
    let (mut person, output, _) = terminal("", PERSON);
    let rows = [
        vec![
            "a".to_owned(),
            "7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0".to_owned(),
        ],
        vec!["long".to_owned(), "-".to_owned()],
    ];

    table::write(&mut person, &["N", "ID"], &rows, "none");

    let expected = "N     ID\na     7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0\nlong  -\n";
    assert_eq!(output.text(), expected);
}

#[test]
fn a_dumb_terminal_and_whoever_wants_no_colour_get_none() {
    let plain = |name: &str, value: &str| {
        is_plain(&Environment::new([(name.to_owned(), value.to_owned())]))
    };

    assert!(plain("TERM", "dumb") && plain("NO_COLOR", "1"));
    assert!(!plain("TERM", "xterm-256color") && !plain("NO_COLOR", ""));
}

#[test]
fn how_far_a_store_has_moved_is_drawn_where_a_person_looks_and_nowhere_else() {
    let copied = Crossed::Copied {
        table: "record",
        rows: 2_000,
        of: 4_711,
    };
    let (mut person, output, talk) = terminal("", PERSON);
    let (mut pipe, _, nobody) = terminal("", Ends::default());

    for terminal in [&mut person, &mut pipe] {
        store::follow(terminal, copied);
    }

    assert!(talk.text().contains("\r"), "{:?}", talk.text());
    assert!(talk.text().ends_with("  2000 of 4711 rows  record"));
    assert_eq!(
        (output.text(), nobody.text()),
        (String::new(), String::new())
    );
}
