//! People are asked first: enough of them, none of them the requester, for exactly what was shown.

use std::time::Duration;

use estop::command::{NewName, add_person, at_the_machine};
use estop::domain::action::Action;
use estop::domain::entity::ObjectId;
use estop::domain::id::OrderId;
use estop::domain::order::{Operator, Order, OrderKind, Scope};
use estop::domain::person::{GroupName, Person, Role};
use estop::domain::run::RunState;
use estop::sim::{Aspect, Switch, Tenant};
use estop::store::{Asked, Saw};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::containment::{finance, user_of};
use crate::power::{DAY, Desk, Reply, asking, keyed};
use crate::world::{Setting, invoice_bot};

const STEPS: &str = "\
entity: agent
also: [agent_users]
steps:
  - disable_agent
  - disable_agent_user: { optional: true }
  - confirm_compromised: { optional: true }
hold: { for: 7d, then: keep }
notify: []
";

/// A playbook for threat intelligence in this mode, which asks so.
pub fn playbook(mode: &str, approval: &str) -> String {
    format!(
        "playbook: asked\nsummary: People decide.\ntrigger:\n  \
         detection: [threatIntelligenceAccount]\nmode: {mode}\napproval: {{ {approval} }}\n{STEPS}"
    )
}

/// A world whose one playbook is this.
pub fn with_playbook(text: String) -> Setting {
    Setting {
        playbooks: vec![("asked.yaml", text)],
        ..Setting::default()
    }
}

/// How far the clock goes at a time where nothing is at work.
pub const STRIDE: Duration = Duration::from_secs(10);

const TWO: &str = "from: [soc-leads], quorum: 2, within: 60m, on_timeout: keep";

impl Desk {
    /// A person's own credential; the same number is the same person.
    pub async fn person(&self, number: u128, role: Role, group: &str) -> String {
        let tools = (&self.world.service.store, &self.world.clock);
        let name = NewName::new(&format!("person-{number}")).unwrap();
        let person = Person {
            entra: ObjectId::from_uuid(Uuid::from_u128(0xF00D_0000 + number)),
            role,
            groups: GroupName::new(group).into_iter().collect(),
        };
        let who = at_the_machine("dana");
        let admitted = add_person(tools, &who, (name, person), 30 * DAY).await;
        admitted.unwrap().text
    }

    pub async fn lead(&self, number: u128) -> String {
        self.person(number, Role::Lead, "soc-leads").await
    }

    /// A word with a credential of someone else, under a fresh key.
    pub async fn says(&self, who: &str, path: &str, body: Value) -> Reply {
        let key = self.world.clock.uuid().to_string();
        let request = asking(Method::POST, path, who, Some(body));
        self.send(keyed(request, &key)).await
    }

    /// The newest approval, as it is shown now.
    pub async fn shown(&self) -> Value {
        let listed = self.get("/v1/approvals").await.body;
        let id = listed["approvals"][0]["id"].as_str().unwrap().to_owned();
        let shown = self.get(&format!("/v1/approvals/{id}")).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
        shown.body
    }

    pub async fn approves(&self, who: &str, shown: &Value) -> Reply {
        let digest = shown["plan"]["plan_digest"].clone();
        self.approves_plan(who, shown, &digest).await
    }

    async fn approves_plan(&self, who: &str, shown: &Value, digest: &Value) -> Reply {
        let path = format!("/v1/approvals/{}/approve", shown["id"].as_str().unwrap());
        self.says(who, &path, json!({ "plan_digest": digest }))
            .await
    }

    pub async fn denies(&self, who: &str, shown: &Value) -> Reply {
        let path = format!("/v1/approvals/{}/deny", shown["id"].as_str().unwrap());
        self.says(who, &path, json!({ "reason": "a planned test" }))
            .await
    }

    async fn extends(&self, who: &str, shown: &Value, by: &str) -> Reply {
        let path = format!("/v1/approvals/{}/extend", shown["id"].as_str().unwrap());
        self.says(who, &path, json!({ "by": by })).await
    }

    pub async fn told_of(&self, part: &str) -> usize {
        let told = self.world.told().await;
        told.iter().filter(|text| text.contains(part)).count()
    }

    pub async fn recorded(&self, what: &str) -> usize {
        let records = self.records().await;
        records.iter().filter(|record| record.what == what).count()
    }
}

