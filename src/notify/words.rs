//! What leaves us, cleared of what must not.

use sha2::{Digest as _, Sha256};

use super::Teller;
use crate::domain::notice::Notice;
use crate::domain::shown::disturbs;
use crate::domain::telling::Telling;
use crate::pager::Page;

/// Longest text that leaves us.
const TEXT_MAX: usize = 4_000;
/// Credentials' names that stand in our own texts, and what a stranger reads in their place.
const NAMED: [(&str, &str); 3] = [
    ("person:", "a person"),
    ("token:", "a token"),
    ("local:", "a person at the machine"),
];

/// Said where nothing leads to the incident.
pub(super) const NO_WAY_TO_INCIDENT: &str =
    "no way to the incident is configured; its status carries the text";

/// A notice as a page.
pub(super) fn page(teller: &Teller, tried: &Telling, notice: &Notice) -> Page {
    Page {
        key: tried.key(),
        thread: thread(&notice.key),
        word: tried.word,
        urgency: notice.urgency,
        text: cleared(&notice.text),
        at: notice.at,
        run: notice.run,
        link: teller.public_url.as_ref().map(url::Url::to_string),
        sponsors: Vec::new(),
    }
}

/// The name of a matter at the far end: the same for the same key, and tells nothing of it.
pub(super) fn thread(key: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"estop-thread-1\n");
    hash.update(key.as_bytes());
    format!("estop-{}", hex::encode(&hash.finalize()[..16]))
}

/// Without the names of credentials, which often are people's, and without control characters.
pub(super) fn cleared(text: &str) -> String {
    let mut text: String = text
        .chars()
        .map(|c| if disturbs(c) { ' ' } else { c })
        .take(TEXT_MAX)
        .collect();
    for (prefix, instead) in NAMED {
        let mut from = 0;
        while let Some(found) = text[from..].find(prefix) {
            let at = from + found;
            let rest = &text[at + prefix.len()..];
            let named = |c: char| !(c.is_whitespace() || matches!(c, ',' | ';' | ':' | ')'));
            let length: usize = rest
                .chars()
                .take_while(|c| named(*c))
                .map(char::len_utf8)
                .sum();
            text.replace_range(at..at + prefix.len() + length, instead);
            // Behind it: what stands there now may look like the name of another.
            from = at + instead.len();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{cleared, thread};

    #[test]
    fn names_of_credentials_stay_here() {
        let said = cleared("denied by person:ada.lovelace: no, token:soc-1 asked\nlocal:root");

        assert_eq!(
            said,
            "denied by a person: no, a token asked a person at the machine"
        );
    }

    #[test]
    fn a_matter_has_one_name_that_tells_nothing() {
        assert_eq!(thread("run_x slow"), thread("run_x slow"));
        assert_ne!(thread("run_x slow"), thread("run_y slow"));
        assert!(!thread("run_x slow").contains("run_x"));
    }
}
