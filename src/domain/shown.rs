//! Text that others wrote, where a person reads it: no character of it may end a line, move a
//! cursor, or turn the text around it (threat L01).

/// What stands for a character that is not shown.
pub const HIDDEN: char = '\u{fffd}';

/// Whether a character does something to the text around it rather than being read: controls, the
/// marks and overrides of writing direction, and the two separators of lines and paragraphs.
pub fn disturbs(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// The text with every such character made visible, and cut after so many.
pub fn shown(text: &str, most: usize) -> String {
    let letters = text.chars().take(most);
    letters
        .map(|letter| if disturbs(letter) { HIDDEN } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn l01_what_would_disturb_a_line_is_made_visible_and_the_rest_is_kept() {
        let text = "a\r\n\u{1b}[2J\u{7f}\u{85}\u{202e}\u{2066}\u{200f}\u{2028}é日\u{200d}";

        let clean = shown(text, 100);

        assert_eq!(
            clean,
            "a\u{fffd}\u{fffd}\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}é日\u{200d}"
        );
        assert_eq!(shown("abc", 2), "ab");
    }
}
