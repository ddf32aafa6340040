//! A service in parts, two of each that there may be two of, restarted one after the other as a
//! platform updates them.

use std::time::Duration;

use estop::sim::Tenant;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::prepared;
use super::programs::{asked, part, until};
use crate::program::{Program, Site};
use crate::replicas::rolling::{are_off_once, contained, insist, is_soon};

/// What runs, in the order in which it is restarted: so that a worker that keeps house goes, and
/// the one that took over from it goes too.
const PARTS: [&str; 5] = ["ingest", "ingest", "worker", "worker", "console"];
/// How often a sender says something that asks for no run, while a part is restarted.
const LOAD_EVERY: Duration = Duration::from_millis(40);

/// The parts, and where each of them takes deliveries, if it does.
struct Deployment<'a> {
    site: &'a Site,
    parts: Vec<Program>,
    /// How many detections were thanked for.
    thanked: usize,
}

impl<'a> Deployment<'a> {
    async fn start(site: &'a Site) -> Self {
        let mut parts = Vec::new();
        for role in PARTS {
            parts.push(part(site, role).await);
        }
        Self {
            site,
            parts,
            thanked: 0,
        }
    }

    /// The doors for senders; what is about to stop is asked first.
    async fn doors(&mut self, stopping: usize) -> Vec<String> {
        let mut doors = Vec::new();
        for (n, role) in PARTS.iter().enumerate() {
            if *role == "ingest" {
                let door = self.parts[n].doors().await.unwrap();
                doors.insert(if n == stopping { 0 } else { doors.len() }, door);
            }
        }
        doors
    }

    async fn detected(&mut self, agent: Uuid) {
        let doors = self.doors(0).await;
        let doors: Vec<_> = doors.iter().map(|door| &**door).collect();
        insist(self.site, &self.site.detection_about(agent), &doors).await;
        self.thanked += 1;
    }

    /// Stops a part and starts another in its place, while a sender says one thing after the other:
    /// first that this agent is to be stopped.
    async fn restart(&mut self, n: usize, agent: Option<Uuid>) {
        let doors = self.doors(n).await;
        let doors: Vec<_> = doors.iter().map(|door| &**door).collect();
        let (site, over) = (self.site, CancellationToken::new());
        let stopping = &mut self.parts[n];
        let updating = async {
            let ended = stopping.ask_to_stop().await;
            assert_eq!(ended.code(), Some(0), "{}", site.log());
            *stopping = part(site, PARTS[n]).await;
            over.cancel();
        };
        let sending = async {
            let mut sent = 0;
            let first = agent.map(|agent| site.detection_about(agent));
            let mut next = first.unwrap_or_else(|| unheard_of(site));
            while !over.is_cancelled() {
                insist(site, &next, &doors).await;
                (sent, next) = (sent + 1, unheard_of(site));
                site.clock.sleep(LOAD_EVERY).await;
            }
            sent
        };
        let ((), sent) = tokio::join!(updating, sending);
        self.thanked += sent;
    }
}

/// A detection that no playbook asks about.
fn unheard_of(site: &Site) -> String {
    let detection = json!({
        "type": "unheardOf", "severity": "high",
        "detection_id": site.clock.uuid().to_string(),
        "detected_at": site.clock.now().to_string(),
        "entities": [{ "kind": "agent", "id": site.clock.uuid().to_string() }],
    });
    detection.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e10_parts_that_are_restarted_one_by_one_lose_nothing_and_delay_no_kill() {
    let Some(site) = Site::shared().await else {
        return;
    };
    let database = site.database().unwrap();
    prepared(database).await;
    let visit = site.visit().await;
    let token = site.token(&visit.store).await;
    visit.leave().await;
    // As many as the playbook's guardrail lets pass.
    let agents: Vec<Uuid> = Tenant::contoso().agents.into_keys().take(4).collect();
    let mut deployment = Deployment::start(&site).await;
    deployment.detected(agents[0]).await;
    let usual = contained(&site, 1).await;

    // A kill comes while a door stops, and while each of the workers does.
    for (n, agent) in (0..PARTS.len()).zip([None, Some(1), Some(2), Some(3), None]) {
        deployment
            .restart(n, agent.map(|it: usize| agents[it]))
            .await;
    }
    let delayed = contained(&site, agents.len()).await;

    assert!(
        is_soon(delayed, usual),
        "{delayed:?}, and {usual:?} without a restart"
    );
    are_off_once(&site, &agents);
    let decided = "select count(*) from delivery where detection_id is not null";
    let all = format!("{}\n", deployment.thanked);
    until(&site, async || database.tell(decided) == all).await;
    assert!(
        deployment.thanked > 2 * PARTS.len(),
        "there was no load: {all}"
    );
    let console = &deployment.parts[4];
    for (token, path) in [("", "/readyz"), (&*token, "/v1/runs")] {
        let (status, said) = asked(&site, console, token, path).await;
        assert_eq!(status, 200, "{path}: {said}");
    }
    for mut part in deployment.parts {
        assert_eq!(part.ask_to_stop().await.code(), Some(0), "{}", site.log());
    }
}
