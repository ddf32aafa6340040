//! The story, line by line. Each line is told only after it was observed.

use std::time::Duration;

use http::StatusCode;

use super::stage::Stage;
use super::tell::Teller;
use super::{NotObserved, Scenario, incident};
use crate::domain::action::Action;
use crate::domain::id::DetectionId;
use crate::domain::outcome::Outcome;
use crate::domain::record::Chain;
use crate::domain::run::{Run, RunState, Standing};
use crate::domain::step::{Before, Step};
use crate::sim::{Fault, INVOICE_BOT, On, RetryAfter, Switch, What};

/// Longest wait for a run to come to its end.
const RUN_LIMIT: Duration = Duration::from_secs(60);
/// What answers the detection of the story.
const PLAYBOOK: &str = "agent-threat-intelligence";
/// How often the story looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// `accountEnabled` of the agent and of its user account.
type Switches = (bool, Option<bool>);

pub(super) async fn tell(
    scenario: Scenario,
    stage: &Stage,
    teller: &mut Teller<'_>,
) -> Result<(), NotObserved> {
    prepare(scenario, stage);
    let before = switches(stage)?;
    can_sign_in(stage).await?;
    teller.before();

    let detection = attack(stage, teller).await?;
    let run = ended(stage, detection, |run| {
        run.state.standing() == Standing::Ended
    })
    .await?;
    let steps = steps(stage, &run).await?;
    expect(run.playbook.as_str() == PLAYBOOK, || {
        format!("{PLAYBOOK} should be called, and {} was", run.playbook)
    })?;
    teller.matched(&run, &steps);
    contained(stage, &run, teller, &steps)?;
    refused(stage).await?;
    teller.after(&run);

    throttled(scenario, stage)?;

    let undone = undo(stage, &run).await?;
    exactly_as_before(stage, before)?;
    told_safe(stage)?;
    can_sign_in(stage).await?;
    teller.undone(&undone, before);
    audit(stage, teller).await
}

/// What is special about a scenario is set up in the simulated tenant, before anything begins.
fn prepare(scenario: Scenario, stage: &Stage) {
    match scenario {
        Scenario::Single => {}
        Scenario::FalseAlarm => {
            if let Some(user) = agent_user(stage) {
                stage.entra.foreign_write(|tenant| {
                    tenant.switch(user, Switch::Disabled);
                });
            }
        }
        Scenario::Throttled => {
            let wait = What::Throttle {
                retry_after: Some(RetryAfter::Seconds(1)),
            };
            let silent = What::Throttle { retry_after: None };
            let disable = On::request("PATCH", "agentIdentity$").times(2);
            stage.entra.push_fault(Fault::new(disable, wait));
            stage.entra.push_fault(Fault::new(
                On::request("POST", "confirmCompromised"),
                silent,
            ));
        }
    }
}

fn agent_user(stage: &Stage) -> Option<uuid::Uuid> {
    let tenant = stage.entra.tenant();
    tenant
        .users
        .values()
        .find(|user| user.identity_parent_id == Some(INVOICE_BOT))
        .map(|user| user.id)
}

fn switches(stage: &Stage) -> Result<Switches, NotObserved> {
    let agent = stage.entra.agent(INVOICE_BOT);
    let agent = agent.ok_or_else(|| NotObserved("invoice-bot is gone".to_owned()))?;
    let user = agent_user(stage).and_then(|id| stage.entra.user(id));
    Ok((agent.account_enabled, user.map(|user| user.account_enabled)))
}

async fn can_sign_in(stage: &Stage) -> Result<(), NotObserved> {
    let answer = stage.sign_in(INVOICE_BOT).await?;
    expect(answer.status() == StatusCode::OK, || {
        format!(
            "invoice-bot should get a token, and got {}",
            answer.status()
        )
    })
}

async fn attack(stage: &Stage, teller: &mut Teller<'_>) -> Result<DetectionId, NotObserved> {
    let ids = [stage.clock.uuid(), stage.clock.uuid()];
    let now = stage.clock.now().to_string();
    let body = incident::body(stage.entra.tenant().id, INVOICE_BOT, ids, &now).to_string();
    let sent = stage.clock.elapsed();
    let answer = stage.post(&body).await?;
    let took = stage.clock.elapsed().saturating_sub(sent);
    expect(answer.status() == StatusCode::ACCEPTED, || {
        format!(
            "the delivery should be taken with 202, and the answer was {}",
            answer.status()
        )
    })?;
    let said: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let detection = said["id"].as_str().and_then(|id| id.parse().ok());
    let detection =
        detection.ok_or_else(|| NotObserved("the 202 names no detection".to_owned()))?;
    teller.attack(detection, body.len(), took);
    Ok(detection)
}

/// Waits until the only run of this detection is as wanted.
async fn ended(
    stage: &Stage,
    detection: DetectionId,
    wanted: impl Fn(&Run) -> bool,
) -> Result<Run, NotObserved> {
    let looking = async {
        loop {
            let runs = stage.store.runs_of(detection).await.unwrap_or_default();
            if let Some(run) = runs.into_iter().find(&wanted) {
                return run;
            }
            stage.clock.sleep(LOOK_EVERY).await;
        }
    };
    let found = stage.clock.within(RUN_LIMIT, looking).await;
    found.map_err(|_| {
        NotObserved(format!(
            "the run did not come to its end within {RUN_LIMIT:?}"
        ))
    })
}

