//! Every call we can make, against a table written from what Microsoft publishes.
//!
//! Promise: a request that no row of the table describes leaves the process in no test here; a
//! public call without a row is noticed; no fault of a write is ever taken for success.
//!
//! Read next: `rows` (the table), `calls` (how each call is made), then `table`, `faults`, `wire`
//! and `model`.

mod calls;
mod expiry;
mod faults;
mod model;
mod rows;
mod table;
mod wire;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use estop::arm::{self, Arm};
use estop::clock::{Clock, Hand};
use estop::domain::entity::ObjectId;
use estop::domain::found::{AppRole, DirectoryRole, Grant, OpaqueId, Package, Runtime};
use estop::domain::moment::Moment;
use estop::entra::{AccessToken, TokenSource};
use estop::foundry::{self, Foundry};
use estop::graph::{self, Budget, Budgets, Cloud, Endpoints, Graph, Link, Tag};
use estop::sentinel::{self, IncidentPath, IncidentRead, Sentinel, Table, TableTerms};
use estop::sim::{
    BlueprintIds, Entra, INVOICE_BOT, Item, Limits, RiskPolicy, SentinelIncident, Shelf, Tenant,
};
use estop::transport::{Answer, Failure, Request, Transport};
use futures_util::FutureExt as _;
use serde_json::Value;
use uuid::Uuid;

use rows::ROWS;

/// What became of a call, by what a caller can do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    TryAgain,
    Unknown,
    NotFound,
    Refused,
}

impl From<graph::Error> for End {
    fn from(error: graph::Error) -> Self {
        match error {
            graph::Error::TryAgain { .. } => Self::TryAgain,
            graph::Error::Unknown { .. } => Self::Unknown,
            graph::Error::NotFound { .. } => Self::NotFound,
            graph::Error::Refused { .. } => Self::Refused,
        }
    }
}

impl From<foundry::Error> for End {
    fn from(error: foundry::Error) -> Self {
        match error {
            foundry::Error::TryAgain { .. } => Self::TryAgain,
            foundry::Error::Unknown { .. } => Self::Unknown,
            foundry::Error::NotFound { .. } => Self::NotFound,
            foundry::Error::Refused { .. } => Self::Refused,
        }
    }
}

impl From<sentinel::Error> for End {
    fn from(error: sentinel::Error) -> Self {
        match error {
            sentinel::Error::TryAgain { .. } | sentinel::Error::Changed { .. } => Self::TryAgain,
            sentinel::Error::Unknown { .. } => Self::Unknown,
            sentinel::Error::NotFound { .. } => Self::NotFound,
            sentinel::Error::Refused { .. } => Self::Refused,
        }
    }
}

impl From<arm::Error> for End {
    fn from(error: arm::Error) -> Self {
        match error {
            arm::Error::TryAgain(_) => Self::TryAgain,
            arm::Error::Unknown(_) => Self::Unknown,
            arm::Error::Refused { .. } => Self::Refused,
        }
    }
}

/// What happens to a request on its way.
enum Twist {
    /// Nothing.
    Pass,
    /// It is answered so, and never reaches the tenant.
    Instead(Answer),
    /// It never arrives.
    Fail(Failure),
    /// It never arrives, and nobody says so.
    Silence,
    /// The tenant acts, and its answer comes back changed.
    Changed(fn(Answer) -> Answer),
    /// The tenant acts, and its answer is lost.
    LoseReply,
    /// The tenant acts, and its answer never comes.
    SilenceAfter,
}

/// Who can be called, and the tenant behind.
struct Bench {
    graph: Graph,
    foundry: Foundry,
    arm: Arm,
    sentinel: Sentinel,
    table: Table,
    entra: Entra,
    hand: Hand,
    things: Things,
    /// What was sent, in order.
    sent: Arc<Mutex<Vec<Request>>>,
}

