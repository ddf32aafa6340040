//! What Graph answers: an answer is about whom was asked, or it is unknown; a pause is bounded; and
//! nobody waits for ever (threats G01, G04, G15).

use std::time::Duration;

use bytes::Bytes;
use estop::clock::{Clock, Hand};
use estop::domain::entity::{Entity, EntityKind, ObjectId};
use estop::domain::found::OpaqueId;
use estop::domain::inventory::{Bond, Part};
use estop::domain::pull::RiskList;
use estop::graph::{
    Ask, Budget, Budgets, ChangesOf, Cloud, Endpoints, Error, Graph, Judgement, Link, Priority,
    SignInsOf, Tag, Wanted,
};
use estop::transport::Answer;
use serde_json::Value;
use uuid::Uuid;

use super::chance::{Chance, head_and_body};
use super::now;
use super::outside::{answering, tokens};

/// Most steps of the clock before a call is called stuck.
const PATIENCE: usize = 1_000;
/// The longest pause that a header may ask for.
const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);

/// Whom every call is about; the corpus names it.
fn asked() -> ObjectId {
    ObjectId::from_uuid(Uuid::from_u128(1 << 64 | 1))
}

fn ask() -> Ask {
    Ask {
        priority: Priority::Verify,
        correlation: Uuid::from_u128(7),
    }
}

/// A tenant that gives every request this answer.
struct Tenant {
    graph: Graph,
    hand: Hand,
    text: String,
}

impl Tenant {
    fn saying(bytes: &[u8]) -> Self {
        Self::answering(http::Response::new(Bytes::copy_from_slice(bytes)))
    }

    fn answering(answer: Answer) -> Self {
        let (clock, hand) = Clock::by_hand(now());
        let text = String::from_utf8_lossy(answer.body()).to_lowercase();
        let much = Budget {
            turns: 10_000,
            window: Duration::from_secs(1),
        };
        let graph = Graph::new(Link {
            endpoints: Endpoints::of(Cloud::Global, None, None).unwrap(),
            transport: answering(move || answer.clone()),
            tokens: tokens(&clock),
            clock,
            budgets: Budgets {
                directory_writes: much,
                directory_reads: much,
                identity_protection: much,
                reports: much,
                security: much,
                ids_per_verdict: 60,
            },
        });
        Self { graph, hand, text }
    }

    /// Moves time on until the call is done.
    fn done<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        for _ in 0..PATIENCE {
            if let std::task::Poll::Ready(done) = work.as_mut().poll(&mut context) {
                return done;
            }
            self.hand.advance(Duration::from_secs(60));
        }
        panic!("it waits for ever");
    }

    /// The answer of a call that may fail, which it does with words for people.
    fn heard<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Option<T> {
        match self.done(work) {
            Ok(heard) => Some(heard),
            Err(error) => {
                is_told_plainly(&error);
                None
            }
        }
    }

    /// An id that was read stands in the answer.
    fn named(&self, id: ObjectId) {
        assert!(self.text.contains(&id.to_string()), "{id} is nowhere");
    }
}

fn is_told_plainly(error: &Error) {
    let told = error.to_string();
    assert!(
        !told.is_empty() && !told.contains(char::is_control),
        "{told:?}"
    );
    if let Error::TryAgain { after, .. } = error {
        assert!(*after <= PAUSE_MAX, "{after:?}");
    }
}

/// Reads of one object.
pub fn objects(bytes: &[u8]) {
    let (tenant, id) = (Tenant::saying(bytes), asked());
    let graph = &tenant.graph;
    if let Some(agent) = tenant.heard(graph.agent(ask(), id)) {
        assert_eq!(agent.id, id);
        tenant.named(id);
    }
    if let Some(blueprint) = tenant.heard(graph.blueprint(ask(), id)) {
        assert_eq!(blueprint.id, id);
        tenant.named(blueprint.app_id);
    }
    if let Some(blueprint) = tenant.heard(graph.blueprint_by_app_id(ask(), id)) {
        assert_eq!(blueprint.app_id, id);
        tenant.named(blueprint.id);
    }
    if let Some(principal) = tenant.heard(graph.principal(ask(), id)) {
        assert_eq!(principal.id, id);
    }
    if let Some(user) = tenant.heard(graph.agent_user(ask(), id)) {
        assert_eq!(user.id, id);
        tenant.named(user.agent);
    }
    if tenant.heard(graph.person(ask(), id)).is_some() {
        tenant.named(id);
    }
    if let Some(manager) = tenant.heard(graph.manager_of(ask(), id)) {
        tenant.named(manager);
    }
    let tag = Tag {
        set: OpaqueId::new("estop").unwrap(),
        attribute: OpaqueId::new("state").unwrap(),
        value: "contained".to_owned(),
    };
    if tenant.heard(graph.tag_of(ask(), id, &tag)).is_some() {
        tenant.named(id);
    }
    let _ = tenant.heard(graph.security_defaults(ask()));
    let _ = tenant.heard(graph.revoke_sessions(ask(), id));
    let _ = tenant.heard(graph.confirm_compromised(ask(), id));
    let _ = tenant.heard(graph.confirm_safe(ask(), id));
    let _ = tenant.heard(graph.dismiss(ask(), id));
    let _ = tenant.heard(graph.restore(ask(), id));
}

