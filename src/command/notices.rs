//! A person's word about what they were told: in hand, over, or a test.

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::{Answer, Desk, may_respond};
use crate::domain::id::NoticeId;
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, TEST_PAGE, Urgency};
use crate::domain::order::Operator;
use crate::domain::record::Actor;
use crate::domain::telling::Telling;
use crate::store::{Held, Which};

/// A notice, who has it in hand, and how far it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeShown {
    /// What was told.
    #[serde(flatten)]
    pub notice: Notice,
    /// When it went to the log and was addressed to its places.
    pub told_at: Option<Moment>,
    /// When a person took it in hand.
    pub acked_at: Option<Moment>,
    /// Who.
    pub acked_by: Option<String>,
    /// When it was over.
    pub resolved_at: Option<Moment>,
    /// On whose word.
    pub resolved_by: Option<String>,
    /// What was said to whom, and what was heard.
    pub tellings: Vec<Telling>,
}

impl Desk {
    /// Notices, newest first, with how far each came.
    pub async fn notices(&self, which: Which, limit: u32) -> Answer<Vec<NoticeShown>> {
        let held = self.tools.store.held_notices(which, limit).await?;
        let mut shown = Vec::with_capacity(held.len());
        for one in held {
            shown.push(self.shown(one).await?);
        }
        Ok(shown)
    }

    /// One notice.
    pub async fn notice(&self, id: NoticeId) -> Answer<NoticeShown> {
        let held = self.tools.store.held_notice(id).await?;
        self.shown(held.ok_or_else(|| Error::missing(id))?).await
    }

    /// A person has it in hand: nobody else is paged for it. Said twice it changes nothing.
    pub async fn acknowledge(&self, operator: &Operator, id: NoticeId) -> Answer<NoticeShown> {
        may_respond(operator)?;
        self.notice(id).await?;
        let (who, at) = (Actor(operator.name.clone()), self.tools.clock.now());
        self.tools.store.acknowledge(id, who, at).await?;
        self.notice(id).await
    }

    /// It is over. Said twice it changes nothing.
    pub async fn resolve(&self, operator: &Operator, id: NoticeId) -> Answer<NoticeShown> {
        may_respond(operator)?;
        self.notice(id).await?;
        let (who, at) = (Actor(operator.name.clone()), self.tools.clock.now());
        self.tools.store.resolve(id, who, at).await?;
        self.notice(id).await
    }

    /// Pages everyone who may be paged, at once and for no reason but to see that it arrives.
    pub async fn test_page(&self, operator: &Operator) -> Answer<NoticeShown> {
        may_respond(operator)?;
        let at = self.tools.clock.now();
        let text =
            "This is a test page of estop; nothing has happened. Acknowledge it to show that \
                    it arrived: estop notices ack"
                .to_owned();
        let mut notice = self
            .tools
            .store
            .notice(at, Urgency::Page, TEST_PAGE.to_owned(), text);
        notice.text = format!("{} {}", notice.text, notice.id);
        let id = notice.id;
        self.tools.store.tell(notice).await?;
        match self.tools.store.held_notice(id).await? {
            Some(held) => self.shown(held).await,
            // Another waits under the same key and says the same.
            None => {
                let waiting = self.tools.store.held_notices(Which::OpenPages, 1).await?;
                let waiting = waiting.into_iter().next();
                self.shown(waiting.ok_or_else(|| Error::missing(id))?).await
            }
        }
    }

    async fn shown(&self, held: Held) -> Answer<NoticeShown> {
        let about = held.notice.id.uuid();
        let tellings = self.tools.store.tellings_about(about).await?;
        let (acked_at, acked_by) = held.acked.unzip();
        let (resolved_at, resolved_by) = held.resolved.unzip();
        Ok(NoticeShown {
            notice: held.notice,
            told_at: held.told_at,
            acked_at,
            acked_by,
            resolved_at,
            resolved_by,
            tellings,
        })
    }
}