/// What the calls are about.
#[derive(Clone)]
struct Things {
    agent: ObjectId,
    agent_user: ObjectId,
    /// Somebody with a manager.
    person: ObjectId,
    blueprint: ObjectId,
    blueprint_app: ObjectId,
    application: ObjectId,
    plain: ObjectId,
    deleted: ObjectId,
    secret: ObjectId,
    trust: OpaqueId,
    tag: Tag,
    /// Held, to be taken away; put back they are given anew.
    grant: Grant,
    app_role: AppRole,
    role: DirectoryRole,
    package: Package,
    instance: OpaqueId,
    quarantined: OpaqueId,
    runtime: Runtime,
    /// Stopped already.
    stopped: Runtime,
    /// An incident with a comment, as it was read.
    incident: IncidentPath,
    comment: Uuid,
    read: IncidentRead,
    /// And one in Defender.
    number: OpaqueId,
}

impl Bench {
    /// Everything as it should be.
    fn new() -> Self {
        Self::twisted(|_, _| Twist::Pass)
    }

    /// The n-th request (from 0) fares as `twist` says.
    fn twisted(twist: impl Fn(&Request, usize) -> Twist + Send + Sync + 'static) -> Self {
        let (clock, hand) = Clock::by_hand(Moment::from_millis(1_790_000_000_000));
        let (tenant, things) = furnished();
        let entra = Entra::new(clock.clone(), tenant.clone());
        entra.set_limits(Limits::off());
        let sent = Arc::new(Mutex::new(Vec::new()));
        let transport = twisting(&entra, &sent, twist);
        let at = [
            "https://graph.microsoft.com",
            "https://management.azure.com",
            "https://x.ingest.monitor.azure.com",
        ];
        Self::of(
            (clock, hand),
            (transport, at),
            (entra, things.clone(), sent),
        )
    }

    fn of(
        (clock, hand): (Clock, Hand),
        (transport, [graph, azure, monitor]): (Transport, [&str; 3]),
        (entra, things, sent): (Entra, Things, Arc<Mutex<Vec<Request>>>),
    ) -> Self {
        let budget = Budget {
            turns: 1_000,
            window: Duration::from_secs(1),
        };
        let tokens = |resource| tokens(&entra, &clock, resource);
        let graph = Graph::new(Link {
            endpoints: Endpoints::of(Cloud::Global, Some(graph), None).unwrap(),
            transport: transport.clone(),
            tokens: tokens("https://graph.microsoft.com"),
            clock: clock.clone(),
            budgets: Budgets {
                identity_protection: budget,
                ..Budgets::default()
            },
        });
        let terms = foundry::Terms {
            api_version: "2025-11-15-preview".to_owned(),
            agents: [(
                things.agent,
                vec![things.runtime.clone(), things.stopped.clone()],
            )]
            .into(),
        };
        let arm = Arm {
            base: azure.parse().unwrap(),
            transport: transport.clone(),
            tokens: tokens("https://management.azure.com"),
            clock: clock.clone(),
        };
        let sentinel = Sentinel {
            base: azure.parse().unwrap(),
            workspaces: Vec::new(),
            transport: transport.clone(),
            tokens: tokens("https://management.azure.com"),
            clock: clock.clone(),
        };
        let terms_of_table = TableTerms::new(monitor.parse().unwrap(), "dcr-0a1b", "Custom-Estop");
        let table = Table {
            terms: terms_of_table.unwrap(),
            transport: transport.clone(),
            tokens: tokens("https://monitor.azure.com"),
            clock: clock.clone(),
        };
        Self {
            sentinel,
            table,
            graph,
            foundry: Foundry::new(terms, tokens("https://ai.azure.com"), transport, clock),
            arm,
            entra,
            hand,
            things,
            sent,
        }
    }

    fn sent(&self) -> Vec<Request> {
        self.sent.lock().unwrap().clone()
    }