/// Reads of many objects: the whole list or none of it, and nobody in it who was not asked for.
pub fn lists(bytes: &[u8]) {
    let (tenant, id) = (Tenant::saying(bytes), asked());
    let graph = &tenant.graph;
    let said = said(bytes);
    if let Some(agents) = tenant.heard(graph.agents(ask())) {
        assert!(said.is_null() || agents.len() == count(&said));
        agents.iter().for_each(|agent| tenant.named(agent.id));
    }
    if let Some(agents) = tenant.heard(graph.agents_of(ask(), id)) {
        agents.iter().for_each(|agent| tenant.named(agent.id));
    }
    if let Some(users) = tenant.heard(graph.agent_users_of(ask(), id)) {
        users.iter().for_each(|user| assert_eq!(user.agent, id));
    }
    if let Some(deleted) = tenant.heard(graph.is_deleted(ask(), id)) {
        assert!(said.is_null() || deleted == lists_id(&said, id));
    }
    if let Some(there) = tenant.heard(graph.objects_there(ask(), &[id])) {
        assert!(
            there.iter().all(|one| *one == id),
            "not asked for: {there:?}"
        );
    }
    for bond in [Bond::Owner, Bond::Sponsor] {
        let people = tenant.heard(graph.people_of(ask(), Entity::agent(id), bond));
        for person in people.into_iter().flatten() {
            assert_eq!(person.of, id);
            tenant.named(person.id);
        }
    }
    let _ = tenant.heard(graph.instances_of(ask(), id));
    let _ = tenant.heard(graph.quarantined(ask()));
    let _ = tenant.heard(graph.service_plans(ask()));
    let _ = tenant.heard(graph.policies(ask()));
    let _ = tenant.heard(graph.probe(ask()));
    let _ = tenant.heard(graph.warm(ask()));
    let _ = tenant.heard(graph.agent_risk_answers(ask()));
}

/// The answer as a reader of another make has it; null where that one refuses what is passed over
/// here, such as half a surrogate in a text that nobody asks for.
fn said(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_default()
}

fn count(said: &Value) -> usize {
    said["value"].as_array().map_or(0, Vec::len)
}

fn lists_id(said: &Value, id: ObjectId) -> bool {
    let items = said["value"].as_array().into_iter().flatten();
    let named = |item: &Value| item["id"].as_str()?.parse::<ObjectId>().ok();
    items.filter_map(named).any(|one| one == id)
}

/// What an entity holds: of this entity alone.
pub fn held(bytes: &[u8]) {
    let (tenant, id) = (Tenant::saying(bytes), asked());
    let graph = &tenant.graph;
    let grants = tenant.heard(graph.grants_of(ask(), id));
    let grants = grants.into_iter().flatten();
    grants.for_each(|grant| assert_eq!(grant.client_id, id));
    let roles = tenant.heard(graph.app_roles_of(ask(), id));
    let roles = roles.into_iter().flatten();
    roles.for_each(|role| assert_eq!(role.principal_id, id));
    let roles = tenant.heard(graph.directory_roles_of(ask(), id));
    let roles = roles.into_iter().flatten();
    roles.for_each(|role| assert_eq!(role.principal_id, id));
    let packages = tenant.heard(graph.packages_of(ask(), id));
    let packages = packages.into_iter().flatten();
    packages.for_each(|package| assert_eq!(package.target_id, id));
    if let Some(all) = tenant.heard(graph.credentials_of(ask(), id)) {
        tenant.named(id);
        tenant.named(all.application);
        let secrets = all.secrets.iter().chain(&all.certificates);
        secrets.for_each(|key| tenant.named(key.key_id));
    }
    let _ = tenant.heard(graph.role_names(ask()));
    let definition = OpaqueId::new("62e90394-69f5-4237-9190-012177145e10").unwrap();
    let assigned = tenant.heard(graph.assignments_of_role(ask(), &definition));
    let assigned = assigned.into_iter().flatten();
    assigned.for_each(|role| assert_eq!(role.role_definition_id, definition));
}

/// Logs and lists of risks: read page by page, and never more than was sent.
pub fn logs(bytes: &[u8]) {
    let (tenant, id, since) = (Tenant::saying(bytes), asked(), now());
    let graph = &tenant.graph;
    let said = said(bytes);
    for whose in [
        SignInsOf::Itself(id),
        SignInsOf::OnBehalf(id),
        SignInsOf::User(id),
        SignInsOf::Callers(id),
    ] {
        if let Some(list) = tenant.heard(graph.sign_ins(ask(), whose, since)) {
            assert!(said.is_null() || list.sign_ins.len() == count(&said));
            assert!(list.whole || said.is_null());
        }
    }
    for whose in [
        ChangesOf::Target(id),
        ChangesOf::App(id),
        ChangesOf::User(id),
    ] {
        let _ = tenant.heard(graph.directory_changes(ask(), whose, since));
    }
    for list in RiskList::ALL {
        let mut risks = graph.risks(ask(), list, Some(since));
        if let Some(Some(page)) = tenant.heard(risks.next()) {
            assert!(said.is_null() || page.len() == count(&said));
        }
    }
}

