//! The name of a playbook: plain, not one of ours, and that of its file.

use super::code::Code;
use super::fault::Faults;
use super::fields;
use super::yaml::{Entry, short};
use crate::domain::playbook::PlaybookName;

/// Reads `playbook`; `file` is what the name is held against.
pub(super) fn name(entry: &Entry, file: &str, faults: &mut Faults) -> Option<PlaybookName> {
    let span = &entry.value.span;
    let word = fields::text(&entry.value, "playbook", faults)?;
    let Some(name) = PlaybookName::new(word) else {
        faults
            .error(
                span,
                format!("`{}` is not the name of a playbook", short(word)),
            )
            .help("one is 1 to 64 lower-case letters, digits and `-`");
        return None;
    };
    if word == PlaybookName::BY_HAND {
        faults.error(
            span,
            format!("`{word}` is the name of what a person orders"),
        );
        return None;
    }
    if word == PlaybookName::DRILL {
        faults.error(span, format!("`{word}` is the name of a drill"));
        return None;
    }
    if word == PlaybookName::DRIFT {
        faults.error(
            span,
            format!("`{word}` is the name of what is proposed after a drift"),
        );
        return None;
    }
    if word == PlaybookName::FREEZE {
        faults.error(
            span,
            format!("`{word}` is the name of the runs of a freeze"),
        );
        return None;
    }
    let stem = file.rsplit(['/', '\\']).next().unwrap_or(file);
    if stem != format!("{word}.yaml") {
        faults
            .error(span, "the file is not named after its playbook")
            .coded(Code::Misnamed)
            .because(format!("the file is `{}`", short(stem)))
            .help(format!("name the file `{word}.yaml`"));
        return None;
    }
    Some(name)
}
