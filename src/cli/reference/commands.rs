//! Every command with its arguments, as `--help` knows them.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command};

use super::row;
use crate::cli::help::words;

pub(super) fn page() -> String {
    let mut root = words();
    root.build();
    let mut page = String::from(
        "# Commands\n\nWritten by `estop reference commands`, and kept by a test. `--help` says the \
         same with examples.\n\n## Every command\n\n",
    );
    page.push_str(&table(
        root.get_arguments().filter(|arg| arg.is_global_set()),
    ));
    for command in root.get_subcommands() {
        describe(&mut page, command, "estop");
    }
    page
}

fn describe(page: &mut String, command: &Command, above: &str) {
    if command.is_hide_set() || command.get_name() == "help" {
        return;
    }
    let name = format!("{above} {}", command.get_name());
    let inner: Vec<&Command> = command.get_subcommands().collect();
    if inner.is_empty() {
        let _ = write!(page, "\n## {name}\n\n{}\n", about(command));
        let own = command.get_arguments().filter(|arg| is_own(arg));
        let told = table(own);
        if !told.is_empty() {
            let _ = write!(page, "\n{told}");
        }
    }
    for one in inner {
        describe(page, one, &name);
    }
}

/// Help and the arguments of every command are told once.
fn is_own(arg: &Arg) -> bool {
    let everywhere = [
        "help",
        "version",
        "json",
        "no_color",
        "server",
        "token_file",
    ];
    !everywhere.contains(&arg.get_id().as_str())
}

fn about(command: &Command) -> String {
    let about = command.get_about().map(ToString::to_string);
    format!("{}.", about.unwrap_or_default().trim_end_matches('.'))
}

fn table<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let rows: String = arguments
        .filter(|arg| !arg.is_hide_set())
        .map(|arg| row(&[&format!("`{}`", spelled(arg)), &fallback(arg), &help(arg)]))
        .collect();
    if rows.is_empty() {
        return rows;
    }
    format!("| Argument | Default | What it is |\n|---|---|---|\n{rows}")
}

fn spelled(arg: &Arg) -> String {
    let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let names = arg.get_value_names().unwrap_or_default();
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let value = names.join(" ");
    match arg.get_long() {
        Some(long) if takes => format!("--{long} {value}"),
        Some(long) => match arg.get_short() {
            Some(short) => format!("--{long}, -{short}"),
            None => format!("--{long}"),
        },
        None => value,
    }
}

fn fallback(arg: &Arg) -> String {
    let values: Vec<_> = arg
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    match (values.is_empty() || !takes, arg.is_required_set()) {
        (false, _) => values.join(", "),
        (true, true) => "needed".to_owned(),
        (true, false) => String::new(),
    }
}

fn help(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string);
    let mut help = format!("{}.", help.unwrap_or_default().trim_end_matches('.'));
    let named: Vec<_> = arg
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    if takes && !named.is_empty() {
        let _ = write!(help, " One of {}.", named.join(", "));
    }
    if let Some(variable) = arg.get_env() {
        let _ = write!(help, " Also `{}`.", variable.to_string_lossy());
    }
    help
}
