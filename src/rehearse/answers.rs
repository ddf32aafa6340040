//! People answer in a rehearsal, by the same words as at the API.

use std::sync::Arc;

use arc_swap::ArcSwap;
use uuid::Uuid;

use super::NotPlayed;
use super::stage::{Stage, graph, guards, limits, tokens};
use crate::catalog::{People, Say};
use crate::command::{Desk, Error, ToApprove, ToDeny, Tools};
use crate::domain::approval::{Approval, ApprovalState};
use crate::domain::entity::ObjectId;
use crate::domain::order::{Operator, Scope};
use crate::domain::person::{Person, Role};
use crate::store::ApprovalFilter;

/// Most questions that are answered in one case; no case asks as many.
const ANSWERED_MAX: u32 = 100;

impl Stage {
    /// Has people answer what is asked, each question by as many of them as the case says.
    pub(super) async fn answer(&self, people: People) -> Result<(), NotPlayed> {
        if let Some(span) = people.after {
            self.pass(span.0).await?;
        }
        let filter = ApprovalFilter {
            states: vec![ApprovalState::Asked],
            before: None,
            limit: ANSWERED_MAX,
        };
        let asked = self.store.approvals(filter).await?;
        if asked.is_empty() {
            let why = "the case says what people answer, and nobody is asked";
            return Err(NotPlayed(why.to_owned()));
        }
        let desk = self.desk().await?;
        for approval in asked {
            self.decide(&desk, &approval, people).await?;
        }
        Ok(())
    }

    async fn decide(
        &self,
        desk: &Desk,
        approval: &Approval,
        people: People,
    ) -> Result<(), NotPlayed> {
        // One no ends a question.
        let most = match people.say {
            Say::Approve => people.count.unwrap_or(approval.terms.quorum),
            Say::Deny => 1,
        };
        for n in 1..=most {
            let word = say(desk, approval, (n, people.say));
            let said = self.meanwhile(word).await?;
            said.ok_or_else(|| NotPlayed("a person's word is stuck".to_owned()))??;
        }
        Ok(())
    }

    async fn desk(&self) -> Result<Desk, NotPlayed> {
        let tokens = tokens(self);
        let guards = guards(self, &tokens).await?;
        let limits = limits();
        Ok(Desk::new(Tools {
            store: self.store.clone(),
            graph: graph(self, tokens)?,
            tenant: ObjectId::from_uuid(self.entra.tenant().id),
            guards: Arc::new(ArcSwap::from_pointee(guards)),
            catalog: Arc::new(ArcSwap::new(Arc::clone(&self.catalog))),
            activators: Arc::default(),
            clock: self.clock.clone(),
            // The workers look by themselves, and the clock of a stage goes fast.
            wake: Arc::new(|_, _| {}),
            wake_triage: Arc::new(|_| {}),
            caps: limits.caps,
            token_lifetime: limits.token_lifetime,
            pause_file: None,
        }))
    }
}

/// What lead number `n` says.
async fn say(desk: &Desk, approval: &Approval, (n, say): (u32, Say)) -> Result<(), NotPlayed> {
    let refused = |error: Error| NotPlayed(format!("a person's word was not taken: {error}"));
    let lead = lead(approval, n);
    let key = format!("{}/{n}", approval.id);
    match say {
        Say::Approve => {
            let shown = desk.approval(approval.id).await.map_err(refused)?;
            let offer = shown.plan.ok_or_else(|| {
                let why = shown
                    .unreadable
                    .unwrap_or_else(|| "it is decided".to_owned());
                NotPlayed(format!("there is nothing to approve: {why}"))
            })?;
            let word = ToApprove {
                approval: approval.id,
                plan_digest: offer.plan_digest,
                reason: None,
                idempotency_key: key,
            };
            desk.approve(&lead, word).await.map(drop).map_err(refused)
        }
        Say::Deny => {
            let word = ToDeny {
                approval: approval.id,
                reason: "a person says no in a test".to_owned(),
                idempotency_key: key,
            };
            desk.deny(&lead, word).await.map(drop).map_err(refused)
        }
    }
}

/// One of the leads who are asked.
fn lead(approval: &Approval, n: u32) -> Operator {
    Operator {
        name: format!("person:lead-{n}"),
        scope: Scope::Respond,
        person: Some(Person {
            entra: ObjectId::from_uuid(Uuid::from_u128(n.into())),
            role: Role::Lead,
            groups: approval.terms.from.clone(),
        }),
    }
}