    /// Moves time on until `work` is done.
    async fn moving<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = Box::pin(tokio::task::unconstrained(work));
        for _ in 0..500 {
            if let std::task::Poll::Ready(done) = futures_util::poll!(&mut work) {
                return done;
            }
            self.hand.advance(Duration::from_secs(2));
        }
        panic!("still not done");
    }
}

fn twisting(
    entra: &Entra,
    sent: &Arc<Mutex<Vec<Request>>>,
    twist: impl Fn(&Request, usize) -> Twist + Send + Sync + 'static,
) -> Transport {
    let (entra, sent) = (entra.clone(), Arc::clone(sent));
    Transport::in_process(move |request| {
        let mut sent = sent.lock().unwrap();
        let twist = twist(&request, sent.len());
        sent.push(request.clone());
        let entra = entra.clone();
        async move {
            match twist {
                Twist::Pass => entra.exchange(request).await,
                Twist::Instead(answer) => Ok(answer),
                Twist::Fail(failure) => Err(failure),
                Twist::Silence => std::future::pending().await,
                Twist::Changed(change) => entra.exchange(request).await.map(change),
                Twist::LoseReply => {
                    entra.exchange(request).await?;
                    Err(Failure::Lost("reset".to_owned()))
                }
                Twist::SilenceAfter => {
                    entra.exchange(request).await?;
                    std::future::pending().await
                }
            }
        }
        .boxed()
    })
}

fn tokens(entra: &Entra, clock: &Clock, resource: &'static str) -> TokenSource {
    let (entra, now) = (entra.clone(), clock.clone());
    TokenSource::fetching(clock.clone(), move |_| {
        let text = entra.access_token_for(resource).unwrap_or_default();
        let ends = now.now().plus(Duration::from_secs(3_600));
        std::future::ready(AccessToken::new(&text.into(), ends)).boxed()
    })
}

/// Every permission the table or an action names.
fn permissions() -> Vec<&'static str> {
    let named = ROWS.iter().flat_map(|row| row.permissions).copied();
    let ours = estop::domain::permission::PERMISSIONS.iter();
    let all = named.flatten().copied().chain(ours.map(|one| one.name));
    all.collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// A tenant where every call has something to do.
fn furnished() -> &'static (Tenant, Things) {
    static MADE: OnceLock<(Tenant, Things)> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut tenant = Tenant::contoso();
        tenant.client.permissions = permissions().into_iter().map(str::to_owned).collect();
        let app = tenant.agents[&INVOICE_BOT].blueprint_app_id;
        let finance = tenant.blueprint_of_app(app).unwrap().ids;
        tenant.furnish(INVOICE_BOT);
        tenant.furnish(finance.principal);
        let sponsor = tenant.agents[&INVOICE_BOT].sponsors[0];
        let manager = tenant.add_person("Grace");
        tenant.managers.insert(sponsor, manager);
        tenant.risk_policy = RiskPolicy::BlocksHigh;
        tenant.premises.azure_roles = Some(Vec::new());
        tenant.attributes.insert("Estop.State".to_owned());
        let alert = serde_json::json!({ "id": "alert" });
        tenant.alerts.insert("alert".to_owned(), alert);
        tenant.run_in_foundry(INVOICE_BOT, "p", "invoice-bot");
        let stopped = Item {
            owner: INVOICE_BOT,
            body: serde_json::json!({ "enabled": false }),
        };
        tenant.put(Shelf::Foundry, "p/idle-bot", stopped);
        let plain = tenant.add_service_principal("plain");
        let gone = tenant.add_blueprint("Gone-Agents").principal;
        tenant.soft_delete(gone);
        let instances = ["one", "two"].map(|name| tenant.register(INVOICE_BOT, name));
        let second = tenant.item(Shelf::Instances, &instances[1].to_string());
        let second = second.unwrap().clone();
        tenant.put(Shelf::Quarantine, &instances[1].to_string(), second);
        let mut incident = SentinelIncident::titled("Agent identity risk");
        let said = (1, "Being worked on".to_owned());
        incident.comments.insert(COMMENT, said);
        tenant
            .cases
            .sentinel
            .insert(INCIDENT.to_lowercase(), incident);
        tenant.cases.open_defender("2972395", "Agent identity risk");
        tenant.cases.declare("dcr-0a1b", "Custom-Estop");
        let things = things(&tenant, finance, (plain, gone, instances));
        (tenant, things)
    })
}

