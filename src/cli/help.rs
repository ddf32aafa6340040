//! Help: a word below another shows those of that word's examples that are about it, so that every
//! example is written once.

use clap::{Command, CommandFactory as _, FromArgMatches as _};

use super::Cli;

impl Cli {
    /// What was typed. Help and mistakes are told at once, and end the process.
    pub fn typed() -> Self {
        let typed = words().get_matches();
        Self::from_arg_matches(&typed).unwrap_or_else(|error| error.exit())
    }
}

/// Every word, each with examples of its own.
pub(super) fn words() -> Command {
    Cli::command().mut_subcommands(|word| {
        let told = word.get_after_help().map(ToString::to_string);
        let (name, told) = (word.get_name().to_owned(), told.unwrap_or_default());
        word.mut_subcommands(|inner| {
            let begin = format!("estop {name} {}", inner.get_name());
            match about(&told, &begin) {
                examples if examples.is_empty() => inner,
                examples => inner.after_help(format!("Examples:\n{}", examples.join("\n"))),
            }
        })
    })
}

/// The examples that begin so, each with the lines it goes on in.
fn about<'a>(told: &'a str, begin: &str) -> Vec<&'a str> {
    let mut within = false;
    let lines = told.lines().filter(|line| {
        let goes_on = line.starts_with("    ");
        within = (goes_on && within) || is_of(line.trim_start(), begin);
        within
    });
    lines.collect()
}

fn is_of(example: &str, begin: &str) -> bool {
    let rest = example.strip_prefix(begin);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}
