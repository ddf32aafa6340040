//! Drills: the canary is stopped for real and put back, and nothing else is ever touched.

use std::time::Duration;

use estop::doctor::State;
use estop::domain::entity::ObjectId;
use estop::domain::run::RunState;
use estop::domain::sight::{Sight, wanted_by};
use estop::sim::{Aspect, Fault, On, SignInLine, Switch, Tenant, What};
use http::StatusCode;
use serde_json::{Value, json};

use crate::power::{DAY, Desk, Reply};
use crate::world::{Setting, invoice_bot};

/// Contoso with an agent that does nothing, and a configuration that names it.
fn with_canary(more: &str) -> (Setting, ObjectId) {
    let mut tenant = Tenant::contoso();
    let blueprint = tenant.add_blueprint("Canaries");
    let canary = tenant.add_agent("canary-01", blueprint);
    let usual = Setting::default();
    let yaml = format!("{}drill: {{ canary: {canary}{more} }}\n", usual.yaml);
    let setting = Setting {
        yaml,
        tenant,
        ..usual
    };
    (setting, ObjectId::from_uuid(canary))
}

async fn drilling(more: &str) -> (Desk, ObjectId) {
    let (setting, canary) = with_canary(more);
    (Desk::with(setting).await, canary)
}

async fn last(desk: &Desk) -> Value {
    desk.get("/v1/drills?limit=1").await.body["drills"][0].clone()
}

/// Asks for a drill and waits for its end.
async fn drilled(desk: &Desk) -> Value {
    let asked = desk.post("/v1/drills", json!({})).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    ended(desk).await
}

async fn ended(desk: &Desk) -> Value {
    let over = desk
        .world
        .until(|| async { last(desk).await["ended_at"].is_string() })
        .await;
    let drill = last(desk).await;
    assert!(over, "{drill}");
    drill
}

fn refused(reply: &Reply, code: &str) {
    assert!(reply.status.is_client_error() || reply.status.is_server_error());
    assert_eq!(reply.body["code"], code, "{}", reply.text);
}

async fn notices(desk: &Desk) -> Vec<String> {
    let notices = desk.world.service.store.every_notice().await.unwrap();
    notices.into_iter().map(|notice| notice.text).collect()
}

