//! JSON that can be read in one way only, checked before anything is built from it.
//!
//! Knows: RFC 8259, and where parsers differ (threats W15 to W18).
//! Never: what the members mean.
//!
//! Laws
//! * One pass, no recursion: no depth can exhaust the stack.
//! * Whatever passes here, `serde_json` reads too.

mod text;

use std::borrow::Cow;

use super::NotUnderstood;

/// Deepest nesting of objects and lists.
pub const DEPTH_MAX: usize = 32;
/// Objects with at most this many keys are compared pairwise; larger ones are sorted.
const PAIRWISE_MAX: usize = 12;
/// A number of at most this many characters without exponent cannot leave the range of a double.
const SURELY_FINITE: usize = 300;

/// Returns the body as text when it is one JSON value: strict UTF-8 without byte order mark or
/// NUL, at most [`DEPTH_MAX`] deep, no key twice in one object however it is escaped, no half
/// surrogate, no number beyond a double.
pub fn check(body: &[u8]) -> Result<&str, NotUnderstood> {
    let text = str::from_utf8(body)
        .map_err(|why| refused(why.valid_up_to(), "the body is not UTF-8 text from here on"))?;
    let mut scan = Scan {
        text,
        at: 0,
        open: Vec::with_capacity(DEPTH_MAX),
        keys: Vec::with_capacity(64),
    };
    scan.document()?;
    Ok(text)
}

fn refused(at: usize, why: &str) -> NotUnderstood {
    NotUnderstood::new(format!(
        "byte {at}: {why}. Let the sender write plain JSON, then replay the delivery"
    ))
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Frame>,
    /// The keys of all open objects, outermost first.
    keys: Vec<Cow<'a, str>>,
}

#[derive(Clone, Copy)]
enum Frame {
    List,
    Object { first_key: usize },
}

/// What the grammar allows next.
#[derive(Clone, Copy)]
enum Next {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    AfterValue,
    Done,
}

impl<'a> Scan<'a> {
    fn document(&mut self) -> Result<(), NotUnderstood> {
        let mut next = Next::Value;
        loop {
            self.skip_space();
            next = match (next, self.peek()) {
                (Next::ValueOrEnd, Some(b']')) | (Next::KeyOrEnd, Some(b'}')) => self.close()?,
                (Next::Value | Next::ValueOrEnd, Some(first)) => self.value(first)?,
                (Next::Key | Next::KeyOrEnd, Some(b'"')) => self.key()?,
                (Next::AfterValue, found) => self.after_value(found)?,
                (Next::Done, _) => return Ok(()),
                (Next::Value | Next::ValueOrEnd | Next::Key | Next::KeyOrEnd, _) => {
                    return Err(self.refuse("a value or a key is missing"));
                }
            };
        }
    }

    fn after_value(&mut self, found: Option<u8>) -> Result<Next, NotUnderstood> {
        match (self.open.last().copied(), found) {
            (None, None) => Ok(Next::Done),
            (Some(Frame::List), Some(b',')) => {
                self.at += 1;
                Ok(Next::Value)
            }
            (Some(Frame::Object { .. }), Some(b',')) => {
                self.at += 1;
                Ok(Next::Key)
            }
            (Some(Frame::List), Some(b']')) | (Some(Frame::Object { .. }), Some(b'}')) => {
                self.close()
            }
            (None | Some(_), _) => Err(self.refuse("a comma or an end is missing")),
        }
    }

    fn value(&mut self, first: u8) -> Result<Next, NotUnderstood> {
        match first {
            b'{' => self.enter(Frame::Object {
                first_key: self.keys.len(),
            }),
            b'[' => self.enter(Frame::List),
            b'"' => self.string().map(|_| Next::AfterValue),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.word(),
        }
    }

    fn enter(&mut self, frame: Frame) -> Result<Next, NotUnderstood> {
        if self.open.len() == DEPTH_MAX {
            return Err(self.refuse(&format!("nested deeper than {DEPTH_MAX}")));
        }
        self.open.push(frame);
        self.at += 1;
        Ok(match frame {
            Frame::List => Next::ValueOrEnd,
            Frame::Object { .. } => Next::KeyOrEnd,
        })
    }

    fn close(&mut self) -> Result<Next, NotUnderstood> {
        if let Some(Frame::Object { first_key }) = self.open.pop() {
            if has_twins(&mut self.keys[first_key..]) {
                return Err(self.refuse("an object that ends here has one key twice"));
            }
            self.keys.truncate(first_key);
        }
        self.at += 1;
        Ok(Next::AfterValue)
    }

    fn key(&mut self) -> Result<Next, NotUnderstood> {
        let key = self.string()?;
        self.keys.push(key);
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.refuse("a colon is missing"));
        }
        self.at += 1;
        Ok(Next::Value)
    }

    fn number(&mut self) -> Result<Next, NotUnderstood> {
        let start = self.at;
        self.skip_one(b"-");
        let whole = self.skip_digits();
        let leading_zero = whole > 1 && self.text.as_bytes()[self.at - whole] == b'0';
        let mut sound = whole > 0 && !leading_zero;
        if self.skip_one(b".") {
            sound &= self.skip_digits() > 0;
        }
        let exponent = self.skip_one(b"eE");
        if exponent {
            self.skip_one(b"+-");
            sound &= self.skip_digits() > 0;
        }
        if !sound {
            return Err(self.refuse("a number is not written as JSON writes it"));
        }
        let text = &self.text[start..self.at];
        let finite = || text.parse::<f64>().is_ok_and(f64::is_finite);
        if (exponent || text.len() > SURELY_FINITE) && !finite() {
            return Err(self.refuse("a number is too large"));
        }
        Ok(Next::AfterValue)
    }

    fn word(&mut self) -> Result<Next, NotUnderstood> {
        let rest = &self.text[self.at..];
        for word in ["true", "false", "null"] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(Next::AfterValue);
            }
        }
        Err(self.refuse("this is not a JSON value"))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn skip_one(&mut self, of: &[u8]) -> bool {
        let here = self.peek().is_some_and(|b| of.contains(&b));
        self.at += usize::from(here);
        here
    }

    fn skip_digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn refuse(&self, why: &str) -> NotUnderstood {
        refused(self.at, why)
    }
}

/// Whether one key stands there twice. Sorting keeps a body of 100,000 keys from costing their
/// square.
fn has_twins(keys: &mut [Cow<'_, str>]) -> bool {
    if keys.len() <= PAIRWISE_MAX {
        let twin = |(n, key): (usize, &Cow<'_, str>)| keys[..n].contains(key);
        return keys.iter().enumerate().any(twin);
    }
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests;
