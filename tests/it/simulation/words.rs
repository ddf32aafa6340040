//! What people say to the service, by the same desk as the doors.

use estop::clock::Clock;
use estop::command::{Position, ToApprove, ToDeny, ToMove, ToUndo};
use estop::domain::action::RiskVerdict;
use estop::domain::approval::ApprovalState;
use estop::domain::entity::{Entity, EntityKind, ObjectId};
use estop::domain::id::{ApprovalId, OrderId, RunId};
use estop::domain::order::{Operator, Order, OrderKind, Scope};
use estop::domain::person::{GroupName, Person, Role};
use estop::domain::plan::Plan;
use estop::domain::playbook::{Also, Mode, PlaybookName, ServiceMode};
use estop::domain::run::{Lane, RunState};
use estop::domain::step::PriorWord;
use estop::store::{ApprovalFilter, Asked, NewRun, RunFilter, Saw, Taking, Terms};
use uuid::Uuid;

use super::chance::Dice;
use super::life::Live;
use super::planted::Planted;
use super::tally::Kind;

/// What a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Undo,
    Contain,
    Approve,
    Deny,
    Resume,
    Stop,
    Trip,
    Reset,
    Observe,
    Enforce,
}

impl Word {
    /// As which kind of act it counts.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Undo => Kind::PersonUndoes,
            Self::Contain => Kind::PersonContains,
            Self::Approve => Kind::PersonApproves,
            Self::Deny => Kind::PersonDenies,
            Self::Resume | Self::Stop => Kind::PersonMoves,
            Self::Trip | Self::Reset | Self::Observe | Self::Enforce => Kind::PersonStopsAll,
        }
    }
}

/// One of the people who have a say.
pub fn person(number: u128) -> Operator {
    Operator {
        name: format!("person:person-{number}"),
        scope: Scope::Respond,
        person: Some(Person {
            entra: ObjectId::from_uuid(Uuid::from_u128(0xF00D_0000 + number)),
            role: Role::Lead,
            groups: GroupName::new("soc-leads").into_iter().collect(),
        }),
    }
}

/// Says it to the service; answers what was taken, or why not.
pub async fn say(live: Live, (word, drawn): (Word, u64), agents: Vec<Uuid>) -> Said {
    let mut dice = Dice::of(drawn, 1);
    let who = person(u128::from(drawn % 3));
    let key = format!("word-{drawn}");
    match word {
        Word::Undo => undo(&live, &who, (key, &mut dice)).await,
        Word::Contain => contain(&live, &who, (key, dice.pick(&agents))).await,
        Word::Approve | Word::Deny => decide(&live, &who, (word, key), &mut dice).await,
        Word::Resume | Word::Stop => push(&live, &who, (word, key), &mut dice).await,
        Word::Trip => brake(&live, &who, Position::Tripped).await,
        Word::Reset => brake(&live, &who, Position::Reset).await,
        Word::Observe => mode(&live, &who, ServiceMode::Observe).await,
        Word::Enforce => mode(&live, &who, ServiceMode::Enforce).await,
    }
}

/// What was taken and as which order, or why not.
pub type Said = Result<(String, OrderId), String>;

/// One run in one of these states, if there is any.
async fn one_run(live: &Live, states: &[RunState], dice: &mut Dice) -> Result<RunId, String> {
    let filter = RunFilter {
        states: states.to_vec(),
        limit: 100,
        ..RunFilter::default()
    };
    let mut runs = live.store.runs(filter).await.map_err(|it| it.to_string())?;
    runs.sort_by_key(|run| run.id.uuid());
    match runs.is_empty() {
        true => Err("there is no such run".to_owned()),
        false => Ok(runs[dice.below(runs.len())].id),
    }
}

async fn undo(live: &Live, who: &Operator, (key, dice): (String, &mut Dice)) -> Said {
    use RunState as S;
    let states = [S::Contained, S::Partial, S::Unknown, S::Failed, S::Stuck];
    let run = one_run(live, &states, dice).await?;
    let word = ToUndo {
        run,
        risk: Some(RiskVerdict::Dismiss),
        was: dice.comes(500).then_some(PriorWord::Enabled),
        reason: "a false alarm".to_owned(),
        idempotency_key: Some(key),
    };
    let taken = live.desk.undo(who, word).await;
    said(taken, format!("undo {run}"))
}