#[tokio::test]
async fn a_drill_stops_the_canary_puts_it_back_and_times_every_hop() {
    let (desk, canary) = drilling("").await;

    let drill = drilled(&desk).await;

    assert_eq!(drill["state"], "passed", "{drill}");
    let hops: Vec<&str> = drill["legs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|leg| leg["hop"].as_str().unwrap())
        .collect();
    let expected = [
        "received",
        "decided",
        "disable_accepted",
        "read_back_disabled",
        "release_ordered",
        "released",
        "read_back_enabled",
    ];
    assert_eq!(hops, expected);
    assert_eq!(desk.world.switched(canary), [false, true]);
    desk.world.chain_holds().await;
}

const MINUTE: Duration = Duration::from_secs(60);

/// A drill that keeps the canary contained for three minutes, with evidence, and what happens
/// meanwhile; answers it as it is shown an hour and a half later.
async fn held(meanwhile: impl AsyncFnOnce(&Desk, ObjectId)) -> (Desk, Value, Value) {
    let (mut setting, canary) = with_canary(", hold: 3m");
    setting.yaml.push_str("evidence: { within: 1h }\n");
    let rights = wanted_by(Sight::Evidence).map(str::to_owned);
    setting.tenant.client.permissions.extend(rights);
    let desk = Desk::with(setting).await;
    desk.post("/v1/drills", json!({})).await;
    desk.world.pass(2 * MINUTE).await;
    let agent = desk.world.entra.agent(canary.uuid()).unwrap();
    assert!(!agent.account_enabled, "it is held");

    meanwhile(&desk, canary).await;
    let early = ended(&desk).await;
    desk.world.pass(90 * MINUTE).await;
    let late = last(&desk).await;
    assert_eq!(
        (&early["state"], &late["state"]),
        (&json!("passed"), &json!("passed"))
    );
    (desk, early, late)
}

/// Whoever works as the canary asks for a token; answers the status.
async fn asks_for_a_token(desk: &Desk, canary: ObjectId) -> u16 {
    let base = "https://login.microsoftonline.com";
    let request = desk.world.entra.sign_in_request(canary.uuid(), base);
    let answer = desk.world.entra.transport().send(request.unwrap()).await;
    answer.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_token_refused_to_the_held_canary_is_the_proof_and_stands_among_the_hops() {
    let (desk, early, late) = held(async |desk, canary| {
        assert_eq!(asks_for_a_token(desk, canary).await, 400);
    })
    .await;

    assert_eq!(early["token"]["state"], "awaited", "{early}");
    assert_eq!(late["token"]["state"], "refused", "{late}");
    let hops: Vec<&Value> = late["legs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|leg| &leg["hop"])
        .collect();
    let place = |name: &str| hops.iter().position(|hop| **hop == name).unwrap();
    assert!(
        place("read_back_disabled") < place("token_refused"),
        "{late}"
    );
    assert!(place("token_refused") < place("release_ordered"), "{late}");
    let report = until_done(&desk, desk.world.service.doctor().unwrap().examine()).await;
    let line = report.line("drill").unwrap();
    assert!(line.said.contains("token refused: seen"), "{line:?}");
}

/// Lets the clock go on while something waits for it.
async fn until_done<T>(desk: &Desk, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = desk.world.pass(Duration::from_millis(100)) => {}
        }
    }
}

#[tokio::test]
async fn a_canary_nobody_works_as_proves_nothing_about_tokens_and_that_is_said() {
    let (desk, _, late) = held(async |_, _| {}).await;

    assert_eq!(late["token"]["state"], "not_tried", "{late}");
    let report = until_done(&desk, desk.world.service.doctor().unwrap().examine()).await;
    let line = report.line("drill").unwrap();
    assert_eq!(line.state, State::Ok);
    assert!(line.said.contains("token refused: not proved"), "{line:?}");
}

#[tokio::test]
async fn a_token_issued_to_the_held_canary_is_a_failure_that_a_person_is_told() {
    let (desk, _, late) = held(async |desk, canary| {
        let (at, id) = (desk.world.clock.now(), canary.uuid());
        desk.world.entra.foreign_write(|tenant| {
            tenant.log_sign_in(SignInLine {
                at,
                event: "servicePrincipal".to_owned(),
                app: id,
                principal: Some(id),
                user: None,
                resource: uuid::Uuid::from_u128(7),
                error_code: 0,
                agent: Value::Null,
            });
        });
    })
    .await;

    assert_eq!(late["token"]["state"], "issued", "{late}");
    let told = notices(&desk).await;
    assert!(told.iter().any(|it| it.contains("issued a token after")));
    let report = until_done(&desk, desk.world.service.doctor().unwrap().examine()).await;
    assert_eq!(report.line("drill").unwrap().state, State::Fail);
}

#[tokio::test]
async fn without_evidence_nobody_looks_whether_the_canary_was_refused_a_token() {
    let (desk, _) = drilling("").await;

    let drill = drilled(&desk).await;

    assert_eq!(drill["token"], json!({ "state": "not_looked" }));
}

#[tokio::test]
async fn a_drill_is_marked_in_its_run_and_in_the_record_and_says_nothing_about_risk() {
    let (desk, canary) = drilling("").await;

    let drill = drilled(&desk).await;

    let run = desk.world.only_run().await;
    assert_eq!(run.playbook.as_str(), "drill");
    assert_eq!(run.state, RunState::Undone);
    assert_eq!(drill["run"], json!(run.id));
    assert!(desk.world.effects_of(canary, Aspect::Risk).is_empty());
    let writes = desk.world.writes();
    assert!(
        !writes.iter().any(|one| one.contains("risky")),
        "{writes:?}"
    );
    let lines = desk
        .world
        .service
        .store
        .sealed_lines(0, 1000)
        .await
        .unwrap();
    let passed = lines.iter().any(|line| line.line.contains("drill.passed"));
    assert!(passed);
}

#[tokio::test]
async fn a_drill_touches_nothing_but_the_canary() {
    let (desk, canary) = drilling("").await;

    let other = json!({ "canary": invoice_bot() });
    refused(&desk.post("/v1/drills", other).await, "not-the-canary");
    let named = desk.post("/v1/drills", json!({ "canary": canary })).await;
    ended(&desk).await;

    assert_eq!(named.status, StatusCode::ACCEPTED, "{}", named.text);
    let effects = desk.world.entra.effects();
    assert!(effects.iter().all(|effect| effect.entity == canary.uuid()));
}

#[tokio::test]
async fn without_a_canary_a_drill_is_refused() {
    let desk = Desk::new().await;

    refused(&desk.post("/v1/drills", json!({})).await, "no-canary");

    assert!(desk.world.writes().is_empty());
}

#[tokio::test]
async fn a_canary_that_is_not_found_enabled_is_left_as_it_is() {
    let (desk, canary) = drilling("").await;
    let off = move |tenant: &mut Tenant| tenant.switch(canary.uuid(), Switch::Disabled);
    desk.world.entra.foreign_write(off);

    let drill = drilled(&desk).await;

    assert_eq!(drill["state"], "refused", "{drill}");
    let because = drill["because"].as_str().unwrap();
    assert!(because.contains("not found enabled"), "{because}");
    assert!(desk.world.switched(canary).is_empty());
    assert!(
        notices(&desk)
            .await
            .iter()
            .any(|it| it.contains("not begun"))
    );
}

#[tokio::test]
async fn a_canary_that_is_no_agent_is_refused() {
    let (mut setting, _) = with_canary("");
    let person = setting.tenant.users.values().next().unwrap().id;
    setting.yaml = format!("{}drill: {{ canary: {person} }}\n", Setting::default().yaml);
    let desk = Desk::with(setting).await;

    let drill = drilled(&desk).await;

    assert_eq!(drill["state"], "refused", "{drill}");
    assert!(desk.world.writes().is_empty());
}

#[tokio::test]
async fn in_observe_mode_a_drill_is_refused_and_says_why() {
    let (mut setting, canary) = with_canary("");
    setting.yaml = setting.yaml.replace("mode: enforce", "mode: observe");
    let desk = Desk::with(setting).await;

    let drill = drilled(&desk).await;

    assert_eq!(drill["state"], "refused", "{drill}");
    assert!(drill["because"].as_str().unwrap().contains("observe"));
    assert!(desk.world.switched(canary).is_empty());
}

#[tokio::test]
async fn a_canary_that_stays_disabled_fails_the_drill_and_wakes_a_person() {
    let (desk, canary) = drilling("").await;
    // The write that enables it is accepted and has no effect.
    let enable = On::request("PATCH", "agentIdentity$").after(1).always();
    desk.world
        .entra
        .push_fault(Fault::new(enable, What::NoEffect));

    let drill = drilled(&desk).await;

    assert_eq!(drill["state"], "failed", "{drill}");
    let agent = desk.world.entra.agent(canary.uuid()).unwrap();
    assert!(!agent.account_enabled);
    let told = notices(&desk).await;
    let drilled = told.iter().find(|it| it.contains("failed")).unwrap();
    assert!(drilled.contains("estop undo run_"), "{drilled}");
}

#[tokio::test]
async fn a_drill_does_not_count_against_the_caps() {
    let (mut setting, _) = with_canary("");
    setting.yaml = setting
        .yaml
        .replace("tenant: 100, source: 100", "tenant: 1, source: 1");
    let desk = Desk::with(setting).await;
    drilled(&desk).await;

    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;

    let agent = desk.world.entra.agent(invoice_bot().uuid()).unwrap();
    assert!(!agent.account_enabled);
}

#[tokio::test]
async fn only_one_drill_runs_at_a_time() {
    let (desk, _) = drilling("").await;
    desk.post("/v1/drills", json!({})).await;

    refused(&desk.post("/v1/drills", json!({})).await, "drill-open");

    assert_eq!(ended(&desk).await["state"], "passed");
    assert_eq!(desk.world.runs().await.len(), 1);
}

#[tokio::test]
async fn a_drill_goes_on_where_a_crash_left_it() {
    let (desk, canary) = drilling("").await;
    let disable = On::request("PATCH", "agentIdentity$");
    desk.world
        .entra
        .push_fault(Fault::new(disable, What::HoldRequest));
    desk.post("/v1/drills", json!({})).await;
    desk.world.until_held(1).await;

    let Desk { world, api, .. } = desk;
    drop(api);
    let world = world.restart().await;
    world.entra.release();
    let store = &world.service.store;
    let over = world
        .until(|| async { store.open_drill().await.unwrap().is_none() })
        .await;

    let drills = store.drills(10).await.unwrap();
    assert!(over, "{drills:?}");
    assert_eq!(drills.len(), 1);
    assert_eq!(world.runs().await.len(), 1);
    let agent = world.entra.agent(canary.uuid()).unwrap();
    assert!(agent.account_enabled, "{drills:?}");
}

#[tokio::test]
async fn the_schedule_drills_by_itself_and_never_twice_at_once() {
    let (desk, canary) = drilling(", schedule: \"0 * * * *\"").await;

    desk.world.pass(Duration::from_secs(2 * 3600)).await;

    let drills = desk.world.service.store.drills(10).await.unwrap();
    assert_eq!(drills.len(), 2, "{drills:?}");
    assert!(drills.iter().all(|drill| drill.asked_by == "schedule"));
    assert_eq!(desk.world.switched(canary), [false, true, false, true]);
}

#[tokio::test]
async fn a_last_good_drill_that_is_too_old_is_an_alarm() {
    let (desk, _) = drilling(", max_age: 2d").await;
    drilled(&desk).await;
    let early = notices(&desk).await;

    desk.world.hand.advance(2 * DAY);
    desk.world.pass(Duration::from_secs(60)).await;

    let alarm = |told: &[String]| {
        told.iter()
            .filter(|it| it.contains("Run: estop drill"))
            .count()
    };
    assert_eq!(alarm(&early), 0);
    assert_eq!(alarm(&notices(&desk).await), 1);
    let metrics = desk.get("/metrics").await.text;
    assert!(metrics.contains("estop_drill_overdue 1"), "{metrics}");
    assert!(metrics.contains(r#"estop_drills_total{outcome="passed"} 1"#));
}
