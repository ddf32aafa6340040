//! What is signed: text with places for the id, the timestamp and the body.

use std::str::FromStr;

use super::BadScheme;

/// Most pieces of one template.
const PIECES_MAX: usize = 12;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Id,
    Timestamp,
    Body,
}

/// What is signed, such as `v0:{timestamp}:{body}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

/// What goes into the places.
pub(super) struct Filling<'a> {
    pub(super) id: &'a str,
    pub(super) timestamp: &'a str,
    pub(super) body: &'a [u8],
}

impl Template {
    /// The pieces in order, filled.
    pub(super) fn filled<'a>(
        &'a self,
        filling: &'a Filling<'a>,
    ) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.as_bytes(),
            Piece::Id => filling.id.as_bytes(),
            Piece::Timestamp => filling.timestamp.as_bytes(),
            Piece::Body => filling.body,
        })
    }

    pub(super) fn has_body(&self) -> bool {
        self.0.contains(&Piece::Body)
    }

    pub(super) fn has_timestamp(&self) -> bool {
        self.0.contains(&Piece::Timestamp)
    }

    pub(super) fn has_id(&self) -> bool {
        self.0.contains(&Piece::Id)
    }
}

impl FromStr for Template {
    type Err = BadScheme;

    fn from_str(text: &str) -> Result<Self, BadScheme> {
        let unknown = BadScheme("`signed` may hold {id}, {timestamp}, {body} and text around them");
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            if open > 0 {
                pieces.push(Piece::Text(rest[..open].to_owned()));
            }
            let place = rest[open..].strip_prefix('{');
            let (place, after) = place
                .and_then(|place| place.split_once('}'))
                .ok_or_else(|| unknown.clone())?;
            pieces.push(match place {
                "id" => Piece::Id,
                "timestamp" => Piece::Timestamp,
                "body" => Piece::Body,
                _ => return Err(unknown),
            });
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        let twice = |piece: &Piece| pieces.iter().filter(|other| *other == piece).count() > 1;
        let places = [Piece::Id, Piece::Timestamp, Piece::Body];
        if pieces.len() > PIECES_MAX || places.iter().any(twice) {
            return Err(BadScheme("`signed` may hold each place once"));
        }
        Ok(Self(pieces))
    }
}