/// A desk with one run that asks two leads about the usual agent.
async fn asked() -> Desk {
    let desk = Desk::with(with_playbook(playbook("ask", TWO))).await;
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;
    desk
}

fn code(reply: &Reply) -> &str {
    reply.body["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn nothing_is_touched_until_enough_distinct_people_said_yes() {
    let desk = asked().await;
    let (ada, bo) = (desk.lead(1).await, desk.lead(2).await);
    let run = desk.world.only_run().await;
    assert_eq!(run.state, RunState::Waiting);
    let shown = desk.shown().await;

    let first = desk.approves(&ada, &shown).await;
    let again = desk.approves(&ada, &shown).await;
    desk.world.settle().await;
    let between = (desk.world.writes(), desk.world.state(run.id).await);
    let second = desk.approves(&bo, &shown).await;
    desk.world.settle().await;

    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text);
    assert_eq!(again.body["approval"]["votes"].as_array().unwrap().len(), 1);
    assert_eq!(between, (Vec::new(), RunState::Waiting));
    assert_eq!(second.body["approval"]["state"], "approved");
    let result = second.body["approval"]["result"].as_str().unwrap();
    assert!(
        result.contains("person:person-1 and person:person-2"),
        "{result}"
    );
    assert_eq!(desk.world.state(run.id).await, RunState::Contained);
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
    assert_eq!(desk.told_of("waits for approval").await, 1);
    assert_eq!(desk.told_of("approved by").await, 1);
    for what in ["approval.asked", "approval.approved"] {
        assert_eq!(desk.recorded(what).await, 1, "{what}");
    }
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn l05_the_record_alone_tells_a_whole_run_and_who_had_it_carried_out() {
    let desk = asked().await;
    let (ada, bo) = (desk.lead(1).await, desk.lead(2).await);
    let shown = desk.shown().await;
    desk.approves(&ada, &shown).await;
    desk.approves(&bo, &shown).await;
    desk.world.settle().await;
    let run = desk.world.only_run().await.id;

    // From here on only the sealed lines.
    let records = desk.records().await;
    let at = |what: &str| {
        let place = records.iter().position(|it| it.what == what);
        place.unwrap_or_else(|| panic!("{what} is not recorded"))
    };
    let all = |what: &'static str| records.iter().filter(move |it| it.what == what);

    let decided = &records[at("detection.decided")].detail;
    assert_eq!(decided["type"], "threatIntelligenceAccount");
    let made = &records[at("run.made")];
    assert_eq!(made.run, Some(run));
    assert_eq!(made.detail["playbook"], "asked");
    assert_eq!(made.detail["entity"]["id"], invoice_bot().to_string());
    let asked = &records[at("approval.asked")];
    assert_eq!(asked.run, Some(run));
    let voted: Vec<_> = all("approval.voted").collect();
    assert_eq!(voted.len(), 2);
    for (number, vote) in (1_u128..).zip(&voted) {
        // Who said yes to exactly what was shown, and which person of the tenant that is.
        assert_eq!(vote.detail["approval"], asked.detail["approval"]);
        assert_eq!(vote.detail["plan"], shown["plan"]["plan_digest"]);
        let name = vote.who.0.strip_prefix("person:").unwrap();
        let mut added = all("person.added");
        let added = added.find(|it| it.detail["name"] == name).unwrap();
        let entra = ObjectId::from_uuid(Uuid::from_u128(0xF00D_0000 + number));
        assert_eq!(added.detail["entra"], entra.to_string());
        assert_eq!(added.who.0, "local:dana");
    }
    let started = all("step.started").find(|it| it.detail["action"] == "disable_agent");
    let before = &started.unwrap().detail["before"]["switches"][0];
    assert_eq!(before["account_enabled"], true);
    let ended = all("step.ended").find(|it| it.detail["action"] == "disable_agent");
    let ended = &ended.unwrap().detail;
    assert_eq!(ended["outcome"], "done");
    assert_eq!(ended["closes"][0], invoice_bot().to_string());
    assert!(
        ended["evidence"].as_str().unwrap().contains("204"),
        "{ended}"
    );
    let story = [
        "delivery.stored",
        "detection.decided",
        "run.made",
        "approval.asked",
        "approval.voted",
        "step.started",
        "step.ended",
        "run.contained",
    ]
    .map(at);
    assert!(story.is_sorted(), "{story:?}");
    assert!(records.is_sorted_by_key(|it| it.at));
    desk.world.chain_holds().await;
}

#[tokio::test]
async fn a_run_shows_what_people_were_asked_and_what_they_said() {
    let desk = asked().await;
    let ada = desk.lead(1).await;
    let shown = desk.shown().await;
    assert_eq!(shown["then"], "nothing is done");
    assert_eq!(
        (&shown["needed"], &shown["changes"]),
        (&json!(2), &json!([]))
    );
    assert_eq!(shown["plan"]["steps"].as_array().unwrap().len(), 4);

    desk.approves(&ada, &shown).await;

    let run = desk.world.only_run().await.id;
    let run = desk.get(&format!("/v1/runs/{run}")).await.body;
    assert_eq!(run["mode"], "ask");
    assert_eq!(run["approvals"][0]["id"], shown["id"]);
    assert_eq!(run["approvals"][0]["votes"][0]["name"], "person:person-1");
    let listed = desk.get("/v1/approvals?state=approved").await.body;
    assert_eq!(listed["approvals"], json!([]));
}

#[tokio::test]
async fn c03_a_token_a_responder_and_an_outsider_decide_nothing() {
    let desk = asked().await;
    let shown = desk.shown().await;
    let token = desk.token.clone();
    let responder = desk.person(1, Role::Responder, "soc-leads").await;
    let outsider = desk.person(2, Role::Lead, "ops").await;
    let viewer = desk.person(3, Role::Viewer, "soc-leads").await;

    for (who, why) in [
        (&token, "not-a-person"),
        (&responder, "role-missing"),
        (&outsider, "not-asked"),
        (&viewer, "role-missing"),
    ] {
        for reply in [
            desk.approves(who, &shown).await,
            desk.denies(who, &shown).await,
            desk.extends(who, &shown, "10m").await,
        ] {
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{}", reply.text);
            assert_eq!(code(&reply), why);
            assert!(reply.body["fix"].is_string() && reply.body["done"] == "nothing");
        }
    }
    assert_eq!(desk.world.only_run().await.state, RunState::Waiting);
}

#[tokio::test]
async fn an_approval_is_used_once_and_a_repeated_word_is_answered_as_before() {
    let desk = asked().await;
    let (ada, bo, cy) = (desk.lead(1).await, desk.lead(2).await, desk.lead(3).await);
    let shown = desk.shown().await;
    desk.approves(&ada, &shown).await;
    let path = format!("/v1/approvals/{}/approve", shown["id"].as_str().unwrap());
    let body = json!({ "plan_digest": shown["plan"]["plan_digest"] });
    let same = || {
        let request = asking(Method::POST, &path, &bo, Some(body.clone()));
        keyed(request, "one")
    };

    let first = desk.send(same()).await;
    desk.world.settle().await;
    let repeat = desk.send(same()).await;
    let late = desk.approves(&cy, &shown).await;
    let no = desk.denies(&cy, &shown).await;
    desk.world.settle().await;

    assert_eq!(
        first.body["approval"]["state"], "approved",
        "{}",
        first.text
    );
    assert_eq!(repeat.status, StatusCode::ACCEPTED, "{}", repeat.text);
    assert_eq!(repeat.headers["idempotent-replay"], "true");
    assert_eq!((code(&late), code(&no)), ("approval-over", "approval-over"));
    assert!(
        late.body["detail"]
            .as_str()
            .unwrap()
            .contains("approved by")
    );
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
    assert_eq!(desk.recorded("approval.approved").await, 1);
}

#[tokio::test]
async fn its_last_instant_is_too_late_and_then_nothing_is_done_once() {
    let desk = asked().await;
    let (ada, bo) = (desk.lead(1).await, desk.lead(2).await);
    let shown = desk.shown().await;
    let run = desk.world.only_run().await;
    let end = shown["expires_at"].as_str().unwrap();
    let end = estop::domain::moment::Moment::parse(end).unwrap();
    let left = end.since(desk.world.clock.now());
    desk.world.hand.advance(left - Duration::from_millis(1));

    let just = desk.approves(&ada, &shown).await;
    desk.world.hand.advance(Duration::from_millis(1));
    let late = desk.approves(&bo, &shown).await;
    let longer = desk.extends(&bo, &shown, "10m").await;
    desk.world.pass(Duration::from_secs(30)).await;

    assert_eq!(just.status, StatusCode::ACCEPTED, "{}", just.text);
    assert_eq!(
        (code(&late), code(&longer)),
        ("approval-over", "approval-over")
    );
    assert_eq!(desk.world.state(run.id).await, RunState::Expired);
    assert_eq!(desk.told_of("nobody approved it in time").await, 1);
    assert_eq!(desk.recorded("approval.expired").await, 1);
    assert_eq!(desk.recorded("run.expired").await, 1);
    assert!(desk.world.writes().is_empty(), "{:?}", desk.world.writes());
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn its_end_is_moved_before_it_comes_and_not_for_ever() {
    let desk = asked().await;
    let (ada, bo) = (desk.lead(1).await, desk.lead(2).await);
    let shown = desk.shown().await;

    let longer = desk.extends(&ada, &shown, "30m").await;
    desk.world
        .pass_in(Duration::from_secs(80 * 60), STRIDE)
        .await;
    let still = desk.shown().await;
    desk.approves(&ada, &still).await;
    desk.approves(&bo, &still).await;
    desk.world.settle().await;

    assert_eq!(longer.status, StatusCode::ACCEPTED, "{}", longer.text);
    assert_eq!(longer.body["approval"]["extensions"], 1);
    assert_eq!(desk.world.only_run().await.state, RunState::Contained);
    assert_eq!(desk.told_of("asked for longer").await, 1);

    let desk = asked().await;
    let ada = desk.lead(1).await;
    let shown = desk.shown().await;
    for _ in 0..5 {
        desk.extends(&ada, &shown, "1m").await;
    }
    let sixth = desk.extends(&ada, &shown, "1m").await;
    let much = desk.extends(&ada, &shown, "25h").await;
    assert_eq!(code(&sixth), "extended-enough");
    assert_eq!(code(&much), "extension-out-of-range");
}

#[tokio::test]
async fn one_no_ends_it_with_its_reason() {
    let desk = asked().await;
    let (ada, bo) = (desk.lead(1).await, desk.lead(2).await);
    let shown = desk.shown().await;

    desk.approves(&ada, &shown).await;
    let no = desk.denies(&bo, &shown).await;
    desk.world.settle().await;

    assert_eq!(no.body["approval"]["state"], "denied", "{}", no.text);
    let run = desk.world.only_run().await;
    assert_eq!(run.state, RunState::Stopped);
    assert!(
        run.because
            .unwrap()
            .contains("denied by person:person-2: a planned test")
    );
    assert_eq!(desk.told_of("nothing was done").await, 1);
    assert!(desk.world.writes().is_empty());
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn a_smaller_plan_is_offered_and_is_all_that_runs() {
    let desk = asked().await;
    let (ada, bo) = (desk.lead(1).await, desk.lead(2).await);
    let shown = desk.shown().await;
    let small = shown["smaller"][0]["plan_digest"].clone();

    desk.approves(&ada, &shown).await;
    let other = desk.approves_plan(&bo, &shown, &small).await;
    let between = desk.world.only_run().await.state;
    let both = desk.approves_plan(&ada, &shown, &small).await;
    desk.world.settle().await;

    // A yes to the whole and a yes to the part are not two yeses.
    assert_eq!(other.body["approval"]["state"], "asked", "{}", other.text);
    assert_eq!(between, RunState::Waiting);
    assert_eq!(both.body["approval"]["state"], "approved", "{}", both.text);
    let run = desk.world.only_run().await;
    assert_eq!(run.state, RunState::Contained);
    assert_eq!(desk.world.steps(run.id).await.len(), 2);
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
    assert!(desk.world.switched(user_of(invoice_bot())).is_empty());
    assert!(
        desk.world
            .effects_of(invoice_bot(), Aspect::Risk)
            .is_empty()
    );
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn a_changed_tenant_is_shown_and_asked_again() {
    let desk = asked().await;
    let (ada, bo) = (desk.lead(1).await, desk.lead(2).await);
    let before = desk.shown().await;
    desk.approves(&ada, &before).await;
    let user = user_of(invoice_bot());
    desk.world
        .entra
        .foreign_write(|tenant| tenant.switch(user.uuid(), Switch::Disabled));

    let stale = desk.approves(&bo, &before).await;
    let now = desk.shown().await;
    let one = desk.approves(&bo, &now).await;
    let two = desk.approves(&ada, &now).await;
    desk.world.settle().await;

    assert_eq!(stale.status, StatusCode::CONFLICT, "{}", stale.text);
    assert_eq!(code(&stale), "plan-stale");
    let change = format!("agent_user {user} is disabled now");
    assert_eq!(stale.body["changes"], json!([change]));
    assert_eq!(now["changes"], json!([change]));
    assert_ne!(now["plan"]["plan_digest"], before["plan"]["plan_digest"]);
    // Ada's yes was to what is no longer so.
    assert_eq!(one.body["approval"]["state"], "asked", "{}", one.text);
    assert_eq!(two.body["approval"]["state"], "approved", "{}", two.text);
    assert_eq!(desk.world.only_run().await.state, RunState::Contained);
}

#[tokio::test]
async fn p07_a_changed_playbook_is_shown_and_the_run_keeps_its_own() {
    let desk = asked().await;
    let old = desk.shown().await;
    let Desk { world, token, api } = desk;
    drop(api);
    let world = world
        .restart_as(|setting| {
            let text = playbook("observe", "from: [other], within: 5m, on_timeout: keep");
            let text =
                format!("{text}guardrail: {{ entities_max: 1, window: 10m, on_breach: ask }}\n");
            setting.playbooks = vec![("asked.yaml", text)];
        })
        .await;
    world.settle().await;
    world.pass(Duration::from_secs(1)).await;
    let api = world.service.control();
    let desk = Desk { world, api, token };
    let (ada, bo) = (desk.lead(1).await, desk.lead(2).await);

    let stale = desk.approves(&ada, &old).await;
    let now = desk.shown().await;
    desk.approves(&ada, &now).await;
    desk.approves(&bo, &now).await;
    desk.world.settle().await;

    assert_eq!(code(&stale), "plan-stale", "{}", stale.text);
    let change = now["changes"][0].as_str().unwrap();
    assert!(change.contains("the playbook has changed"), "{change}");
    let run = desk.world.only_run().await;
    assert_eq!(run.state, RunState::Contained);
    assert_eq!(desk.world.steps(run.id).await.len(), 4);
}

#[tokio::test]
async fn a_crash_between_the_words_and_the_work_loses_neither() {
    let desk = asked().await;
    let (ada, bo) = (desk.lead(1).await, desk.lead(2).await);
    let shown = desk.shown().await;
    desk.approves(&ada, &shown).await;

    let desk = again(desk).await;
    let second = desk.approves(&bo, &shown).await;
    // Nobody has worked on it yet.
    let desk = again(desk).await;
    desk.world.settle().await;

    assert_eq!(
        second.body["approval"]["state"], "approved",
        "{}",
        second.text
    );
    assert_eq!(desk.world.only_run().await.state, RunState::Contained);
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
    assert_eq!(desk.recorded("approval.approved").await, 1);
    desk.world.nothing_left_over().await;
}

/// The same desk after a power cut.
pub async fn again(desk: Desk) -> Desk {
    let Desk { world, token, api } = desk;
    drop(api);
    let world = world.restart().await;
    // Who we are is learned in the first moments; until then nobody's word is taken.
    world.breathe().await;
    let api = world.service.control();
    Desk { world, api, token }
}

#[tokio::test]
async fn the_brake_and_the_mode_bind_whoever_approves() {
    let desk = asked().await;
    let ada = desk.lead(1).await;
    let shown = desk.shown().await;

    desk.world.order(OrderKind::TripBrake).await.unwrap();
    let braked = desk.approves(&ada, &shown).await;
    desk.world.order(OrderKind::ResetBrake).await.unwrap();
    let mode = estop::domain::playbook::ServiceMode::Observe;
    desk.world.order(OrderKind::Mode { mode }).await.unwrap();
    let observed = desk.approves(&ada, &shown).await;
    desk.world.detect_agent(finance()).await;
    desk.world.settle().await;

    assert_eq!(code(&braked), "brake-tripped", "{}", braked.text);
    assert_eq!(code(&observed), "mode-observe", "{}", observed.text);
    // In observe mode nobody is asked: everything runs, and nothing is touched.
    let listed = desk.get("/v1/approvals").await.body;
    assert_eq!(listed["approvals"].as_array().unwrap().len(), 1);
    assert!(desk.world.writes().is_empty());
}

#[tokio::test]
async fn a_run_that_is_asked_about_is_not_resumed_and_stopping_it_ends_the_question() {
    let desk = asked().await;
    let ada = desk.lead(1).await;
    let shown = desk.shown().await;
    let run = desk.world.only_run().await.id;
    let why = json!({ "reason": "it is real" });

    let resumed = desk
        .says(&ada, &format!("/v1/runs/{run}/resume"), why.clone())
        .await;
    let stopped = desk.says(&ada, &format!("/v1/runs/{run}/stop"), why).await;
    let late = desk.approves(&ada, &shown).await;

    assert_eq!(code(&resumed), "approval-required", "{}", resumed.text);
    assert_eq!(stopped.status, StatusCode::ACCEPTED, "{}", stopped.text);
    assert_eq!(code(&late), "approval-over", "{}", late.text);
    assert_eq!(desk.shown().await["state"], "void");
    assert!(desk.world.writes().is_empty());
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn e16_two_people_and_not_one_release_a_protected_agent() {
    let mut setting = with_playbook(playbook(
        "enforce",
        "from: [soc-leads], quorum: 1, within: 60m, on_timeout: keep",
    ));
    let text = &mut setting.playbooks[0].1;
    text.push_str("guardrail: { entities_max: 5, window: 10m, on_breach: ask }\n");
    setting.yaml = format!(
        "mode: enforce\nprotected: [{}]\ncaps: {{ tenant: 100, source: 100 }}\n",
        invoice_bot()
    );
    let desk = Desk::with(setting).await;
    let (ada, bo) = (desk.lead(1).await, desk.lead(2).await);
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;
    let shown = desk.shown().await;

    let one = desk.approves(&ada, &shown).await;
    desk.world.settle().await;
    let between = desk.world.writes();
    desk.approves(&bo, &shown).await;
    desk.world.settle().await;

    assert_eq!(shown["needed"], 2);
    assert_eq!(one.body["approval"]["state"], "asked", "{}", one.text);
    assert!(between.is_empty(), "{between:?}");
    assert_eq!(desk.world.only_run().await.state, RunState::Contained);
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
}

/// Plans and orders a blueprint by hand, typed in full.
async fn order_blueprint(desk: &Desk, who: &str, blueprint: ObjectId) -> Reply {
    let entity = json!({ "entity": { "kind": "blueprint", "id": blueprint.to_string() } });
    let plan = desk.says(who, "/v1/plans", entity).await.body;
    let word = json!({
        "plan_digest": plan["plan_digest"], "reason": "its secret leaked",
        "confirm": plan["entity"]["name"],
    });
    desk.says(who, "/v1/runs", word).await
}

#[tokio::test]
async fn a_responder_asks_for_a_blueprint_and_a_lead_lets_it_begin() {
    let desk = Desk::new().await;
    let (ada, rose) = (
        desk.lead(1).await,
        desk.person(2, Role::Responder, "x").await,
    );

    let ordered = order_blueprint(&desk, &rose, finance()).await;
    desk.world.settle().await;
    let waiting = desk.world.only_run().await.state;
    let shown = desk.shown().await;
    let own = desk.approves(&rose, &shown).await;
    let yes = desk.approves(&ada, &shown).await;
    desk.world.settle().await;

    assert_eq!(ordered.status, StatusCode::ACCEPTED, "{}", ordered.text);
    assert_eq!(waiting, RunState::Waiting);
    assert_eq!(code(&own), "self-approval", "{}", own.text);
    assert_eq!(yes.status, StatusCode::ACCEPTED, "{}", yes.text);
    assert_eq!(desk.world.only_run().await.state, RunState::Contained);
    assert_eq!(desk.world.switched(finance()), [false]);
}

#[tokio::test]
async fn a_lead_contains_a_blueprint_alone_unless_it_would_stop_what_is_protected() {
    let desk = Desk::new().await;
    let ada = desk.lead(1).await;
    order_blueprint(&desk, &ada, finance()).await;
    desk.world.settle().await;
    assert_eq!(desk.world.only_run().await.state, RunState::Contained);

    let desk = Desk::with(Setting {
        yaml: format!("mode: enforce\nprotected: [{}]\n", invoice_bot()),
        ..Setting::default()
    })
    .await;
    let (ada, bo, cy) = (desk.lead(1).await, desk.lead(2).await, desk.lead(3).await);
    order_blueprint(&desk, &ada, finance()).await;
    let shown = desk.shown().await;
    let own = desk.approves(&ada, &shown).await;
    desk.approves(&bo, &shown).await;
    let waiting = desk.world.only_run().await.state;
    desk.approves(&cy, &shown).await;
    desk.world.settle().await;

    assert_eq!(code(&own), "self-approval", "{}", own.text);
    assert_eq!(waiting, RunState::Waiting);
    assert_eq!(desk.world.only_run().await.state, RunState::Contained);
}

/// A shipped playbook asks about this entity, in a deployment with the right to what it proposes.
async fn asked_about(
    mut tenant: Tenant,
    what: Action,
    (detection, kind, entity): (&str, &str, Uuid),
) -> Desk {
    let needed = what.permissions().iter().map(|it| (*it).to_owned());
    tenant.client.permissions.extend(needed);
    let desk = Desk::with(Setting {
        tenant,
        kinds: "agent, service_principal, user, blueprint",
        profile: what.profile(),
        ..Setting::default()
    })
    .await;
    desk.world.detect(detection, kind, entity).await;
    desk.world.settle().await;
    desk
}

#[tokio::test]
async fn what_is_asked_about_any_kind_of_entity_can_be_approved() {
    let mut tenant = Tenant::contoso();
    let mut people = tenant.users.values();
    let person = people.find(|it| it.identity_parent_id.is_none());
    let person = person.unwrap().id;
    let classic = tenant.add_service_principal("helpdesk-classic");
    let deleted = tenant.add_blueprint("Retired-Agents").principal;
    tenant.soft_delete(deleted);

    // Sessions, and a blueprint that is back, have no switch that could be read back closed.
    for (what, about, ends) in [
        (
            Action::RevokeSessions,
            ("makerCredentialUse", "user", person),
            RunState::Partial,
        ),
        (
            Action::DisableServicePrincipal,
            ("leakedCredentials", "service_principal", classic),
            RunState::Contained,
        ),
        (
            Action::RestoreBlueprint,
            ("blueprintDeleted", "blueprint", deleted),
            RunState::Partial,
        ),
    ] {
        let desk = asked_about(tenant.clone(), what, about).await;
        let ada = desk.lead(1).await;
        let shown = desk.shown().await;
        assert!(shown["unreadable"].is_null(), "{what}: {shown}");

        let yes = desk.approves(&ada, &shown).await;
        desk.world.settle().await;

        let state = &yes.body["approval"]["state"];
        assert_eq!(state, "approved", "{what}: {}", yes.text);
        let run = desk.world.only_run().await;
        assert_eq!(run.state, ends, "{what}: {run:?}");
        let writes = desk.world.writes();
        assert_eq!(writes.len(), 1, "{what}: {writes:?}");
        desk.world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn what_is_gone_for_good_is_not_approved() {
    let mut tenant = Tenant::contoso();
    let gone = tenant.add_blueprint("Retired-Agents").principal;
    tenant.blueprints.remove(&gone);
    let about = ("blueprintDeleted", "blueprint", gone);
    let desk = asked_about(tenant, Action::RestoreBlueprint, about).await;

    let shown = desk.shown().await;

    assert!(shown["plan"].is_null(), "{shown}");
    let why = shown["unreadable"].as_str().unwrap();
    assert!(why.contains("target-unresolved"), "{why}");
}

#[tokio::test]
async fn the_detected_agents_are_offered_instead_of_their_blueprint() {
    let mut setting = with_playbook(playbook("observe", TWO));
    setting.playbooks[0]
        .1
        .push_str("guardrail: { entities_max: 5, window: 10m, on_breach: ask }\n");
    let desk = Desk::with(setting).await;
    let (ada, rose) = (
        desk.lead(1).await,
        desk.person(2, Role::Responder, "x").await,
    );
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;
    order_blueprint(&desk, &rose, finance()).await;
    let shown = desk.shown().await;
    let smaller = shown["smaller"].as_array().unwrap();
    let agents = smaller
        .iter()
        .find(|offer| offer["what"].as_str().unwrap().contains("agents"))
        .unwrap();

    let yes = desk
        .approves_plan(&ada, &shown, &agents["plan_digest"])
        .await;
    desk.world.settle().await;

    assert_eq!(yes.body["approval"]["state"], "approved", "{}", yes.text);
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
    assert!(desk.world.switched(finance()).is_empty());
    let runs = desk.world.runs().await;
    // Both came at one moment of the clock: the order's is meant.
    let ordered = runs.iter().find(|run| run.order.is_some()).unwrap();
    assert_eq!(ordered.state, RunState::Contained, "{ordered:?}");
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn what_was_approved_and_then_stopped_for_a_day_is_asked_again() {
    let desk = asked().await;
    let shown = desk.shown().await;
    let run = desk.world.only_run().await.id;
    desk.world.order(OrderKind::TripBrake).await.unwrap();
    // The desk refuses this under the brake; here the brake came a moment later.
    for number in [1, 2] {
        approve_in_store(&desk, &shown, number).await;
    }

    desk.world.leap(DAY).await;
    let state = desk.world.state(run).await;
    desk.world.order(OrderKind::ResetBrake).await.unwrap();
    let resumed = desk.world.order(OrderKind::Resume { run }).await;

    assert_eq!(state, RunState::Waiting);
    assert!(resumed.is_err(), "{resumed:?}");
    let asked = desk.get("/v1/approvals?state=asked").await.body;
    assert_ne!(asked["approvals"][0]["id"], shown["id"]);
    assert!(desk.world.writes().is_empty(), "{:?}", desk.world.writes());
}

async fn approve_in_store(desk: &Desk, shown: &Value, number: u128) {
    let clock = &desk.world.clock;
    let person = Person {
        entra: ObjectId::from_uuid(Uuid::from_u128(number)),
        role: Role::Lead,
        groups: GroupName::new("soc-leads").into_iter().collect(),
    };
    let order = Order {
        id: OrderId::from_uuid(clock.uuid()),
        at: clock.now(),
        operator: Operator {
            name: format!("person:{number}"),
            scope: Scope::Respond,
            person: Some(person),
        },
        kind: OrderKind::Approve {
            approval: shown["id"].as_str().unwrap().parse().unwrap(),
            plan_digest: "as shown".to_owned(),
        },
        reason: "approved".to_owned(),
    };
    let asked = Asked {
        order,
        makes: None,
        idempotency_key: None,
        saw: Saw::default(),
    };
    desk.world.service.store.take_order(asked).await.unwrap();
}

#[tokio::test]
async fn a_source_that_may_only_ask_asks_whatever_its_playbook_says() {
    for (mode, may, about) in [
        ("enforce", "ask", "begin"),
        ("provisional", "ask", "begin"),
        ("enforce", "provisional", "keep"),
    ] {
        let mut setting = with_playbook(playbook(mode, TWO));
        let guardrail = "guardrail: { entities_max: 5, window: 10m, on_breach: ask }\n";
        setting.playbooks[0].1.push_str(guardrail);
        setting.may = may;
        let desk = Desk::with(setting).await;

        desk.world.detect_agent(invoice_bot()).await;
        desk.world.settle().await;

        let shown = desk.shown().await;
        assert_eq!(shown["about"], about, "{mode} {may}");
        let struck = !desk.world.writes().is_empty();
        assert_eq!(struck, about == "keep", "{mode} {may}");
    }
}

#[tokio::test]
async fn an_unknown_clause_asks_where_the_playbook_says_so_and_the_run_says_why() {
    let clause = "when:\n  known: entity.tenant == \"x\"\non_unknown: ask\n";
    let text = playbook("enforce", TWO);
    let desk = Desk::with(with_playbook(format!("{text}{clause}"))).await;

    let detection = desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;

    let shown = desk.shown().await;
    let why = shown["because"].as_str().unwrap();
    assert!(why.contains("could not be known"), "{why}");
    let decided = desk.get(&format!("/v1/detections/{detection}")).await.body;
    assert!(
        decided.to_string().contains("\"truth\":\"unknown\""),
        "{decided}"
    );
    assert!(desk.world.writes().is_empty());
}
