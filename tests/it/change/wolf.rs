//! A playbook whose containments keep being undone as safe demotes itself.

use estop::domain::action::RiskVerdict;
use estop::domain::id::RunId;
use estop::domain::order::OrderKind;
use estop::sim::Tenant;
use http::StatusCode;
use serde_json::{Value, json};

use super::{acting, code, with};
use crate::power::Desk;

const TI: &str = "threatIntelligenceAccount";

/// Contains so many different agents, and answers the runs in order.
async fn contained(desk: &Desk, skip: usize, count: usize) -> Vec<RunId> {
    let agents = Tenant::contoso().agents.into_keys().skip(skip).take(count);
    let mut runs = Vec::new();
    for agent in agents {
        desk.world.detect(TI, "agent", agent).await;
        desk.world.settle().await;
        runs.push(desk.world.runs().await.last().unwrap().id);
    }
    runs
}

async fn undo(desk: &Desk, run: RunId, risk: RiskVerdict) {
    let risk = Some(risk);
    desk.world
        .order(OrderKind::Undo { run, risk })
        .await
        .unwrap();
    desk.world.settle().await;
}

async fn verdict(desk: &Desk) -> Value {
    desk.decided(TI).await["verdict"].clone()
}

#[tokio::test]
async fn two_of_the_last_ten_undone_as_safe_demote_a_playbook_to_ask() {
    let desk = Desk::with(with("", acting("enforce", "Stop it."))).await;
    let runs = contained(&desk, 1, 3).await;

    undo(&desk, runs[0], RiskVerdict::Dismiss).await;
    undo(&desk, runs[1], RiskVerdict::Safe).await;
    let before = desk.playbook().await;
    undo(&desk, runs[2], RiskVerdict::Safe).await;

    assert!(before["held_back"].is_null(), "{before}");
    let shown = desk.playbook().await;
    assert_eq!(shown["held_back"], "demoted", "{shown}");
    let because = "2 of its last 10 containments were undone as safe";
    assert_eq!(shown["demoted"]["because"], because);
    assert_eq!(desk.told_of(because).await, 1);
    assert_eq!(desk.recorded("playbook.demoted").await, 1);
    let verdict = verdict(&desk).await;
    assert_eq!(verdict["verdict"], "ask_first", "{verdict}");
    assert_eq!(verdict["because"], "playbook_demoted");
    let listed = desk.types(&["playbook", "list"]).await;
    assert!(
        listed.output.contains(&format!("asks: {because}")),
        "{listed:?}"
    );
    desk.world.chain_holds().await;
}

#[tokio::test]
async fn a_false_alarm_that_ten_containments_have_passed_counts_no_more() {
    let desk = Desk::with(with("", acting("enforce", "Stop it."))).await;
    let runs = contained(&desk, 1, 12).await;

    undo(&desk, runs[0], RiskVerdict::Safe).await;
    undo(&desk, runs[11], RiskVerdict::Safe).await;

    assert!(desk.playbook().await["held_back"].is_null());
    undo(&desk, runs[2], RiskVerdict::Safe).await;
    assert_eq!(desk.playbook().await["held_back"], "demoted");
}

#[tokio::test]
async fn a_lead_lifts_it_and_what_was_undone_before_counts_no_more() {
    let desk = Desk::with(with("", acting("enforce", "Stop it."))).await;
    let runs = contained(&desk, 1, 4).await;
    for run in &runs[..2] {
        undo(&desk, *run, RiskVerdict::Safe).await;
    }
    let (ada, path) = (desk.lead(1).await, "/v1/playbooks/stop/lift");
    let mended = json!({ "reason": "a clause was added" });

    let token = desk.says(&desk.token.clone(), path, mended.clone()).await;
    let lifted = desk.says(&ada, path, mended.clone()).await;
    let again = desk.says(&ada, path, mended).await;
    undo(&desk, runs[2], RiskVerdict::Safe).await;
    let acts = verdict(&desk).await;

    assert_eq!(code(&token), "not-a-person", "{}", token.text);
    assert_eq!(lifted.status, StatusCode::ACCEPTED, "{}", lifted.text);
    assert_eq!(code(&again), "not-now", "{}", again.text);
    assert_eq!(acts["verdict"], "respond", "{acts}");
    assert!(desk.playbook().await["held_back"].is_null());
    assert_eq!(desk.recorded("playbook.lifted").await, 1);
    let newer = contained(&desk, 6, 2).await;
    for run in newer {
        undo(&desk, run, RiskVerdict::Safe).await;
    }
    assert_eq!(desk.playbook().await["held_back"], "demoted");
}

#[tokio::test]
async fn the_demotion_survives_a_restart_and_another_name_is_not_meant() {
    let desk = Desk::with(with("", acting("enforce", "Stop it."))).await;
    for run in contained(&desk, 1, 2).await {
        undo(&desk, run, RiskVerdict::Safe).await;
    }

    let world = desk.leave().restart().await;
    let restraints = world
        .service
        .store
        .restraints(world.clock.now())
        .await
        .unwrap();

    let demoted: Vec<_> = restraints.demoted.keys().map(ToString::to_string).collect();
    assert_eq!(demoted, ["stop"]);
}
