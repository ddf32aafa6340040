//! What the far ends can rely on that are no pagers: incidents of Sentinel and Defender, the table
//! of OCSF, and workflows that wait to be called. One test each, over all of them.

use std::collections::BTreeSet;
use std::time::Duration;

use estop::sim::{Fault, On, Tenant, What};
use http::StatusCode;
use serde_json::{Value, json};

use super::super::world::{LOST, Setting, World, invoice_bot};

const WORKSPACE: &str = "/subscriptions/00000000-0000-4000-8000-0000000000aa/resourceGroups/rg-sec/providers/Microsoft.OperationalInsights/workspaces/law-sec";
const NUMBER: &str = "2972395";
const ADDRESS: &str = "https://prod-12.westeurope.logic.azure.com/workflows/w/callback?sig=s";
const HOUR: Duration = Duration::from_secs(3600);
/// The way of time while nothing but far ends is tried again.
const STRIDE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sentinel,
    Defender,
    Table,
    Callback,
}

const KINDS: [Kind; 4] = [Kind::Sentinel, Kind::Defender, Kind::Table, Kind::Callback];

fn incident() -> String {
    format!("{WORKSPACE}/providers/Microsoft.SecurityInsights/Incidents/i-1")
}

const PLAYBOOK: &str = "\
playbook: tell
summary: Stop it and tell everyone.
owner: soc
trigger: { detection: [threatIntelligenceAccount] }
entity: agent
mode: enforce
guardrail: { entities_max: 50, window: 10m, on_breach: ask }
steps:
  - disable_agent
notify: [incident]
";

async fn world() -> World {
    let mut tenant = Tenant::contoso();
    let more = "SecurityIncident.ReadWrite.All".to_owned();
    tenant.client.permissions.push(more);
    tenant
        .cases
        .open_sentinel(&incident(), "Agent identity risk");
    tenant.cases.open_defender(NUMBER, "Agent identity risk");
    tenant.cases.declare("dcr-0a1b", "Custom-Estop");
    let usual = Setting::default();
    World::with(Setting {
        tenant,
        yaml: format!(
            "{}public_url: https://estop.example\n\
             callback_hosts: [prod-12.westeurope.logic.azure.com]\nincidents:\n  \
             sentinel: {{ workspaces: [\"{WORKSPACE}\"] }}\n  defender: {{ classify: true }}\n\
             ocsf:\n  table: {{ endpoint: \"https://x.ingest.monitor.azure.com\", \
             rule: dcr-0a1b, stream: Custom-Estop }}\n",
            usual.yaml
        ),
        playbooks: vec![("tell.yaml", PLAYBOOK.to_owned())],
        ..usual
    })
    .await
}

impl Kind {
    /// Everything that reaches this far end fails so from now on.
    fn fails(self, world: &World, what: &What) {
        let on = match self {
            Self::Sentinel => On::request("PUT", "/comments/"),
            Self::Defender => On::request("POST", "/comments$"),
            Self::Table => On::request("POST", "/dataCollectionRules/"),
            Self::Callback => {
                // One call in five minutes, for longer than any test of these.
                world.called().will_answer(&[503; 400]);
                return;
            }
        };
        world
            .entra
            .push_fault(Fault::new(on.always(), what.clone()));
    }

    /// It takes the next one, and its answer is lost.
    fn forgets_one(self, world: &World) {
        let on = match self {
            Self::Sentinel => On::request("PUT", "/comments/"),
            Self::Defender => On::request("POST", "/comments$"),
            Self::Table => On::request("POST", "/dataCollectionRules/"),
            Self::Callback => return world.called().will_answer(&[LOST]),
        };
        let fault = Fault::new(on, What::LoseReplyAfterEffect);
        world.entra.push_fault(fault);
    }

    fn is_well(self, world: &World) {
        match self {
            Self::Callback => world.called().recovers(),
            Self::Sentinel | Self::Defender | Self::Table => world.entra.clear_faults(),
        }
    }

    async fn detect(self, world: &World) {
        let mut body = json!({
            "type": "threatIntelligenceAccount", "severity": "high",
            "detection_id": world.clock.uuid().to_string(),
            "detected_at": world.clock.now().to_string(),
            "entities": [{ "kind": "agent", "id": invoice_bot() }],
        });
        match self {
            Self::Sentinel => body["incident"] = json!({ "id": incident() }),
            Self::Defender => body["incident"] = json!({ "id": NUMBER }),
            Self::Table | Self::Callback => {}
        }
        let status = match self {
            Self::Callback => world.post_waiting(&body.to_string(), ADDRESS).await.0,
            Self::Sentinel | Self::Defender | Self::Table => world.post(&body.to_string()).await.0,
        };
        assert!(status == StatusCode::ACCEPTED || status == StatusCode::CREATED);
        world.settle().await;
    }

