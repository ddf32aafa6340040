//! What is said, in our words, before it is put into a far end's.

use serde::Serialize;
use uuid::Uuid;

use crate::domain::entity::ObjectId;
use crate::domain::id::RunId;
use crate::domain::moment::Moment;
use crate::domain::notice::Urgency;
use crate::domain::telling::Word;

/// Who answers for an agent, by id alone: whoever receives it knows where to look them up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Sponsor {
    /// Object id of a user or a group.
    pub id: ObjectId,
    /// How they came to answer for it.
    pub by: &'static str,
}

/// One thing to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The same on every attempt.
    pub key: Uuid,
    /// The same for everything said about one matter, and opaque to who reads it.
    pub thread: String,
    /// What is said of it.
    pub word: Word,
    /// How soon somebody must act.
    pub urgency: Urgency,
    /// One or two sentences, without names or secrets.
    pub text: String,
    /// When it happened.
    pub at: Moment,
    /// About which run.
    pub run: Option<RunId>,
    /// Where a person reads more.
    pub link: Option<String>,
    /// Whom it is for, where it is for sponsors.
    pub sponsors: Vec<Sponsor>,
}

impl Page {
    /// The text cut to so many characters.
    pub(super) fn text_of(&self, most: usize) -> String {
        if self.text.chars().count() <= most {
            return self.text.clone();
        }
        let kept: String = self.text.chars().take(most.saturating_sub(1)).collect();
        format!("{kept}…")
    }
}
