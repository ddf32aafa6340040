//! One thing to be said to one far end: a page, a sponsor's message, an incident's comment.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::moment::Moment;
use super::name::is_name;

/// The configured name of a place where people are paged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DestinationName(String);

impl DestinationName {
    /// Takes 1 to 64 lower-case letters, digits, `-` and `_`.
    pub fn new(name: &str) -> Option<Self> {
        is_name(name, &['-', '_']).then(|| Self(name.to_owned()))
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DestinationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whom something is said to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whom {
    /// A place under `page`, about a notice.
    Page(DestinationName),
    /// Who answers for the agent of a run; not yet by which place.
    Sponsors,
    /// The same, by a place under `page`.
    SponsorsBy(DestinationName),
    /// The incident that a detection came from.
    Incident,
}

impl Whom {
    /// As the store keeps it.
    pub fn text(&self) -> String {
        match self {
            Self::Page(name) => format!("page:{name}"),
            Self::Sponsors => "sponsors".to_owned(),
            Self::SponsorsBy(name) => format!("sponsors:{name}"),
            Self::Incident => "incident".to_owned(),
        }
    }

    /// Reads what [`Whom::text`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("page", name)) => DestinationName::new(name).map(Self::Page),
            Some(("sponsors", name)) => DestinationName::new(name).map(Self::SponsorsBy),
            Some(_) => None,
            None if text == "sponsors" => Some(Self::Sponsors),
            None => (text == "incident").then_some(Self::Incident),
        }
    }
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// It has happened, or it stands so now.
    Raise,
    /// A person has it in hand.
    Acknowledge,
    /// It is over.
    Resolve,
}

impl Word {
    /// Every word, in the order they are said.
    pub const ALL: [Self; 3] = [Self::Raise, Self::Acknowledge, Self::Resolve];

    /// As the store and the webhook keep it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Raise => "raise",
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }

    /// The word of this text.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }

    /// Its place in the order they are said.
    pub const fn rank(self) -> i64 {
        match self {
            Self::Raise => 0,
            Self::Acknowledge => 1,
            Self::Resolve => 2,
        }
    }
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TellingState {
    /// It is to be said, now or later.
    Due,
    /// The far end took it.
    Told,
    /// The far end never took it; a person must look.
    GivenUp,
    /// It was over before it was said.
    Moot,
}

impl TellingState {
    const ALL: [Self; 4] = [Self::Due, Self::Told, Self::GivenUp, Self::Moot];

    /// As the store keeps it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Told => "told",
            Self::GivenUp => "given_up",
            Self::Moot => "moot",
        }
    }

    /// The state a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }
}

/// How long something is tried before it is given up.
pub const TELL_WITHIN: Duration = Duration::from_secs(24 * 3600);

/// The name of one thing said to one far end: whoever asks twice gets the same.
pub fn telling_id(whom: &Whom, about: Uuid, word: Word) -> Uuid {
    let named = format!("{whom} {}", word.word());
    Uuid::new_v5(&about, named.as_bytes())
}

/// Something new to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTelling {
    /// To whom.
    pub whom: Whom,
    /// What.
    pub word: Word,
    /// Of what.
    pub about: Uuid,
    /// Not before this.
    pub due_at: Moment,
}

/// One thing to be said to one far end. Its id is the same on every attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// Its name, by which the far end finds a repeat.
    pub id: Uuid,
    /// To whom.
    pub whom: Whom,
    /// What is said.
    pub word: Word,
    /// Of what: a notice, a run or a detection, as `whom` has it.
    pub about: Uuid,
    /// Where it stands.
    pub state: TellingState,
    /// Rises when there is something newer to say.
    pub version: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub due_at: Moment,
    /// After this it is given up.
    pub deadline: Moment,
    /// What was heard last.
    pub said: Option<String>,
}

impl Telling {
    /// The same attempt's name at the far end: another when there is something newer to say.
    pub fn key(&self) -> Uuid {
        let newer = self.version.to_be_bytes();
        Uuid::new_v5(&self.id, &newer)
    }
}

#[cfg(test)]
mod tests {
    use super::{DestinationName, TellingState, Whom, Word};

    #[test]
    fn whom_what_and_where_it_stands_are_read_back_from_their_texts() {
        let name = || DestinationName::new("soc-1").unwrap();
        let alone = [Whom::Sponsors, Whom::Incident];
        let by_name = [Whom::Page(name()), Whom::SponsorsBy(name())];
        for whom in alone.into_iter().chain(by_name) {
            assert_eq!(Whom::from_text(&whom.text()), Some(whom));
        }
        for word in Word::ALL {
            assert_eq!(Word::from_word(word.word()), Some(word));
        }
        for state in TellingState::ALL {
            assert_eq!(TellingState::from_word(state.word()), Some(state));
        }
        assert_eq!(Whom::from_text("page:"), None);
        assert_eq!(Whom::from_text("page:A b"), None);
    }
}