async fn steps(stage: &Stage, run: &Run) -> Result<Vec<Step>, NotObserved> {
    stage
        .store
        .steps(run.id)
        .await
        .map_err(|error| NotObserved(error.to_string()))
}

fn contained(
    stage: &Stage,
    run: &Run,
    teller: &mut Teller<'_>,
    steps: &[Step],
) -> Result<(), NotObserved> {
    teller.steps(run, steps);
    let undone = steps
        .iter()
        .find(|step| !matches!(step.outcome, Some(Outcome::Done | Outcome::AlreadyDone)));
    if let Some(step) = undone {
        let word = step.plan.action.word();
        return Err(NotObserved(format!("{word} ended as {:?}", step.outcome)));
    }
    expect(run.state == RunState::Contained, || {
        format!(
            "the run should be contained, and is {}: {:?}",
            run.state, run.because
        )
    })?;
    let (agent, user) = switches(stage)?;
    expect(!agent && user != Some(true), || {
        "the tenant does not say so".to_owned()
    })
}

async fn refused(stage: &Stage) -> Result<(), NotObserved> {
    let answer = stage.sign_in(INVOICE_BOT).await?;
    let said = String::from_utf8_lossy(answer.body());
    expect(
        answer.status() != StatusCode::OK && said.contains("AADSTS7000112"),
        || {
            format!(
                "a new token should be refused as disabled, and the answer was {}",
                answer.status()
            )
        },
    )
}

fn throttled(scenario: Scenario, stage: &Stage) -> Result<(), NotObserved> {
    let slowed = stage.entra.journal();
    let slowed = slowed.iter().any(|it| it.status == Some(429));
    expect(slowed == (scenario == Scenario::Throttled), || {
        "the tenant should say 429 where it is throttled, and only there".to_owned()
    })
}

fn told_safe(stage: &Stage) -> Result<(), NotObserved> {
    let risk = stage.entra.risk(INVOICE_BOT);
    expect(risk.state == "confirmedSafe", || {
        format!("Entra should be told: safe, and the risk is {}", risk.state)
    })
}

/// A person says that it was a false alarm, and what Entra is to be told.
async fn undo(stage: &Stage, run: &Run) -> Result<Run, NotObserved> {
    let wanted = serde_json::json!({ "reason": "false alarm", "risk": "safe" });
    let answer = stage
        .order(&format!("v1/runs/{}/undo", run.id), &wanted)
        .await?;
    expect(answer.status() == StatusCode::ACCEPTED, || {
        let said = String::from_utf8_lossy(answer.body());
        format!(
            "the order to undo should be taken, and the answer was {}: {said}",
            answer.status()
        )
    })?;
    let detection = run.detection;
    let detection = detection.ok_or_else(|| NotObserved("the run has no detection".to_owned()))?;
    let done = |run: &Run| matches!(run.state, RunState::Undone | RunState::Stuck);
    let run = ended(stage, detection, done).await?;
    expect(run.state == RunState::Undone, || {
        format!("the undo is {}: {:?}", run.state, run.because)
    })?;
    Ok(run)
}

fn exactly_as_before(stage: &Stage, before: Switches) -> Result<(), NotObserved> {
    let now = switches(stage)?;
    expect(now == before, || {
        format!("it was {before:?} before, and is {now:?} after the undo")
    })
}

async fn audit(stage: &Stage, teller: &mut Teller<'_>) -> Result<(), NotObserved> {
    let lines = stage.store.sealed_lines(0, 10_000).await;
    let mut chain = Chain::default();
    for line in lines.map_err(|error| NotObserved(error.to_string()))? {
        chain
            .follow(&line)
            .map_err(|broken| NotObserved(broken.to_string()))?;
    }
    let (number, seal) = chain.head();
    expect(number > 0, || "nothing was recorded".to_owned())?;
    teller.audit(number, &seal.hex());
    Ok(())
}

/// What each step says about what was there before, for the teller.
pub(super) fn was(step: &Step) -> Option<String> {
    match (step.plan.action, &step.before) {
        (Action::Verify | Action::ConfirmCompromised, _)
        | (_, None | Some(Before::Found { .. } | Before::Nothing)) => None,
        (_, Some(Before::Unproven { .. })) => Some("not proved".to_owned()),
        (_, Some(Before::Switches { switches })) => {
            let words: Vec<_> = switches
                .iter()
                .map(|switch| {
                    if switch.account_enabled {
                        "was enabled"
                    } else {
                        "was disabled"
                    }
                })
                .collect();
            Some(words.join(", "))
        }
    }
}

fn expect(observed: bool, otherwise: impl FnOnce() -> String) -> Result<(), NotObserved> {
    if observed {
        Ok(())
    } else {
        Err(NotObserved(otherwise()))
    }
}
