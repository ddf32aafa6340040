//! Something a person should be told.

use serde::{Deserialize, Serialize};

use super::id::{NoticeId, RunId};
use super::moment::Moment;

/// The key of a page that was sent only to see that it arrives.
pub const TEST_PAGE: &str = "test page";

/// How soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Someone must act: the on-call person is told now.
    Page,
    /// Someone should know.
    Tell,
}

impl Urgency {
    /// The word for it in the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Tell => "tell",
        }
    }
}

/// A notice on its way into the outbox, in the transaction of what it tells about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its name.
    pub id: NoticeId,
    /// When it was written.
    pub at: Moment,
    /// Notices of one key that are not yet told are one notice.
    pub key: String,
    /// How soon.
    pub urgency: Urgency,
    /// One or two sentences: what happened and what to do next. No names, no secrets.
    pub text: String,
    /// About which run, if any.
    pub run: Option<RunId>,
}
