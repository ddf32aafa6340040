use crate::domain::coverage::{Coverage, Door, DoorReport, DoorState};
use crate::domain::delivery::DeliveryState;
use crate::domain::detection::SourceName;
use crate::domain::entity::Entity;
use crate::domain::id::{DeliveryId, RunId};
use crate::domain::moment::Moment;
use crate::domain::playbook::{Mode, PlaybookName};
use crate::domain::run::{Run, RunState, Standing};
use crate::store::Status;

use super::{Ended, Outlook, Shown, outlook};

const PAGE: &str = "https://estop.example/d/det_x";

fn run(state: RunState) -> Run {
    let received_at = Moment::from_millis(1_790_000_000_000);
    let closed = state == RunState::Contained;
    Run {
        id: RunId::from_uuid(uuid::Uuid::from_u128(7)),
        detection: None,
        order: None,
        source: None,
        playbook: PlaybookName::new("agent-threat-intelligence").unwrap(),
        entity: Entity::agent("7a4e1c90-52bd-4f38-9e61-c0d2a8b5f317".parse().unwrap()),
        mode: Mode::Enforce,
        state,
        because: None,
        plan_digest: String::new(),
        received_at,
        begun_at: None,
        struck_at: None,
        contained_at: closed.then(|| Moment::from_millis(1_790_000_001_610)),
        ended_at: None,
        coverage: Some(Coverage {
            doors: vec![DoorReport {
                door: Door::IssuedTokens,
                id: None,
                state: DoorState::MayWork,
                until: Moment::parse("2026-09-20T15:04:00Z"),
                proof: "the longest token lifetime".to_owned(),
            }],
        }),
    }
}

fn status(states: &[RunState]) -> Status {
    Status {
        source: SourceName::new("lab").unwrap(),
        held_until: None,
        delivery_state: DeliveryState::Read,
        why: None,
        runs: states.iter().map(|state| run(*state)).collect(),
        detection: None,
    }
}

fn shown(status: &Status) -> serde_json::Value {
    let id = DeliveryId::from_uuid(uuid::Uuid::from_u128(7));
    let shown = Shown::of(id, status, outlook(status), PAGE);
    serde_json::to_value(shown).unwrap()
}

#[test]
fn a_sender_polls_until_nobody_has_the_next_word() {
    for state in RunState::ALL {
        let (word, outlook) = outlook(&status(&[state]));

        assert_eq!(word, state.word());
        match state.standing() {
            Standing::AtWork => assert_eq!(outlook, Outlook::Soon),
            Standing::NeedsPerson => assert_eq!(outlook, Outlook::Person),
            Standing::Ended => assert!(matches!(outlook, Outlook::Final(_)), "{state}"),
        }
    }
    let mixed = status(&[RunState::Contained, RunState::Waiting, RunState::Running]);
    assert_eq!(outlook(&mixed).1, Outlook::Soon);
}

#[test]
fn contained_needs_every_run_that_was_to_contain() {
    use RunState as S;
    let cases: [(&[S], &str, Ended); 10] = [
        (&[S::Contained, S::Contained], "contained", Ended::Well),
        (&[S::Contained, S::Observed], "contained", Ended::Well),
        (&[S::Contained, S::Failed], "partial", Ended::Badly),
        (&[S::Contained, S::Expired], "partial", Ended::Badly),
        (&[S::Contained, S::Stopped], "partial", Ended::Badly),
        (&[S::Contained, S::Undone], "partial", Ended::Badly),
        (&[S::Contained, S::Unknown], "unknown", Ended::Unknown),
        (&[S::Unknown, S::Stuck], "stuck", Ended::Badly),
        (&[S::Failed, S::Observed], "failed", Ended::Badly),
        (&[S::Observed, S::Observed], "observed", Ended::Well),
    ];

    for (states, word, ended) in cases {
        let mut backwards = states.to_vec();
        backwards.reverse();
        assert_eq!(outlook(&status(states)), (word, Outlook::Final(ended)));
        assert_eq!(outlook(&status(&backwards)), (word, Outlook::Final(ended)));
    }
}

#[test]
fn the_comment_says_what_was_stopped_how_fast_and_what_may_still_work() {
    let shown = shown(&status(&[RunState::Contained]));

    assert_eq!(shown["time_to_contain_ms"], 1610);
    assert_eq!(shown["incident_tags"][0], "estop:contained");
    assert_eq!(
        shown["incident_comment"],
        "**Contained in 1.6 s** by estop (playbook agent-threat-intelligence).\n\
         - Stopped: agent 7a4e1c90-52bd-4f38-9e61-c0d2a8b5f317\n\
         - Still possible: issued tokens: may still work until 2026-09-20T15:04:00.000Z\n\
         - Coverage: issued tokens: may still work until 2026-09-20T15:04:00.000Z: the longest token \
         lifetime\n\
         - Details and undo: https://estop.example/d/det_x"
    );
}

#[test]
fn the_word_contained_is_said_of_nothing_else() {
    for state in RunState::ALL {
        let shown = shown(&status(&[state]));
        let text = shown["incident_comment"].as_str().unwrap().to_lowercase();

        assert_eq!(
            text.contains("contain"),
            state == RunState::Contained,
            "{text}"
        );
        assert_eq!(
            text.contains("- stopped:"),
            state == RunState::Contained,
            "{text}"
        );
        assert_eq!(
            shown["time_to_contain_ms"].is_u64(),
            state == RunState::Contained
        );
    }
}

#[test]
fn a_delivery_without_runs_says_where_it_stands() {
    let cases = [
        (DeliveryState::Received, "received", Outlook::Soon),
        (DeliveryState::Read, "ignored", Outlook::Final(Ended::Well)),
        (
            DeliveryState::Ignored,
            "ignored",
            Outlook::Final(Ended::Well),
        ),
        (
            DeliveryState::Quarantined,
            "quarantined",
            Outlook::Final(Ended::Well),
        ),
    ];

    for (state, word, then) in cases {
        let mut status = status(&[]);
        status.delivery_state = state;
        assert_eq!(outlook(&status), (word, then));
    }
}

#[test]
fn a_quoted_sender_cannot_write_links_into_the_incident() {
    let mut status = status(&[]);
    status.delivery_state = DeliveryState::Quarantined;
    status.why = Some("bad [id](https://evil.example)\n# <img src=x> `x`".to_owned());

    let shown = shown(&status);

    let text = shown["incident_comment"].as_str().unwrap();
    assert!(
        !text.contains("](") && !text.contains('<') && !text.contains("\n#"),
        "{text}"
    );
}