fn things(
    tenant: &Tenant,
    finance: BlueprintIds,
    (plain, deleted, instances): (Uuid, Uuid, [Uuid; 2]),
) -> Things {
    let held = |shelf, owner| tenant.held(shelf, owner)[0].1.clone();
    let of_agent = |shelf| held(shelf, INVOICE_BOT);
    let credential = |shelf| held(shelf, finance.principal);
    let mut users = tenant.users.values();
    let user = users.find(|it| it.identity_parent_id == Some(INVOICE_BOT));
    let package = of_agent(Shelf::Packages);
    let id = |value: &Value| value.as_str().unwrap().parse::<ObjectId>().unwrap();
    let opaque = |text: &str| OpaqueId::new(text).unwrap();
    let reports = tenant.managers.keys().next().unwrap();
    Things {
        agent: ObjectId::from_uuid(INVOICE_BOT),
        agent_user: ObjectId::from_uuid(user.unwrap().id),
        person: ObjectId::from_uuid(*reports),
        blueprint: ObjectId::from_uuid(finance.principal),
        blueprint_app: ObjectId::from_uuid(finance.app),
        application: ObjectId::from_uuid(finance.application),
        plain: ObjectId::from_uuid(plain),
        deleted: ObjectId::from_uuid(deleted),
        secret: id(&credential(Shelf::Secrets)["keyId"]),
        trust: opaque(credential(Shelf::Trusts)["id"].as_str().unwrap()),
        tag: Tag {
            set: opaque("Estop"),
            attribute: opaque("State"),
            value: "contained".to_owned(),
        },
        grant: serde_json::from_value(of_agent(Shelf::Grants)).unwrap(),
        app_role: serde_json::from_value(of_agent(Shelf::AppRoles)).unwrap(),
        role: serde_json::from_value(of_agent(Shelf::DirectoryRoles)).unwrap(),
        package: Package {
            id: opaque(package["id"].as_str().unwrap()),
            access_package_id: id(&package["accessPackage"]["id"]),
            assignment_policy_id: id(&package["assignmentPolicy"]["id"]),
            target_id: id(&package["target"]["objectId"]),
        },
        instance: opaque(&instances[0].to_string()),
        quarantined: opaque(&instances[1].to_string()),
        runtime: runtime("invoice-bot"),
        stopped: runtime("idle-bot"),
        incident: IncidentPath::parse(INCIDENT).unwrap(),
        comment: COMMENT,
        read: serde_json::from_value(tenant.cases.sentinel[&INCIDENT.to_lowercase()].shown())
            .unwrap(),
        number: opaque("2972395"),
    }
}

/// Written over is what it names, so no other name of it is an id of another kind.
const COMMENT: Uuid = uuid::uuid!("00000000-0000-4000-8000-000000000002");
const INCIDENT: &str = "/subscriptions/00000000-0000-4000-8000-0000000000aa/resourceGroups/rg-sec/providers/Microsoft.OperationalInsights/workspaces/law-sec/providers/Microsoft.SecurityInsights/Incidents/i-1";

fn runtime(name: &str) -> Runtime {
    let project = "https://x.services.ai.azure.com/api/projects/p";
    Runtime {
        project: project.parse().unwrap(),
        name: OpaqueId::new(name).unwrap(),
    }
}

fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    http::Response::builder()
        .status(status)
        .body(body.into())
        .unwrap()
}
