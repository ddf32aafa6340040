//! The one law of names that people write in their files: sources, places, playbooks, groups,
//! clauses, parameters.

/// Longest name, in bytes.
pub const NAME_MAX: usize = 64;

/// Is it 1 to 64 lower-case letters, digits and these?
pub fn is_name(text: &str, joiners: &[char]) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || joiners.contains(&c);
    !text.is_empty() && text.len() <= NAME_MAX && text.chars().all(plain)
}

/// Is it the name that another system gave a thing, such as a change or a case: 1 to 64 visible ASCII
/// characters?
pub fn is_foreign_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_MAX && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::{NAME_MAX, is_name};

    #[test]
    fn a_name_is_short_lower_case_and_joined_by_what_its_place_allows() {
        let longest = "a".repeat(NAME_MAX);

        assert!(is_name("on-call_2", &['-', '_']));
        assert!(is_name(&longest, &[]));
        for bad in ["", "On-call", "on call", "on.call", "ön", "on-call"] {
            assert!(!is_name(bad, &['_']), "{bad:?}");
        }
        assert!(!is_name(&format!("{longest}a"), &[]));
    }
}
