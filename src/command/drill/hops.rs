//! When each hop was over, from what the run and its records say.

use crate::domain::action::Action;
use crate::domain::drill::{Drill, Hop, Passed};
use crate::domain::moment::Moment;
use crate::domain::record::Record;
use crate::domain::run::Run;

/// Every hop that is known, in order of time; what fell on one moment, in the order of the story. What the drill itself saw is kept.
pub(super) fn hops(drill: &Drill, run: Option<&Run>, records: &[Record]) -> Vec<Passed> {
    let mut hops = vec![passed(Hop::Received, drill.asked_at)];
    if let Some(run) = run {
        let known = [
            (Hop::Decided, Some(run.received_at)),
            (Hop::DisableAccepted, run.struck_at),
            (Hop::ReadBackDisabled, run.contained_at),
        ];
        hops.extend(
            known
                .into_iter()
                .filter_map(|(hop, at)| Some(passed(hop, at?))),
        );
    }
    let ours = [Hop::TokenRefused, Hop::ReadBackEnabled];
    hops.extend(drill.hops.iter().filter(|one| ours.contains(&one.hop)));
    let recorded = [
        (Hop::ReleaseOrdered, first(records, is_undo_order)),
        (Hop::Released, first(records, is_switch_back)),
    ];
    hops.extend(
        recorded
            .into_iter()
            .filter_map(|(hop, at)| Some(passed(hop, at?))),
    );
    hops.sort_by_key(|one| (one.at, one.hop));
    hops
}

pub(super) const fn passed(hop: Hop, at: Moment) -> Passed {
    Passed { hop, at }
}

fn first(records: &[Record], wanted: fn(&Record) -> bool) -> Option<Moment> {
    records.iter().find(|record| wanted(record)).map(|it| it.at)
}

fn is_undo_order(record: &Record) -> bool {
    let order = record.detail["order"]["order"].as_str();
    record.what == "order.taken" && matches!(order, Some("undo" | "undo_saying"))
}

fn is_switch_back(record: &Record) -> bool {
    record.what == "step.undone"
        && record.detail["action"] == Action::DisableAgent.word()
        && record.detail["undo"] == "restored"
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::{hops, passed};
    use crate::domain::drill::{Drill, DrillState, Hop};
    use crate::domain::entity::ObjectId;
    use crate::domain::id::DrillId;
    use crate::domain::moment::Moment;
    use crate::domain::record::Record;

    fn drill() -> Drill {
        Drill {
            id: DrillId::from_uuid(Uuid::from_u128(1)),
            canary: ObjectId::from_uuid(Uuid::from_u128(2)),
            state: DrillState::Releasing,
            asked_at: Moment::from_millis(1_000),
            asked_by: Drill::SCHEDULE.to_owned(),
            run: None,
            hops: vec![passed(Hop::TokenRefused, Moment::from_millis(2_000))],
            because: None,
            ended_at: None,
        }
    }

    #[test]
    fn only_a_switch_that_was_put_back_counts_as_released() {
        let at = Moment::from_millis(3_000);
        let undone = |undo: &str| {
            let detail = json!({ "action": "disable_agent", "undo": undo });
            Record::new(at, "step.undone", detail)
        };

        let stuck = hops(&drill(), None, &[undone("stuck")]);
        let restored = hops(&drill(), None, &[undone("restored")]);

        assert!(!stuck.contains(&passed(Hop::Released, at)), "{stuck:?}");
        assert!(
            restored.contains(&passed(Hop::Released, at)),
            "{restored:?}"
        );
    }

    #[test]
    fn legs_are_counted_from_one_hop_to_the_next() {
        let mut drill = drill();
        drill.hops = hops(&drill, None, &[]);

        let legs: Vec<_> = drill
            .legs()
            .map(|(hop, span)| (hop, span.as_millis()))
            .collect();

        assert_eq!(legs, [(Hop::Received, 0), (Hop::TokenRefused, 1_000)]);
    }
}
