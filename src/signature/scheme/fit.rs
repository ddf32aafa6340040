//! Which manners of signing can be used at all.

use super::{BadScheme, Layout, Scheme, TimePlace, TimeRule};

impl Scheme {
    /// Refuses what would verify less than it seems to.
    pub fn checked(self) -> Result<Self, BadScheme> {
        let (signed, listed) = (&self.signed, matches!(self.layout, Layout::List { .. }));
        if !signed.has_body() {
            return Err(BadScheme(
                "`signed` must hold {body}, or the body is not signed at all",
            ));
        }
        if self.time.is_some() != signed.has_timestamp() {
            return Err(BadScheme(
                "`timestamp` and {timestamp} in `signed` need each other: an unsigned time is \
                 worth nothing",
            ));
        }
        if self.id.is_some() != signed.has_id() {
            return Err(BadScheme(
                "`id` and {id} in `signed` need each other: an unsigned id finds no repeat",
            ));
        }
        let in_list = |time: &TimeRule| matches!(time.place, TimePlace::Entry(_));
        if self.time.as_ref().is_some_and(in_list) && !listed {
            return Err(BadScheme(
                "`timestamp.entry` needs `entry`: a header that is a list",
            ));
        }
        self.can_be_sent()?;
        Ok(self)
    }

    /// Refuses a manner in which no sender could sign, so that it is not found out by silence.
    fn can_be_sent(&self) -> Result<(), BadScheme> {
        let is_written = match &self.layout {
            Layout::Whole { prefix } => is_text(prefix) && !prefix.starts_with(' '),
            Layout::List { name } => is_entry(name),
        };
        if !is_written {
            return Err(BadScheme(
                "`prefix` and `entry` are visible ASCII; a prefix does not begin with a space, and an \
                 entry holds neither `,` nor `=` nor a space, or no header could carry them",
            ));
        }
        let place = self.time.as_ref().map(|rule| &rule.place);
        let (time, entry) = match place {
            Some(TimePlace::Header(name)) => (Some(name), None),
            Some(TimePlace::Entry(name)) => (None, Some(name)),
            None => (None, None),
        };
        let twice = match &self.layout {
            Layout::List { name } => entry == Some(name),
            Layout::Whole { .. } => false,
        };
        let same = [time, self.id.as_ref()].contains(&Some(&self.header));
        if twice || same || (time.is_some() && time == self.id.as_ref()) {
            return Err(BadScheme(
                "the signature, `timestamp` and `id` each need a name of their own: what stands there \
                 twice is never believed",
            ));
        }
        match entry {
            Some(entry) if !is_entry(entry) => Err(BadScheme(
                "`timestamp.entry` is visible ASCII without `,` and `=`",
            )),
            Some(_) | None => Ok(()),
        }
    }
}

/// Can a header carry it?
fn is_text(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_graphic() || c == ' ')
}

/// Can a comma list of `name=value` carry it as a name?
fn is_entry(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && c != ',' && c != '=';
    !name.is_empty() && name.chars().all(plain)
}
