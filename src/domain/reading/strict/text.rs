//! Strings: their end, their escapes, and nothing in them that another reader sees differently.

use std::borrow::Cow;

use memchr::memchr2;

use super::super::NotUnderstood;
use super::Scan;

impl<'a> Scan<'a> {
    /// Reads a string that begins here; copies only when something in it is escaped.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, NotUnderstood> {
        self.at += 1;
        let mut plain_from = self.at;
        let mut copied = String::new();
        loop {
            match self.peek() {
                Some(b'"') => {
                    let rest = &self.text[plain_from..self.at];
                    self.at += 1;
                    if copied.is_empty() {
                        return Ok(Cow::Borrowed(rest));
                    }
                    copied.push_str(rest);
                    return Ok(Cow::Owned(copied));
                }
                Some(b'\\') => {
                    copied.push_str(&self.text[plain_from..self.at]);
                    copied.push(self.escape()?);
                    plain_from = self.at;
                }
                Some(0x20..) => self.skip_plain(),
                Some(_) => return Err(self.refuse("a control character stands in a string")),
                None => return Err(self.refuse("a string does not end")),
            }
        }
    }

    /// Goes on to the next byte that may not stand for itself.
    fn skip_plain(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let plain = &rest[..memchr2(b'"', b'\\', rest).unwrap_or(rest.len())];
        // Without a way out in the middle it looks at many bytes at a time.
        let least = plain.iter().fold(u8::MAX, |least, byte| least.min(*byte));
        self.at += match least {
            0x20.. => plain.len(),
            _ => plain.iter().take_while(|byte| **byte >= 0x20).count(),
        };
    }

    fn escape(&mut self) -> Result<char, NotUnderstood> {
        self.at += 1;
        let plain = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.refuse("an escape is unknown")),
        };
        self.at += 1;
        Ok(plain)
    }

    fn unicode(&mut self) -> Result<char, NotUnderstood> {
        let half = self.four_digits()?;
        let code = match half {
            0xD800..=0xDBFF if self.text[self.at..].starts_with("\\u") => {
                self.at += 1;
                let low = self.four_digits()?;
                if !(0xDC00..=0xDFFF).contains(&low) {
                    return Err(self.refuse("half a surrogate pair stands alone"));
                }
                0x1_0000 + ((half - 0xD800) << 10) + (low - 0xDC00)
            }
            _ => half,
        };
        match char::from_u32(code) {
            Some('\0') => Err(self.refuse("a NUL character stands in a string")),
            Some(c) => Ok(c),
            None => Err(self.refuse("half a surrogate pair stands alone")),
        }
    }

    /// Reads the four digits after the `u` that stands here.
    fn four_digits(&mut self) -> Result<u32, NotUnderstood> {
        let digits = self.text.get(self.at + 1..self.at + 5);
        let digits = digits.filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|text| u32::from_str_radix(text, 16).ok());
        let code = code.ok_or_else(|| self.refuse("an escape lacks its four digits"))?;
        self.at += 5;
        Ok(code)
    }
}
