//! Back to the incident: one comment kept up to date, a tag, and nobody else's work undone.

use std::time::Duration;

use estop::domain::action::RiskVerdict;
use estop::domain::order::OrderKind;
use estop::domain::telling::{Telling, TellingState};
use estop::sim::{Fault, On, Roles, SentinelIncident, Tenant, What};
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::world::{Setting, World, invoice_bot};

const WORKSPACE: &str = "/subscriptions/00000000-0000-4000-8000-0000000000aa/resourceGroups/rg-sec/providers/Microsoft.OperationalInsights/workspaces/law-sec";
const NUMBER: &str = "2972395";

fn path() -> String {
    format!("{WORKSPACE}/providers/Microsoft.SecurityInsights/Incidents/i-1")
}

const PLAYBOOK: &str = "\
playbook: tell
summary: Stop it and tell the incident.
owner: soc
trigger: { detection: [threatIntelligenceAccount] }
entity: agent
mode: enforce
guardrail: { entities_max: 50, window: 10m, on_breach: ask }
steps:
  - disable_agent
  - confirm_compromised: { optional: true }
notify: [incident]
";

async fn world() -> World {
    world_with(|_| {}, |text| text).await
}

async fn world_with(
    change: impl FnOnce(&mut Tenant),
    playbook: impl FnOnce(String) -> String,
) -> World {
    let mut tenant = Tenant::contoso();
    let more = "SecurityIncident.ReadWrite.All".to_owned();
    tenant.client.permissions.push(more);
    tenant.cases.open_sentinel(&path(), "Agent identity risk");
    tenant.cases.open_defender(NUMBER, "Agent identity risk");
    change(&mut tenant);
    let usual = Setting::default();
    World::with(Setting {
        tenant,
        yaml: format!(
            "{}public_url: https://estop.example\nincidents:\n  \
             sentinel: {{ workspaces: [\"{WORKSPACE}\"], begin: true }}\n  \
             defender: {{ classify: true }}\n",
            usual.yaml
        ),
        playbooks: vec![("tell.yaml", playbook(PLAYBOOK.to_owned()))],
        ..usual
    })
    .await
}

async fn detect(world: &World, incident: &str) -> String {
    let body = json!({
        "type": "threatIntelligenceAccount", "severity": "high",
        "detection_id": world.clock.uuid().to_string(),
        "detected_at": world.clock.now().to_string(),
        "entities": [{ "kind": "agent", "id": invoice_bot() }],
        "incident": { "id": incident },
    });
    let (status, reply) = world.post(&body.to_string()).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{reply}");
    let id = reply["id"].as_str().unwrap().to_owned();
    world.settle().await;
    id
}