    /// What the far end holds about the containment, as it reads it: a repeat that it can find
    /// takes the place of the first.
    fn holds(self, world: &World) -> Vec<String> {
        let tenant = world.entra.tenant();
        let cases = &tenant.cases;
        let text = |value: &Value| value.to_string();
        match self {
            Self::Sentinel => {
                let comments = &cases.sentinel[&incident().to_lowercase()].comments;
                comments.values().map(|(_, text)| text.clone()).collect()
            }
            Self::Defender => {
                let comments = cases.defender[NUMBER]["comments"].as_array().unwrap();
                comments.iter().map(text).collect()
            }
            Self::Table => {
                // A row is found again by its number.
                let rows = &cases.tables["dcr-0a1b/Custom-Estop"];
                let of_run = |row: &&Value| row.to_string().contains("run.made");
                let mut seen = BTreeSet::new();
                let once = |row: &&Value| seen.insert(row["Number"].as_i64());
                rows.iter().filter(of_run).filter(once).map(text).collect()
            }
            Self::Callback => {
                let calls = world.called().so_far().into_iter();
                let distinct: BTreeSet<String> = calls.map(|(_, body)| body.to_string()).collect();
                distinct.into_iter().collect()
            }
        }
    }

    async fn hears(self, world: &World) {
        let heard = world
            .until(|| async { !self.holds(world).is_empty() })
            .await;
        assert!(heard, "{self:?} heard nothing");
        world.pass_in(Duration::from_secs(600), STRIDE).await;
    }
}

#[tokio::test]
async fn each_far_end_holds_it_once_although_an_answer_was_lost() {
    for kind in KINDS {
        let world = world().await;
        kind.forgets_one(&world);

        kind.detect(&world).await;
        kind.hears(&world).await;

        assert_eq!(
            kind.holds(&world).len(),
            1,
            "{kind:?}: {:#?}",
            kind.holds(&world)
        );
    }
}

#[tokio::test]
async fn each_far_end_may_be_down_for_a_day_and_hears_it_all_the_same() {
    let down = What::Status {
        status: 503,
        code: "serviceNotAvailable".to_owned(),
    };
    for kind in KINDS {
        let world = world().await;
        kind.fails(&world, &down);

        kind.detect(&world).await;
        let contained = world.only_run().await.contained_at;
        world.pass_in(23 * HOUR, STRIDE).await;
        let midway = match kind {
            // Whoever is called hears each call, and answers that it cannot.
            Kind::Callback => 0,
            Kind::Sentinel | Kind::Defender | Kind::Table => kind.holds(&world).len(),
        };
        kind.is_well(&world);
        kind.hears(&world).await;

        assert!(contained.is_some(), "{kind:?} held a containment up");
        assert_eq!(midway, 0, "{kind:?}");
        assert_eq!(
            kind.holds(&world).len(),
            1,
            "{kind:?}: {:#?}",
            kind.holds(&world)
        );
        if kind == Kind::Callback {
            let calls = world.called().so_far().len();
            assert!((250..320).contains(&calls), "{calls}");
            world.pass_in(HOUR, STRIDE).await;
            assert_eq!(
                world.called().so_far().len(),
                calls,
                "heard, and called again"
            );
        }
    }
}

#[tokio::test]
async fn each_far_end_hears_no_secret_and_no_name() {
    for kind in KINDS {
        let world = world().await;

        kind.detect(&world).await;
        kind.hears(&world).await;

        let heard = kind.holds(&world).join("\n").to_lowercase();
        let secret = std::fs::read_to_string(world.folder.path().join("lab.key")).unwrap();
        let tenant = world.entra.tenant();
        let people = tenant.users.values();
        let people =
            people.flat_map(|it| [it.display_name.clone(), it.user_principal_name.clone()]);
        let agents = tenant.agents.values().map(|it| it.display_name.clone());
        let blueprints = tenant.blueprints.values().map(|it| it.display_name.clone());
        let ours = [
            secret.trim().to_owned(),
            tenant.client.secret.clone(),
            tenant.client.identity_header.clone(),
            world.entra.access_token().unwrap(),
            "sig=s".to_owned(),
            "contoso.example".to_owned(),
        ];
        let bare = secret.trim().trim_start_matches("whsec_").to_owned();
        for word in people
            .chain(agents)
            .chain(blueprints)
            .chain(ours)
            .chain([bare])
        {
            assert!(
                !heard.contains(&word.to_lowercase()),
                "{kind:?}: {word} in {heard}"
            );
        }
    }
}
