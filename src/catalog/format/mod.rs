//! The one form of a playbook file: keys in the order of the schema, two spaces, one space within
//! braces, comments where they stood.
//!
//! What a file says is never changed: the result is read again and compared, comments included,
//! and a file for which that fails is left as it was.

mod comments;
mod page;

use super::cases;
use super::code::Code;
use super::fault::{Fault, Faults};
use super::lint::TEST_ENDING;
use super::read::KEYS;
use super::yaml::{self, Node, Shape};
use comments::Comments;
use page::Page;

/// The text in the one form. Formatting it again changes nothing.
///
/// # Errors
/// The faults of a text that is no plain YAML, or one that says why it must stay as it is.
pub fn formatted(file: &str, text: &str) -> Result<String, Vec<Fault>> {
    let text = text.replace("\r\n", "\n");
    let mut faults = Faults::none_in(file, &text);
    let tree = yaml::tree(&text, &mut faults);
    if tree.is_none() && !faults.refuse() {
        let fault = faults.error(&(0..0), "this file says nothing");
        fault
            .coded(Code::Missing)
            .help("it begins with `playbook: NAME`");
    }
    let Some(root) = tree.filter(|_| !faults.refuse()) else {
        return Err(faults.told());
    };
    let order = if file.ends_with(TEST_ENDING) {
        cases::FILE.known
    } else {
        KEYS.known
    };
    let done = Page::new(&text, &root).whole(&root, order);
    let same = done
        .as_deref()
        .is_some_and(|done| says_the_same(file, (&text, &root), done));
    match done {
        Some(done) if same => Ok(done),
        Some(_) | None => {
            faults
                .error(
                    &(0..1),
                    "this file is written in a way that has no one form",
                )
                .coded(Code::NotPlain)
                .help("write texts of several lines in one, and keys as plain words");
            Err(faults.told())
        }
    }
}

fn says_the_same(file: &str, (text, root): (&str, &Node), done: &str) -> bool {
    let mut faults = Faults::none_in(file, done);
    let again = yaml::tree(done, &mut faults);
    let Some(again) = again.filter(|_| !faults.refuse()) else {
        return false;
    };
    let said = |text: &str, root: &Node| {
        let mut said = Comments::of(text, root).texts();
        said.sort();
        said
    };
    alike(root, &again) && said(text, root) == said(done, &again)
}

/// Do both say the same, whatever the order of keys?
fn alike(one: &Node, other: &Node) -> bool {
    match (&one.shape, &other.shape) {
        (Shape::Text { text: a, plain: p }, Shape::Text { text: b, plain: q }) => a == b && p == q,
        (Shape::List(a), Shape::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(one, other)| alike(one, other))
        }
        (Shape::Map(a), Shape::Map(b)) => {
            let has = |key: &str| b.iter().find(|entry| entry.key == key);
            a.len() == b.len()
                && a.iter()
                    .all(|entry| has(&entry.key).is_some_and(|it| alike(&entry.value, &it.value)))
        }
        (Shape::Text { .. } | Shape::List(_) | Shape::Map(_) | Shape::Reported, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::formatted;

    const WILD: &str = "\
# yaml-language-server: $schema=playbook.schema.json
# Why: it is a test.
summary:   Stop the agent.   # said shortly
playbook: x


steps:
    - disable_agent   # the switch
    # most agents have none
    - disable_agent_user: {optional: true}
trigger:
    detection: [signInSpike,threatIntelligenceAccount]
    # both come from Entra
    severity: high+
# what counts
when: {fresh: 'age(detection.detected_at) < duration(\"7d\")'}
on_unknown: observe
mode: observe                                 # it begins by watching
entity: agent
also: [agent_users]
# the end
";

    const TAME: &str = "\
# yaml-language-server: $schema=playbook.schema.json
# Why: it is a test.
playbook: x
summary: Stop the agent.     # said shortly
trigger:
  detection: [signInSpike, threatIntelligenceAccount]
  # both come from Entra
  severity: high+
# what counts
when: { fresh: 'age(detection.detected_at) < duration(\"7d\")' }
on_unknown: observe
entity: agent
also: [agent_users]
mode: observe                                 # it begins by watching

steps:
  - disable_agent     # the switch
  # most agents have none
  - disable_agent_user: { optional: true }
# the end
";

    #[test]
    fn a_wild_file_is_put_in_the_one_form() {
        assert_eq!(formatted("x.yaml", WILD).unwrap(), TAME);
    }

    #[test]
    fn what_has_the_one_form_stays() {
        assert_eq!(formatted("x.yaml", TAME).unwrap(), TAME);
    }

    #[test]
    fn what_cannot_be_formatted_is_left_alone() {
        let folded = TAME.replace("Stop the agent.  ", ">\n  Stop the\n  agent.\n");

        assert!(formatted("x.yaml", &folded).is_err());
        for nothing in ["a: [", "", "\n", "# only this\n"] {
            let faults = formatted("x.yaml", nothing).unwrap_err();
            assert!(
                !faults.is_empty(),
                "{nothing:?} is left alone, and nobody hears why"
            );
        }
    }
}
