//! Everything behind the lock, and how one request moves through it.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use crate::domain::moment::Moment;
use crate::sim::calls::{self, call::Call, load::Load};
use crate::sim::changes::{Aspect, Change};
use crate::sim::faults::plan::Plan;
use crate::sim::faults::shadows::Shadows;
use crate::sim::faults::{Fault, Lag, On};
use crate::sim::issuer::Issuer;
use crate::sim::journal::{Arrival, Effect, Ending, Journal};
use crate::sim::limits::{Limits, Meters};
use crate::sim::tenant::Tenant;
use crate::transport::{Answer, Failure};

/// Most requests held at a time; further ones lose their answer.
const HELD_LIMIT: usize = 1024;
/// Most faults, and most scheduled foreign writes, waiting; the oldest is dropped.
const ARMED_LIMIT: usize = 10_000;

/// What the caller gets in the end.
pub(super) type Delivery = Result<Answer, Failure>;

/// What the face does next with a request that arrived.
pub(super) enum Next {
    /// Deliver this after the delay.
    Deliver(Box<Delivery>, Duration),
    /// Wait for a release; no word means the answer is lost.
    Wait(oneshot::Receiver<Delivery>),
}

/// On which side of a request a scheduled foreign write happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

/// A change of the tenant by somebody else.
pub(super) type Writer = Box<dyn FnMut(&mut Tenant) + Send>;

pub(super) struct State {
    pub(super) tenant: Tenant,
    pub(super) limits: Limits,
    pub(super) meters: Meters,
    pub(super) journal: Journal,
    pub(super) latency: Duration,
    pub(super) token_secret: [u8; 32],
    /// Access tokens from before the last revocation carry a lower number.
    pub(super) token_epoch: u32,
    /// Signs the tokens that other services check.
    pub(super) issuer: Issuer,
    pub(super) held_count: watch::Sender<usize>,
    /// Who makes the changes of the call being answered.
    pub(super) author: String,
    /// What is said about the load of the call being answered.
    pub(super) load: Load,
    pub(super) asked_claims: Option<String>,
    shadows: Shadows,
    faults: Vec<Fault>,
    writers: Vec<(On, Side, Writer)>,
    held: Vec<Held>,
}

enum Held {
    Request(Box<(Call, Plan)>, oneshot::Sender<Delivery>),
    Reply(Uuid, Box<Delivery>, oneshot::Sender<Delivery>),
}

impl State {
    pub(super) fn new(mut tenant: Tenant, token_secret: [u8; 32]) -> Self {
        // What was arranged before anyone could look is no change.
        tenant.changes.clear();
        Self {
            tenant,
            limits: Limits::published(),
            meters: Meters::default(),
            journal: Journal::default(),
            latency: Duration::ZERO,
            token_secret,
            token_epoch: 0,
            issuer: Issuer::default(),
            held_count: watch::Sender::new(0),
            author: String::new(),
            load: Load::default(),
            asked_claims: None,
            shadows: Shadows::default(),
            faults: Vec::new(),
            writers: Vec::new(),
            held: Vec::new(),
        }
    }

    pub(super) fn arm(&mut self, fault: Fault) {
        if self.faults.len() == ARMED_LIMIT {
            self.faults.remove(0);
        }
        self.faults.push(fault);
    }

    pub(super) fn disarm(&mut self) {
        self.faults.clear();
        self.writers.clear();
    }

    pub(super) fn schedule(&mut self, on: On, side: Side, writer: Writer) {
        if self.writers.len() == ARMED_LIMIT {
            drop(self.writers.remove(0));
        }
        self.writers.push((on, side, writer));
    }

    /// Takes a request in. Unless it is held, its effect has happened when this returns.
    pub(super) fn arrive(&mut self, call: Call) -> Next {
        let mut plan = self.plan(&call);
        let delay = plan.delay.saturating_add(self.latency);
        self.journal.arrived(Arrival::of(&call));
        if let Some(loss @ (Ending::NotSent | Ending::RequestLost)) = plan.loss {
            self.journal.amend(call.id, |it| it.ending = loss);
            return Next::Deliver(Box::new(Err(loss.failure())), delay);
        }
        let holds = plan.holds_request || plan.holds_reply;
        if holds && self.held.len() == HELD_LIMIT {
            (plan.holds_request, plan.holds_reply) = (false, false);
            plan.loss = Some(Ending::AnswerLost);
        }
        let (sender, receiver) = oneshot::channel();
        if plan.holds_request {
            self.hold(Held::Request(Box::new((call, plan)), sender));
            return Next::Wait(receiver);
        }
        let holds_reply = plan.holds_reply;
        let delivery = self.run(&call, plan);
        if holds_reply {
            self.journal.amend(call.id, |it| it.ending = Ending::Held);
            self.hold(Held::Reply(call.id, Box::new(delivery), sender));
            return Next::Wait(receiver);
        }
        Next::Deliver(Box::new(delivery), delay)
    }

