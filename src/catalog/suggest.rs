//! The word a typo was meant to be.

/// Longer words are not compared; nothing of ours is that long.
const WORD_MAX: usize = 64;

/// The candidate a person most likely meant by `word`, if one is near enough: at most a third of
/// its letters changed, dropped, added or swapped with their neighbour, whatever the case.
pub fn nearest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let word = word.to_ascii_lowercase();
    if word.is_empty() || word.len() > WORD_MAX {
        return None;
    }
    candidates
        .iter()
        .map(|candidate| (distance(&word, &candidate.to_ascii_lowercase()), *candidate))
        .filter(|(far, candidate)| *far <= (candidate.len() / 3).max(1))
        .min_by_key(|(far, _)| *far)
        .map(|(_, candidate)| candidate)
}

/// How many letters must change, go, come or swap places: the optimal string alignment distance.
pub(super) fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let changed = above[j] + usize::from(l != r);
            let mut least = changed.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn a_typo_finds_its_word() {
        let words = ["disable_agent", "disable_blueprint", "revoke_sessions"];

        assert_eq!(nearest("disabel_agent", &words), Some("disable_agent"));
        assert_eq!(nearest("Disable_Agent", &words), Some("disable_agent"));
        assert_eq!(nearest("revoke_session", &words), Some("revoke_sessions"));
    }

    #[test]
    fn another_word_finds_nothing() {
        assert_eq!(nearest("delete_agent_now", &["revoke_sessions"]), None);
        assert_eq!(nearest("", &["a"]), None);
    }

    #[test]
    fn two_swapped_letters_are_one_step() {
        assert_eq!(distance("observe", "obsevre"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