async fn contain(live: &Live, who: &Operator, (key, agent): (String, Uuid)) -> Said {
    let entity = Entity {
        kind: EntityKind::Agent,
        id: ObjectId::from_uuid(agent),
    };
    let plan = Plan::by_hand(entity, &[Also::AgentUsers]);
    let clock: &Clock = &live.clock;
    let kind = OrderKind::Contain {
        plan_digest: plan.digest(),
    };
    let new = NewRun {
        id: RunId::from_uuid(clock.uuid()),
        playbook: PlaybookName::by_hand(),
        mode: Mode::Enforce,
        plan,
        terms: Terms::default(),
        asks: None,
    };
    let asked = Asked {
        order: Order {
            id: OrderId::from_uuid(clock.uuid()),
            at: clock.now(),
            operator: who.clone(),
            kind,
            reason: "a person asks for it".to_owned(),
        },
        makes: Some(new),
        idempotency_key: Some(key),
        saw: Saw::default(),
    };
    let taken = live.store.take_order(asked).await;
    let taking = taken.map_err(|why| why.to_string())?;
    if let Some(run) = taking.run {
        (live.wake)(run, Lane::Contain);
    }
    said(Ok::<_, String>(taking), format!("contain {agent}"))
}

async fn decide(live: &Live, who: &Operator, (word, key): (Word, String), dice: &mut Dice) -> Said {
    let filter = ApprovalFilter {
        states: vec![ApprovalState::Asked],
        limit: 100,
        ..ApprovalFilter::default()
    };
    let asked = live.store.approvals(filter).await;
    let mut asked = asked.map_err(|why| why.to_string())?;
    asked.sort_by_key(|it| it.id.uuid());
    if asked.is_empty() {
        return Err("nobody is asked anything".to_owned());
    }
    let approval = &asked[dice.below(asked.len())];
    let taken = if word == Word::Approve && live.planted == Some(Planted::YesToAnotherPlan) {
        return past_the_desk(live, who, approval.id).await;
    } else if word == Word::Approve {
        // Whoever approves reads what is shown first, some longer than others.
        let shown = live.desk.approval(approval.id).await;
        let shown = shown.map_err(|why| why.to_string())?;
        let plan = shown.plan.ok_or("there is nothing to approve")?;
        let read = (approval.id.to_string(), plan.plan_digest.clone());
        live.shown.lock().unwrap().insert(read);
        live.clock.sleep(dice.span(200, 8_000)).await;
        let word = ToApprove {
            approval: approval.id,
            plan_digest: plan.plan_digest,
            reason: None,
            idempotency_key: key,
        };
        live.desk.approve(who, word).await
    } else {
        let word = ToDeny {
            approval: approval.id,
            reason: "a planned test".to_owned(),
            idempotency_key: key,
        };
        live.desk.deny(who, word).await
    };
    said(taken, format!("{word:?} {}", approval.run))
}

/// A yes that goes around the desk, for a plan that nobody was asked about.
async fn past_the_desk(live: &Live, who: &Operator, approval: ApprovalId) -> Said {
    let kind = OrderKind::Approve {
        approval,
        plan_digest: "another plan".to_owned(),
    };
    let order = Order {
        id: OrderId::from_uuid(live.clock.uuid()),
        at: live.clock.now(),
        operator: who.clone(),
        kind,
        reason: "never mind".to_owned(),
    };
    let asked = Asked {
        order,
        makes: None,
        idempotency_key: None,
        saw: Saw::default(),
    };
    said(
        live.store.take_order(asked).await,
        format!("approve {approval}"),
    )
}

async fn push(live: &Live, who: &Operator, (word, key): (Word, String), dice: &mut Dice) -> Said {
    use RunState as S;
    let resumes = word == Word::Resume;
    let states: &[S] = if resumes {
        &[S::Waiting]
    } else {
        &[S::Queued, S::Waiting, S::Running]
    };
    let run = one_run(live, states, dice).await?;
    let to = ToMove {
        run,
        reason: "looked at".to_owned(),
        idempotency_key: Some(key),
    };
    let taken = match resumes {
        true => live.desk.resume(who, to).await,
        false => live.desk.stop(who, to).await,
    };
    said(taken, format!("{word:?} {run}"))
}

async fn brake(live: &Live, who: &Operator, to: Position) -> Said {
    let moved = live.desk.brake(who, to, "to be sure").await;
    said(moved, format!("brake {to:?}"))
}

async fn mode(live: &Live, who: &Operator, to: ServiceMode) -> Said {
    let set = live.desk.set_mode(who, to, "for a while").await;
    said(set, format!("mode {to:?}"))
}

fn said<E: ToString>(taken: Result<Taking, E>, what: String) -> Said {
    taken
        .map(|taking| (what, taking.order))
        .map_err(|why| why.to_string())
}