    /// Lets everything go that is held, in the order of arrival; says how much it was.
    pub(super) fn release(&mut self, now: Moment) -> usize {
        let held = std::mem::take(&mut self.held);
        self.held_count.send_replace(0);
        let count = held.len();
        for one in held {
            let (id, delivery, sender) = match one {
                Held::Reply(id, delivery, sender) => (id, *delivery, sender),
                Held::Request(late, sender) => {
                    let (mut call, plan) = *late;
                    call.at = now;
                    (call.id, self.run(&call, plan), sender)
                }
            };
            let arrived = delivery.is_ok() && sender.send(delivery).is_ok();
            let ending = if arrived {
                Ending::Answered
            } else {
                Ending::AnswerLost
            };
            self.journal.amend(id, |it| it.ending = ending);
        }
        count
    }

    /// A change by somebody else, written down under their name; says how many effects it had.
    pub(super) fn foreign_write(
        &mut self,
        by: &str,
        now: Moment,
        write: impl FnOnce(&mut Tenant),
    ) -> usize {
        write(&mut self.tenant);
        self.write_down(by, now, None)
    }

    /// A directory object as a read sees it now, which may be as it was.
    pub(super) fn seen(&mut self, id: Uuid, now: Moment) -> Option<Map<String, Value>> {
        let mut whole = self.tenant.whole(id)?;
        self.shadows
            .overlay((id, Aspect::AccountEnabled), now, &mut whole);
        Some(whole)
    }

    /// The risk of an entity as a read sees it now, which may be as it was.
    pub(super) fn risk_seen(&mut self, id: Uuid, now: Moment) -> Option<Map<String, Value>> {
        let mut whole = self.tenant.whole_risk(id)?;
        self.shadows.overlay((id, Aspect::Risk), now, &mut whole);
        Some(whole)
    }

    fn hold(&mut self, held: Held) {
        self.held.push(held);
        self.held_count.send_replace(self.held.len());
    }

    pub(super) fn plan(&mut self, call: &Call) -> Plan {
        let mut plan = Plan::default();
        for fault in &mut self.faults {
            if fault.on.strikes(call) {
                plan.add(&fault.what, call);
            }
        }
        self.faults.retain(|fault| !fault.on.is_spent());
        plan
    }

    fn run(&mut self, call: &Call, mut plan: Plan) -> Delivery {
        let mut struck = self.writers_at(call);
        self.let_write(&mut struck, Side::Before, call.at);

        self.tenant.keeps_still = plan.keeps_still;
        let mut answer = plan.answered(call, || calls::answer(self, call));
        self.tenant.keeps_still = false;
        let author = std::mem::take(&mut self.author);
        let effects = self.write_down(&author, call.at, plan.lag);

        self.let_write(&mut struck, Side::After, call.at);
        self.writers
            .extend(struck.into_iter().filter(|(on, ..)| !on.is_spent()));

        if let Some(garbage) = plan.garbage {
            answer = garbage.spoil(answer);
        }
        let ending = plan.loss.unwrap_or(Ending::Answered);
        self.journal.amend(call.id, |it| {
            it.ending = ending;
            it.status = Some(answer.status().as_u16());
            it.effects = effects;
        });
        if ending == Ending::Answered {
            Ok(answer)
        } else {
            Err(ending.failure())
        }
    }

    /// Takes out the writers that this call sets off.
    fn writers_at(&mut self, call: &Call) -> Vec<(On, Side, Writer)> {
        let all = std::mem::take(&mut self.writers);
        let (struck, rest) = all
            .into_iter()
            .map(|(mut on, side, writer)| {
                let strikes = on.strikes(call);
                (strikes, (on, side, writer))
            })
            .partition::<Vec<_>, _>(|(strikes, _)| *strikes);
        self.writers = rest.into_iter().map(|(_, one)| one).collect();
        struck.into_iter().map(|(_, one)| one).collect()
    }

    fn let_write(&mut self, struck: &mut [(On, Side, Writer)], side: Side, now: Moment) {
        for (_, _, writer) in struck.iter_mut().filter(|(_, at, _)| *at == side) {
            self.foreign_write("foreign writer", now, writer);
        }
    }

    pub(super) fn write_down(&mut self, by: &str, now: Moment, lag: Option<Lag>) -> usize {
        let changes = std::mem::take(&mut self.tenant.changes);
        let count = changes.len();
        for Change {
            entity,
            aspect,
            from,
            to,
        } in changes
        {
            if aspect == Aspect::Risk {
                self.tenant.judged_at.insert(entity, now);
            }
            if let (Some(lag), Value::Object(old)) = (lag, &from) {
                self.shadows
                    .remember((entity, aspect), old.clone(), (lag, now));
            }
            let kind = self.tenant.kind(entity);
            let by = by.to_owned();
            self.journal.effect(Effect {
                at: now,
                entity,
                kind,
                aspect,
                from,
                to,
                by,
            });
        }
        count
    }
}
