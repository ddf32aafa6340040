//! Rehearsals of playbooks that are written here.

use super::{CaseReport, rehearse};
use crate::catalog::read_cases;

const PLAYBOOK: &str = "\
playbook: x
summary: Stop the agent.
trigger: { detection: [signInSpike] }
when: { fresh: 'age(detection.detected_at) < duration(\"1h\")' }
on_unknown: observe
entity: agent
mode: observe
recommended: enforce
steps:
  - disable_agent
";

async fn played(cases: &str) -> Vec<CaseReport> {
    let cases = format!("playbook: x\ncases:\n{cases}");
    let cases = read_cases("x.test.yaml", &cases).unwrap_or_else(|faults| panic!("{}", faults[0]));
    let mut told = 0;
    let reports = rehearse(("x.yaml", PLAYBOOK), &cases, |_| told += 1).await;
    let reports = reports.unwrap();
    assert_eq!(told, reports.len());
    reports
}

fn wrong(reports: &[CaseReport]) -> Vec<String> {
    let all = reports.iter().flat_map(|one| &one.wrong);
    all.map(|one| format!("{}: expected {}, got {}", one.what, one.expected, one.got))
        .collect()
}

#[tokio::test]
async fn what_is_claimed_rightly_holds() {
    let reports = played(
        "  - case: it acts\n    detection: { type: signInSpike, severity: high, entity: invoice-bot }\n    \
         expect: { decision: respond, state: contained, attempts: { disable_agent: 1 }, \
         disabled: [invoice-bot] }\n  - case: it is quiet\n    \
         detection: { type: signInSpike, severity: high, entity: invoice-bot, age: 2h }\n    \
         expect: { decision: stand_down, clauses: { fresh: false }, disabled: [] }\n",
    )
    .await;

    assert_eq!(wrong(&reports), [] as [String; 0]);
}

#[tokio::test]
async fn every_wrong_claim_is_found() {
    let reports = played(
        "  - case: all wrong\n    detection: { type: signInSpike, severity: high, entity: invoice-bot }\n    \
         expect: { decision: stand_down, state: failed, steps: { disable_agent: refused }, \
         attempts: { disable_agent: 3 }, clauses: { fresh: unknown, other: true }, disabled: [] }\n",
    )
    .await;

    let wrong = wrong(&reports);
    assert_eq!(
        wrong[..7],
        [
            "decision: expected stand_down, got respond",
            "state: expected failed, got contained",
            "steps.disable_agent: expected refused, got done",
            "attempts.disable_agent: expected 3, got 1",
            "clauses.fresh: expected unknown, got true",
            "clauses.other: expected true, got not asked",
            "disabled: expected nobody, got invoice-bot",
        ]
    );
    assert!(wrong[7].starts_with("writes: expected none, got PATCH /v1.0/servicePrincipals/"));
}

#[tokio::test]
async fn a_moved_clock_and_a_silent_tenant_end_the_run_by_its_deadline() {
    let reports = played(
        "  - case: nobody answers for a day\n    \
         detection: { type: signInSpike, severity: high, entity: invoice-bot }\n    \
         faults:\n      - { on: disable_agent, goes: unavailable, times: always }\n    \
         advance: 25h\n    expect: { decision: respond, state: unknown, disabled: [] }\n",
    )
    .await;

    assert_eq!(wrong(&reports), [] as [String; 0], "{reports:?}");
}

#[tokio::test]
async fn a_name_that_is_not_there_is_said_with_those_that_are() {
    let cases = "playbook: x\ncases:\n  - case: who\n    \
                 detection: { type: signInSpike, severity: high, entity: invoice-bat }\n    \
                 expect: { decision: respond }\n";
    let cases = read_cases("x.test.yaml", cases).unwrap();

    let refused = rehearse(("x.yaml", PLAYBOOK), &cases, |_| {}).await;

    let said = refused.unwrap_err().to_string();
    assert!(said.contains("no agent `invoice-bat`"), "{said}");
    assert!(said.contains("invoice-bot"), "{said}");
}
