//! What we tell Entra ID Protection about agents, through the slowest lane of all.
//!
//! One call a second for the whole tenant, all apps together (Microsoft: throttling limits). So
//! the ids of those who wait to say the same are carried by one call. Beta only (Aug 2026).

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::agents::accepted;
use super::call::Call;
use super::coalesce::{Batch, Enlistment, Telling, Told, Waiting};
use super::error::{Error, Receipt};
use super::lanes::Lane;
use super::place::Place;
use super::{Ask, Graph};
use crate::domain::entity::ObjectId;

/// Pause for one whose turn and whose carrier vanished in the same moment.
const AT_ONCE: Duration = Duration::ZERO;

/// What can be said about agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Compromised,
    Safe,
    Dismissed,
}

/// Who waits to say what.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    compromised: Waiting,
    safe: Waiting,
    dismissed: Waiting,
}

impl Verdicts {
    fn of(&self, verdict: Verdict) -> &Waiting {
        match verdict {
            Verdict::Compromised => &self.compromised,
            Verdict::Safe => &self.safe,
            Verdict::Dismissed => &self.dismissed,
        }
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.compromised.len() + self.safe.len() + self.dismissed.len()
    }
}

impl Verdict {
    fn place(self) -> Place {
        Place::beta(match self {
            Self::Compromised => "/identityProtection/riskyAgents/confirmCompromised",
            Self::Safe => "/identityProtection/riskyAgents/confirmSafe",
            Self::Dismissed => "/identityProtection/riskyAgents/dismiss",
        })
    }
}

impl Graph {
    /// Tells Entra that an agent, blueprint principal or agent user (by **object id**) is
    /// compromised. It raises the risk and by itself blocks nothing.
    pub async fn confirm_compromised(&self, ask: Ask, id: ObjectId) -> Result<Receipt, Error> {
        self.say(ask, Verdict::Compromised, id).await
    }

    /// Tells Entra that it never was compromised.
    pub async fn confirm_safe(&self, ask: Ask, id: ObjectId) -> Result<Receipt, Error> {
        self.say(ask, Verdict::Safe, id).await
    }

    /// Tells Entra that the risk no longer matters.
    pub async fn dismiss(&self, ask: Ask, id: ObjectId) -> Result<Receipt, Error> {
        self.say(ask, Verdict::Dismissed, id).await
    }

    async fn say(&self, ask: Ask, verdict: Verdict, id: ObjectId) -> Result<Receipt, Error> {
        let call = verdict_call(verdict, &[id]);
        let mut place = self.0.verdicts.of(verdict).enlist(id);
        let carried = tokio::select! {
            biased;
            carried = &mut place.carried => carried.ok(),
            turn = self.turn(ask, &call) => {
                turn?;
                match place.carry(self.0.link.budgets.ids_per_verdict) {
                    Some(batch) => return self.carry(ask, verdict, id, batch).await,
                    None => taken(&mut place).await,
                }
            }
        };
        let Some(telling) = carried else {
            return Err(Error::try_again(
                AT_ONCE,
                &call.spoken(),
                "its carrier has gone",
            ));
        };
        let told = ended(&call, telling).await?;
        self.unless_alone(ask, verdict, id, told).await
    }

    async fn carry(
        &self,
        ask: Ask,
        verdict: Verdict,
        id: ObjectId,
        batch: Batch,
    ) -> Result<Receipt, Error> {
        let sent = self.send_now(ask, verdict_call(verdict, &batch.ids)).await;
        let result = sent.and_then(accepted);
        let told = match &result {
            Err(error) if batch.ids.len() > 1 && about_an_id(error) => Told::EachAlone,
            Ok(_) | Err(_) => Told::Same(result),
        };
        batch.tell(&told);
        self.unless_alone(ask, verdict, id, told).await
    }

    async fn unless_alone(
        &self,
        ask: Ask,
        verdict: Verdict,
        id: ObjectId,
        told: Told,
    ) -> Result<Receipt, Error> {
        match told {
            Told::Same(result) => result,
            Told::EachAlone => accepted(self.send(ask, verdict_call(verdict, &[id])).await?),
        }
    }
}

/// May this refusal be about one of the ids? One about us (401, 403) holds for all of them.
fn about_an_id(error: &Error) -> bool {
    match error {
        Error::NotFound { .. } => true,
        Error::Refused { status, .. } => *status == Some(400),
        Error::TryAgain { .. } | Error::Unknown { .. } => false,
    }
}

fn verdict_call(verdict: Verdict, ids: &[ObjectId]) -> Call {
    Call::write(Method::POST, verdict.place(), Lane::IdentityProtection)
        .with_body(&json!({ "agentIds": ids }))
}

async fn taken(place: &mut Enlistment<'_>) -> Option<Telling> {
    (&mut place.carried).await.ok()
}

async fn ended(call: &Call, telling: Telling) -> Result<Told, Error> {
    let lost = |_| Error::unknown(&call.spoken(), "the call that carried it was given up");
    telling.await.map_err(lost)
}
