//! A path of Graph, built from constant text and object ids only (threat W21).

use std::fmt::Write as _;

use url::Url;

use crate::domain::entity::ObjectId;
use crate::domain::found::OpaqueId;
use crate::domain::moment::Moment;

/// Longest address of a next page that is followed.
const NEXT_LIMIT: usize = 8 * 1024;

/// Version, path and query of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    text: String,
    shown: String,
}

impl Place {
    /// A path of the stable API.
    pub(super) fn v1(path: &'static str) -> Self {
        Self::new("/v1.0", path)
    }

    /// A path of the beta API: risky agents exist nowhere else (facts: Aug 2026).
    pub(super) fn beta(path: &'static str) -> Self {
        Self::new("/beta", path)
    }

    fn new(version: &'static str, path: &'static str) -> Self {
        Self {
            text: version.to_owned(),
            shown: String::new(),
        }
        .then(path)
    }

    /// Adds constant text.
    pub(super) fn then(mut self, text: &'static str) -> Self {
        self.text.push_str(text);
        self.shown.push_str(text);
        self
    }

    /// Adds an object id, in lower case.
    pub(super) fn id(mut self, id: ObjectId) -> Self {
        let text = id.to_string();
        self.text.push_str(&text);
        // Writing to a string cannot fail.
        let _ = write!(self.shown, "{}…{}", &text[..4], &text[32..]);
        self
    }

    /// Adds an id that is no GUID. Its own rule keeps it from bending the path.
    pub(super) fn opaque(mut self, id: &OpaqueId) -> Self {
        let text = id.as_str();
        self.text.push_str(text);
        // Plain ASCII, so that any index is a boundary.
        let _ = match text.len() {
            0..=12 => write!(self.shown, "{text}"),
            long => write!(self.shown, "{}…{}", &text[..4], &text[long - 4..]),
        };
        self
    }

    /// Adds a moment: digits, `-`, `:`, `T`, `Z` and a point.
    pub(super) fn moment(mut self, at: Moment) -> Self {
        self.text.push_str(&at.to_string());
        self.shown.push('…');
        self
    }

    /// Path and query, after the host.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// For people: without version, query and cast, ids shortened.
    pub(super) fn shown(&self) -> &str {
        let bare = self.shown.split('?').next().unwrap_or_default();
        match bare.rsplit_once("/microsoft.graph.") {
            Some((before, _)) if before.contains('…') => before,
            Some(_) | None => bare,
        }
    }

    /// The place a next page's address names, if it stays on `graph` and in our collection
    /// (threat G12).
    pub(super) fn next(&self, graph: &Url, link: &str) -> Option<Self> {
        if link.len() > NEXT_LIMIT {
            return None;
        }
        let url = Url::parse(link).ok()?;
        let same_host =
            url.origin() == graph.origin() && url.username().is_empty() && url.password().is_none();
        if !same_host || !in_same_collection(&self.text, url.path()) {
            return None;
        }
        Some(Self {
            text: format!("{}?{}", url.path(), url.query()?),
            shown: self.shown.clone(),
        })
    }
}

/// Version and collection must be equal; what follows (a cast in its short form) may differ.
fn in_same_collection(ours: &str, theirs: &str) -> bool {
    let ours = ours.split(['/', '?']).take(3);
    ours.eq(theirs.split('/').take(3))
}
