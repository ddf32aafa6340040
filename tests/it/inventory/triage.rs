//! What triage and the caps take from the inventory.

use estop::domain::decision::{Decision, StandDownReason, Verdict};
use estop::domain::entity::EntityKind;
use estop::domain::id::DetectionId;
use estop::domain::run::RunState;
use estop::sim::Tenant;

use super::{blueprint_named, stocked, stocked_with};
use crate::world::{Setting, World, invoice_bot};

async fn decided(world: &World, kind: &str, id: impl ToString) -> Decision {
    let detection = world.detect("threatIntelligenceAccount", kind, id).await;
    world.settle().await;
    let id: DetectionId = detection.parse().unwrap();
    let store = &world.service.store;
    let (_, decisions) = store.detection(id).await.unwrap().unwrap();
    decisions.into_iter().next().unwrap()
}

#[tokio::test]
async fn an_id_is_put_right_within_its_kind() {
    let world = stocked(Tenant::contoso()).await;
    let (finance, ids) = blueprint_named(&world, "Finance-Agents");

    let decision = decided(&world, "blueprint", ids.application).await;

    assert_eq!(decision.entity, finance);
}

#[tokio::test]
async fn a_blueprint_named_as_an_agent_is_told_to_a_person_and_nothing_is_done() {
    let world = stocked(Tenant::contoso()).await;
    let (_, ids) = blueprint_named(&world, "Finance-Agents");

    let decision = decided(&world, "agent", ids.app).await;

    let because = StandDownReason::AnotherKind {
        is: EntityKind::Blueprint,
    };
    assert_eq!(decision.verdict, Verdict::StandDown { because });
    let told = world.told().await;
    assert!(
        told.iter().any(|text| text.contains("of kind blueprint")),
        "{told:?}"
    );
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn e16_an_agent_of_a_blueprint_that_is_protected_by_any_id_waits_for_two_people() {
    let ids = Tenant::contoso();
    let ids = ids
        .blueprints
        .values()
        .find(|it| it.display_name == "Finance-Agents");
    let ids = ids.unwrap().ids;

    for protected in [ids.principal, ids.app, ids.application] {
        let yaml = format!("protected: [{protected}]\n");
        let world = stocked_with(Tenant::contoso(), &yaml).await;

        let decision = decided(&world, "agent", invoice_bot()).await;

        assert!(
            matches!(decision.verdict, Verdict::AskFirst { .. }),
            "{decision:?}"
        );
        assert_eq!(world.writes(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_clause_may_ask_for_tags_and_one_that_is_not_there_is_unknown() {
    let playbook = "playbook: by-tag\nsummary: Stop it unless it is a sandbox.\nowner: soc\n\
         trigger:\n  detection: [threatIntelligenceAccount]\n\
         unless:\n  sandbox: entity.tags.env == \"sandbox\"\non_unknown: observe\n\
         entity: agent\nmode: enforce\nsteps:\n  - disable_agent\nnotify: []\n";
    let mut tenant = Tenant::contoso();
    let agents: Vec<_> = tenant.agents.keys().copied().take(3).collect();
    tenant.add_tag(agents[0], "env:sandbox");
    tenant.add_tag(agents[1], "env=prod");
    let world = World::with(Setting {
        yaml: "mode: enforce\nprotected: []\ninventory: { every: 5m }\n".to_owned(),
        playbooks: vec![("by-tag.yaml", playbook.to_owned())],
        tenant,
        ..Setting::default()
    })
    .await;
    super::until_listed(&world).await;

    let mut verdicts = Vec::new();
    for agent in agents {
        verdicts.push(decided(&world, "agent", agent).await.verdict);
    }

    assert!(
        matches!(verdicts[0], Verdict::StandDown { .. }),
        "{verdicts:?}"
    );
    assert!(
        matches!(verdicts[1], Verdict::Respond { .. }),
        "{verdicts:?}"
    );
    assert!(
        matches!(verdicts[2], Verdict::Observe { .. }),
        "{verdicts:?}"
    );
}

#[tokio::test]
async fn e17_above_its_share_of_the_fleet_everything_waits() {
    let mut tenant = Tenant::contoso();
    let crowd = tenant.add_blueprint("Crowd");
    for number in 0..86 {
        tenant.add_agent(&format!("crowd-{number}"), crowd);
    }
    let caps =
        "protected: []\ncaps: { tenant: 1000, source: 1000, fleet_percent: 4, reserve: 0 }\n";
    let world = stocked_with(tenant, caps).await;
    let agents: Vec<_> = world.entra.tenant().agents.keys().copied().collect();

    for agent in agents.iter().take(7) {
        world
            .detect("earlyLifeMaliciousActivity", "agent", agent)
            .await;
    }
    world.settle().await;

    let mut runs = world.runs().await;
    // So many agents of one blueprint are an outbreak too, which is another question.
    runs.retain(|run| run.playbook.as_str() == "agent-early-life");
    let waiting = runs.iter().filter(|run| run.state == RunState::Waiting);
    assert_eq!(waiting.count(), 3);
    let because = runs
        .iter()
        .find_map(|run| run.because.clone().filter(|it| it.contains('%')));
    assert!(because.is_some(), "{runs:?}");
}