/// The rolls of the inventory: a row is of the kind that was asked for, or none is believed.
pub fn rolls(bytes: &[u8]) {
    let tenant = Tenant::saying(bytes);
    for part in Part::ALL {
        let wanted = Wanted {
            part,
            attributes: Some("estop"),
        };
        let Some(mut roll) = tenant.graph.roll(ask(), wanted, now()) else {
            continue;
        };
        if let Some(Some(estop::graph::RollPage::Objects(known))) = tenant.heard(roll.next()) {
            known.iter().for_each(|known| tenant.named(known.entity.id));
            let kinds: Vec<EntityKind> = known.iter().map(|known| known.entity.kind).collect();
            assert!(kinds.windows(2).all(|two| two[0] == two[1]), "{kinds:?}");
        }
    }
}

/// Incidents and alerts of Defender.
pub fn incidents(bytes: &[u8]) {
    let tenant = Tenant::saying(bytes);
    let graph = &tenant.graph;
    let id = OpaqueId::new("29").unwrap();
    if let Some(incident) = tenant.heard(graph.incident(ask(), &id)) {
        assert_eq!(incident.id, id);
    }
    if let Some(body) = tenant.heard(graph.alert(ask(), &id)) {
        assert_eq!(body, bytes);
    }
    let tags = ["estop:contained".to_owned()];
    let _ = tenant.heard(graph.comment_incident(ask(), &id, "stopped"));
    let _ = tenant.heard(graph.tag_incident(ask(), &id, &tags));
    let _ = tenant.heard(graph.judge_incident(ask(), &id, Judgement::FalsePositive));
}

/// Many in one exchange: each has one outcome, and an outcome is about its own.
pub fn batch(bytes: &[u8]) {
    let tenant = Tenant::saying(bytes);
    let ids: Vec<ObjectId> = (1..=22)
        .map(|n: u128| ObjectId::from_uuid(Uuid::from_u128(n << 64 | n)))
        .collect();
    let outcomes = tenant.done(tenant.graph.agents_by_id(ask(), &ids));
    assert!(outcomes.iter().map(|(id, _)| id).eq(&ids));
    for (id, outcome) in outcomes {
        match outcome {
            Ok(agent) => {
                assert_eq!(agent.id, id);
                tenant.named(id);
            }
            Err(error) => is_told_plainly(&error),
        }
    }
}

/// Any status with any head and body: a success is one of the statuses that mean it, a refusal is
/// told without what could harm a log.
pub fn refusal(bytes: &[u8]) {
    const STATUSES: [u16; 16] = [
        200, 201, 202, 204, 206, 301, 302, 400, 401, 403, 404, 409, 412, 429, 500, 503,
    ];
    let (headers, body) = head_and_body(bytes);
    let status = STATUSES[Chance::of(bytes).below(STATUSES.len())];
    let mut answer = http::Response::new(Bytes::copy_from_slice(body));
    *answer.status_mut() = status.try_into().unwrap();
    *answer.headers_mut() = headers;
    let tenant = Tenant::answering(answer);
    let (graph, id) = (&tenant.graph, asked());
    if tenant.heard(graph.agent(ask(), id)).is_some() {
        assert!((200..300).contains(&status), "{status}");
    }
    let off = estop::graph::Enabled::No;
    if let Some(receipt) = tenant.heard(graph.set_agent_enabled(ask(), id, off)) {
        assert!((200..300).contains(&receipt.status), "{receipt}");
        assert!(body.is_empty() || receipt.status == 200, "{receipt}");
        assert!(!receipt.to_string().contains(char::is_control));
    }
}

/// When to come back, in every form of it: as told, and never after the longest pause.
pub fn retry_after(bytes: &[u8]) {
    let (mut headers, _) = head_and_body(bytes);
    // A file may be the bare value, too.
    if headers.is_empty()
        && let Ok(value) = http::HeaderValue::from_bytes(bytes.trim_ascii())
    {
        headers.insert("retry-after", value);
    }
    for status in [429, 503] {
        let mut answer = http::Response::new(Bytes::new());
        *answer.status_mut() = status.try_into().unwrap();
        *answer.headers_mut() = headers.clone();
        let tenant = Tenant::answering(answer);
        match tenant.done(tenant.graph.agent(ask(), asked())) {
            Err(Error::TryAgain { after, .. }) => {
                assert!(after <= PAUSE_MAX, "{after:?}");
                let told = headers.get("retry-after").and_then(seconds);
                assert!(told.is_none_or(|told| after >= told), "{after:?}");
            }
            other => panic!("{status}: {other:?}"),
        }
    }
}

/// What plain digits ask for, as far as it is heeded.
fn seconds(value: &http::HeaderValue) -> Option<Duration> {
    let digits = value.as_bytes();
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let text = plain.then(|| String::from_utf8_lossy(digits))?;
    let asked = Duration::from_secs(text.parse().unwrap_or(u64::MAX));
    Some(asked.min(PAUSE_MAX))
}