async fn telling(world: &World) -> Telling {
    let run = world.only_run().await;
    let about = run.detection.unwrap().uuid();
    let mut all = world.service.store.tellings_about(about).await.unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

async fn until(world: &World, state: TellingState) -> Telling {
    let so = world
        .until(|| async { telling(world).await.state == state })
        .await;
    let it = telling(world).await;
    assert!(so, "{it:?}");
    it
}

fn incident(world: &World) -> SentinelIncident {
    world.entra.tenant().cases.sentinel[&path().to_lowercase()].clone()
}

fn tags(world: &World) -> Vec<String> {
    let labels = incident(world).properties["labels"].clone();
    let named = |it: &Value| it["labelName"].as_str().unwrap().to_owned();
    labels.as_array().unwrap().iter().map(named).collect()
}

fn defender(world: &World) -> Value {
    world.entra.tenant().cases.defender[NUMBER].clone()
}

#[tokio::test]
async fn a_sentinel_incident_gets_one_comment_that_is_written_over_and_a_tag() {
    let world = world().await;
    let id = detect(&world, &path()).await;
    until(&world, TellingState::Told).await;
    let first = incident(&world);
    assert_eq!(first.comments.len(), 1);
    let text = first.comments.values().next().unwrap().1.clone();
    assert!(text.starts_with("**Contained in "), "{text}");
    assert!(
        text.contains("- Coverage: agent identity: closed, read back"),
        "{text}"
    );
    assert!(
        text.contains(&format!("https://estop.example/d/{id}")),
        "{text}"
    );
    assert_eq!(tags(&world), ["vip", "estop:contained"]);
    assert_eq!(first.properties["status"], "Active");
    assert_eq!(first.properties["title"], "Agent identity risk");

    let run = world.only_run().await.id;
    world.undo(run).await;
    world.settle().await;
    let undone = || async { tags(&world) == ["vip", "estop:undone"] };
    assert!(world.until(undone).await, "{:?}", tags(&world));

    let comments = incident(&world).comments;
    assert_eq!(comments.len(), 1, "{comments:?}");
    assert!(
        comments
            .values()
            .next()
            .unwrap()
            .1
            .starts_with("**Put back as it was**")
    );
}

#[tokio::test]
async fn a_tag_set_by_somebody_meanwhile_is_kept() {
    let world = world().await;
    let seen = On::request("PUT", "/incidents/i-1$");
    world.entra.foreign_write_before(seen, {
        let mut left = 2;
        move |tenant| {
            let incident = tenant
                .cases
                .sentinel
                .get_mut(&path().to_lowercase())
                .unwrap();
            if left > 0 {
                left -= 1;
                let labels = incident.properties["labels"].as_array_mut().unwrap();
                labels.push(json!({ "labelName": format!("theirs-{left}") }));
                incident.version += 1;
            }
        }
    });

    detect(&world, &path()).await;
    until(&world, TellingState::Told).await;

    assert!(
        tags(&world).contains(&"estop:contained".to_owned()),
        "{:?}",
        tags(&world)
    );
    assert!(
        tags(&world).contains(&"theirs-1".to_owned()),
        "{:?}",
        tags(&world)
    );
}

#[tokio::test]
async fn an_incident_that_a_person_closed_is_commented_and_left_closed() {
    let world = world_with(
        |tenant| {
            let incident = tenant
                .cases
                .sentinel
                .get_mut(&path().to_lowercase())
                .unwrap();
            incident.properties["status"] = json!("Closed");
        },
        |text| text,
    )
    .await;

    detect(&world, &path()).await;
    until(&world, TellingState::Told).await;

    assert_eq!(incident(&world).properties["status"], "Closed");
    assert_eq!(tags(&world), ["vip"]);
    assert_eq!(incident(&world).comments.len(), 1);
}

#[tokio::test]
async fn whatever_azure_answers_the_comment_comes_once_and_no_containment_waits_for_it() {
    let down = || What::Status {
        status: 500,
        code: "InternalServerError".to_owned(),
    };
    for what in [
        What::LoseReplyAfterEffect,
        What::LoseRequest,
        What::Throttle { retry_after: None },
        down(),
    ] {
        let world = world().await;
        let on = On::request("PUT", "/comments/");
        world.entra.push_fault(Fault::new(on, what.clone()));

        detect(&world, &path()).await;
        let took = world.only_run().await.contained_at;
        assert!(took.is_some(), "{what:?}");
        until(&world, TellingState::Told).await;

        assert_eq!(incident(&world).comments.len(), 1, "{what:?}");
        assert_eq!(world.switched(invoice_bot()), [false], "{what:?}");
    }
}

#[tokio::test]
async fn w21_an_incident_elsewhere_gets_nothing_and_no_request_leaves_for_it() {
    let other = path().replace("law-sec", "law-of-others");
    for reference in [
        other.as_str(),
        "https://elsewhere.example/incidents/1",
        "/subscriptions/../../x",
        "29723956666666666666666",
    ] {
        let world = world().await;
        detect(&world, reference).await;

        let it = until(&world, TellingState::Moot).await;

        assert!(it.said.is_some(), "{reference}");
        let journal = world.entra.journal();
        let asked = |part: &str| {
            journal
                .iter()
                .any(|one| one.path.to_lowercase().contains(part))
        };
        assert!(!asked("incidents"), "{reference}");
    }
}

#[tokio::test]
async fn without_the_role_it_is_tried_again_until_a_person_has_granted_it() {
    let world = world_with(|tenant| tenant.cases.roles = Roles::Missing, |text| text).await;
    detect(&world, &path()).await;
    world
        .pass_in(Duration::from_secs(600), Duration::from_secs(5))
        .await;
    let waiting = telling(&world).await;
    assert_eq!(waiting.state, TellingState::Due, "{waiting:?}");

    world
        .entra
        .foreign_write(|tenant| tenant.cases.roles = Roles::Held);
    world
        .pass_in(Duration::from_secs(1200), Duration::from_secs(5))
        .await;

    assert_eq!(telling(&world).await.state, TellingState::Told);
    assert_eq!(incident(&world).comments.len(), 1);
}

#[tokio::test]
async fn a_defender_incident_gets_one_comment_for_each_state_a_tag_and_a_person_s_verdict() {
    let world = world().await;
    // The answer to the comment is lost: it is there, and must not come twice.
    let on = On::request("POST", "/comments");
    world
        .entra
        .push_fault(Fault::new(on, What::LoseReplyAfterEffect));
    detect(&world, NUMBER).await;
    until(&world, TellingState::Told).await;
    let contained = defender(&world);
    assert_eq!(
        contained["comments"].as_array().unwrap().len(),
        1,
        "{contained}"
    );
    assert_eq!(contained["customTags"], json!(["estop:contained"]));
    assert_eq!(contained["classification"], "unknown");

    let run = world.only_run().await.id;
    let risk = Some(RiskVerdict::Safe);
    world.order(OrderKind::Undo { run, risk }).await.unwrap();
    world.settle().await;
    let judged = || async { defender(&world)["classification"] == "falsePositive" };
    assert!(world.until(judged).await, "{}", defender(&world));

    let undone = defender(&world);
    assert_eq!(undone["comments"].as_array().unwrap().len(), 2, "{undone}");
    assert_eq!(undone["customTags"], json!(["estop:undone"]));
}

#[tokio::test]
async fn a_merged_defender_incident_is_followed_and_a_person_s_judgement_stands() {
    let world = world_with(
        |tenant| {
            let cases = &mut tenant.cases;
            cases.open_defender("77", "the one it was merged into");
            cases.defender.get_mut("77").unwrap()["classification"] = json!("truePositive");
            let first = cases.defender.get_mut(NUMBER).unwrap();
            first["redirectIncidentId"] = json!("77");
            first["status"] = json!("redirected");
        },
        |text| text,
    )
    .await;
    detect(&world, NUMBER).await;
    until(&world, TellingState::Told).await;
    let run = world.only_run().await.id;
    let risk = Some(RiskVerdict::Safe);
    world.order(OrderKind::Undo { run, risk }).await.unwrap();
    world.settle().await;
    world.pass(Duration::from_secs(60)).await;

    let merged = world.entra.tenant().cases.defender["77"].clone();
    assert_eq!(merged["comments"].as_array().unwrap().len(), 2, "{merged}");
    assert_eq!(merged["classification"], "truePositive");
    assert_eq!(defender(&world)["comments"], json!([]));
}

#[tokio::test]
async fn the_status_carries_the_same_words_for_who_gives_us_no_role() {
    let world = World::with(Setting {
        playbooks: vec![("tell.yaml", PLAYBOOK.to_owned())],
        ..Setting::default()
    })
    .await;
    let body = json!({
        "type": "threatIntelligenceAccount", "severity": "high", "detection_id": Uuid::nil(),
        "detected_at": world.clock.now().to_string(),
        "entities": [{ "kind": "agent", "id": invoice_bot() }],
        "incident": { "id": path() },
    });
    let location = world.post_for_location(&body.to_string()).await;
    world.settle().await;
    until(&world, TellingState::Moot).await;

    let status = world.get(&location).await;

    let text = status["incident_comment"].as_str().unwrap();
    assert!(
        text.starts_with("**Contained in ") && text.contains("- Coverage: "),
        "{text}"
    );
    assert!(text.chars().count() <= 30_000);
    assert_eq!(status["incident_tags"], json!(["estop:contained"]));
}

#[tokio::test]
async fn the_incident_hears_what_was_only_observed_and_who_is_waited_for() {
    let world = world_with(
        |_| {},
        |text| text.replace("mode: enforce", "mode: observe"),
    )
    .await;
    detect(&world, &path()).await;
    until(&world, TellingState::Told).await;
    assert_eq!(tags(&world), ["vip", "estop:observed"]);

    let asked =
        "mode: ask\napproval: { from: [soc-leads], quorum: 1, within: 60m, on_timeout: keep }";
    let world = world_with(|_| {}, |text| text.replace("mode: enforce", asked)).await;
    detect(&world, &path()).await;
    until(&world, TellingState::Told).await;
    assert_eq!(tags(&world), ["vip", "estop:waiting"]);
    let comments = incident(&world).comments;
    assert!(
        comments
            .values()
            .next()
            .unwrap()
            .1
            .starts_with("**Waiting for a person**")
    );
}
