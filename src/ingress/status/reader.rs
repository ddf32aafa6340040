//! Who asks for a status, before anything is looked up.

use http::HeaderMap;

use super::super::door::Door;
use super::super::reply::Problem;
use crate::domain::detection::SourceName;
use crate::domain::id::DeliveryId;

/// What a request may read.
pub(super) enum Reader {
    /// The one status its ticket belongs to.
    Ticket,
    /// What these sources delivered: the request carries the credential of each.
    Sources(Vec<SourceName>),
}

impl Reader {
    /// By the ticket, or by the credential a source delivers with. Who has neither is told that
    /// there is nothing. Where we cannot tell of a source, another one's credential still counts.
    pub(super) async fn of(
        door: &Door,
        (id, ticket): (DeliveryId, Option<&str>),
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        if ticket.is_some_and(|ticket| door.tickets.opens(id, ticket)) {
            return Ok(Self::Ticket);
        }
        let now = door.clock.now();
        let (mut names, mut unsure) = (Vec::new(), None);
        for source in door.sources.all_enabled() {
            match source.verifier.is_carried(headers, now).await {
                Ok(true) => names.push(source.name.clone()),
                Ok(false) => {}
                Err(why) => unsure = Some((source.name.as_str(), why)),
            }
        }
        match unsure {
            _ if !names.is_empty() => Ok(Self::Sources(names)),
            Some((source, why)) => Err(door.cannot_tell(source, &why)),
            None => Err(Problem::NotFound),
        }
    }

    /// Whether what this source delivered may be read.
    pub(super) fn may_read(&self, source: &SourceName) -> bool {
        match self {
            Self::Ticket => true,
            Self::Sources(names) => names.contains(source),
        }
    }
}
