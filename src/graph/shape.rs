//! Reading Graph's JSON: what is not exactly as promised is unknown, never "disabled" (G04, G15).

use serde::{Deserialize, Deserializer};

use super::error::Error;
use crate::domain::entity::ObjectId;

/// An object's `accountEnabled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Enabled {
    /// It may get tokens, as far as this switch goes.
    Yes,
    /// It gets no new tokens.
    No,
}

impl Enabled {
    /// The switch as it is kept in records and sent to Graph.
    pub const fn flag(self) -> bool {
        match self {
            Self::Yes => true,
            Self::No => false,
        }
    }
}

impl From<bool> for Enabled {
    fn from(flag: bool) -> Self {
        if flag { Self::Yes } else { Self::No }
    }
}

impl<'de> Deserialize<'de> for Enabled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bool::deserialize(deserializer).map(Self::from)
    }
}

/// Has Microsoft itself switched it off? Absent, null and `NotDisabled` say no.
pub(super) fn by_microsoft(status: Option<&str>) -> bool {
    !matches!(status, None | Some("" | "NotDisabled"))
}

/// Reads one JSON answer. A byte order mark, HTML, a wrong type or a missing field is unknown.
pub(super) fn read<'a, T: Deserialize<'a>>(call: &str, body: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(body)
        // The parser's own words may quote the answer, so only the place is kept.
        .map_err(|error| {
            let at = (error.line(), error.column());
            Error::unknown(call, format_args!("an answer we cannot read, at {at:?}"))
        })
}

/// The object answered must be the one asked for, and of the kind asked for when it says its kind.
pub(super) fn same(
    call: &str,
    asked: ObjectId,
    answered: ObjectId,
    kind: (&'static str, Option<&str>),
) -> Result<(), Error> {
    if asked != answered {
        return Err(Error::unknown(call, "the answer is about another object"));
    }
    of_kind(call, kind)
}

/// An object that says its kind must be of the kind asked for.
pub(super) fn of_kind(call: &str, kind: (&'static str, Option<&str>)) -> Result<(), Error> {
    match kind {
        (_, None) => Ok(()),
        (wanted, Some(said)) if said == wanted => Ok(()),
        (wanted, Some(_)) => Err(Error::unknown(
            call,
            format_args!("the answer is not a {wanted}"),
        )),
    }
}
