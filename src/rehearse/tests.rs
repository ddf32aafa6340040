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
         faults:\n      - { at: disable_agent, goes: unavailable, times: always }\n    \
         advance: 25h\n    expect: { decision: respond, state: unknown, disabled: [] }\n",
    )
    .await;

    assert_eq!(wrong(&reports), [] as [String; 0], "{reports:?}");
}

/// The same, which asks two people of a group.
fn asking(mode: &str) -> String {
    PLAYBOOK.replace(
        "recommended: enforce",
        &format!(
            "recommended: {mode}\n\
             approval: {{ from: [soc], quorum: 2, within: 1h, on_timeout: undo }}"
        ),
    )
}

async fn asked(people: &str, expect: &str) -> Result<Vec<String>, super::NotPlayed> {
    asked_by("ask", people, expect).await
}

async fn asked_by(mode: &str, people: &str, expect: &str) -> Result<Vec<String>, super::NotPlayed> {
    let cases = format!(
        "playbook: x\ncases:\n  - case: people\n    \
         detection: {{ type: signInSpike, severity: high, entity: invoice-bot }}\n{people}    \
         expect: {{ {expect} }}\n"
    );
    let cases = read_cases("x.test.yaml", &cases).unwrap_or_else(|faults| panic!("{}", faults[0]));
    let reports = rehearse(("x.yaml", &asking(mode)), &cases, |_| {}).await?;
    Ok(wrong(&reports))
}

#[tokio::test]
async fn people_agree_refuse_or_are_too_few_or_too_late() {
    let nobody = "decision: ask_first, state: expired, disabled: []";
    let begun = "decision: ask_first, state: contained, steps: { disable_agent: done }, \
                 disabled: [invoice-bot]";
    let waits = "decision: ask_first, state: waiting, disabled: []";
    let stopped = "decision: ask_first, state: stopped, disabled: []";
    let no = [] as [String; 0];

    for (people, expect) in [
        ("    people: approve\n", begun),
        ("    people: { say: approve, after: 59m }\n", begun),
        ("    people: { say: approve, count: 1 }\n", waits),
        (
            "    people: { say: approve, count: 1 }\n    advance: 2h\n",
            nobody,
        ),
        ("    people: deny\n", stopped),
        ("    advance: 2h\n", nobody),
    ] {
        assert_eq!(asked(people, expect).await.unwrap(), no, "{people}");
    }
}

#[tokio::test]
async fn people_keep_what_was_contained_provisionally_or_let_it_end() {
    let held = "decision: provisional, state: contained, disabled: [invoice-bot]";
    let ended = "decision: provisional, state: undone, disabled: []";
    let no = [] as [String; 0];

    for (people, expect) in [
        ("    people: approve\n    advance: 2h\n", held),
        ("    people: deny\n", ended),
        ("    advance: 59m\n", held),
        ("    advance: 2h\n", ended),
    ] {
        let wrong = asked_by("provisional", people, expect).await;
        assert_eq!(wrong.unwrap(), no, "{people}");
    }
}

#[tokio::test]
async fn an_answer_that_nobody_was_asked_for_is_said() {
    let late = asked(
        "    people: { say: approve, after: 2h }\n",
        "decision: ask_first",
    )
    .await;
    let said = late.unwrap_err().to_string();
    assert!(said.contains("nobody is asked"), "{said}");
    // And a yes is not forgotten where the claim is that nothing follows.
    let wrong = asked(
        "    people: approve\n",
        "decision: ask_first, state: waiting",
    )
    .await;
    assert_eq!(
        wrong.unwrap(),
        ["state: expected waiting, got contained".to_owned()]
    );
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
