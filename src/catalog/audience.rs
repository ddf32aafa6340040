//! Whom a playbook tells.

use super::code::Code;
use super::fault::Faults;
use super::fields::{self, Words};
use super::yaml::{Entry, Shape};
use crate::domain::playbook::Audience;

/// Most entries of `notify`.
pub(super) const NOTIFY_MAX: usize = 16;

pub(super) const AUDIENCE: Words<'static> = Words {
    noun: "audience",
    known: &["sponsors", "incident"],
    later: &["slack", "teams"],
};

/// Reads `notify`; nobody when it is left out.
pub(super) fn read(entry: Option<&Entry>, faults: &mut Faults) -> Option<Vec<Audience>> {
    let Some(entry) = entry else {
        return Some(Vec::new());
    };
    let mut audience = Vec::new();
    let mut whole = true;
    for item in fields::list(&entry.value, "notify", NOTIFY_MAX, faults)? {
        if let Shape::Map(entries) = &item.shape {
            // A channel with its address, such as `{ slack: "#soc" }`.
            let named = entries.first().map(|entry| entry.key.as_str());
            faults
                .error(
                    &item.span,
                    format!("`{}` in `notify` is not supported yet", named.unwrap_or("{}")),
                )
                .coded(Code::NotYet)
                .help("`notify` takes `sponsors` and `incident`; people on call stand under `page` in estop.yaml");
            whole = false;
            continue;
        }
        match AUDIENCE.read(item, faults).and_then(Audience::from_word) {
            Some(it) if audience.contains(&it) => {
                let twice = format!("`{}` stands twice in `notify`", it.word());
                faults.error(&item.span, twice).help("name it once");
                whole = false;
            }
            Some(it) => audience.push(it),
            None => whole = false,
        }
    }
    whole.then_some(audience)
}
