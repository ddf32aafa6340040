//! Playbooks change while the service runs: who lets them act, what holds them back, and how a
//! changed folder is taken.

mod activation;
mod expected;
mod hangup;
mod reload;
mod wolf;

use estop::domain::id::DetectionId;
use estop::domain::playbook::PlaybookName;
use serde_json::{Value, json};

use crate::power::{Desk, Reply};
use crate::world::{Setting, World, invoice_bot};

/// A playbook that contains at once, or as far as `mode` says.
fn acting(mode: &str, summary: &str) -> String {
    format!(
        "playbook: stop\nsummary: {summary}\ntrigger:\n  \
         detection: [threatIntelligenceAccount, signInSpike]\nentity: agent\nmode: {mode}\n\
         guardrail: {{ entities_max: 50, window: 10m, on_breach: ask }}\nsteps:\n  \
         - disable_agent\nhold: {{ for: 7d, then: keep }}\nnotify: []\n"
    )
}

/// A world with this one playbook, and more in its configuration.
fn with(yaml: &str, playbook: String) -> Setting {
    Setting {
        yaml: format!("mode: enforce\nprotected: []\ncaps: {{ tenant: 100, source: 100 }}\n{yaml}"),
        playbooks: vec![("stop.yaml", playbook)],
        ..Setting::default()
    }
}

fn name() -> PlaybookName {
    PlaybookName::new("stop").unwrap()
}

impl Desk {
    /// Gets up, so that nothing of the service is held any more.
    fn leave(self) -> World {
        self.world
    }

    /// A detection of this type about the usual agent, settled; answers what was decided.
    async fn decided(&self, detection_type: &str) -> Value {
        let id = self
            .world
            .detect(detection_type, "agent", invoice_bot())
            .await;
        self.world.settle().await;
        let id: DetectionId = id.parse().unwrap();
        let (_, mut decisions) = self
            .world
            .service
            .store
            .detection(id)
            .await
            .unwrap()
            .unwrap();
        json!(decisions.remove(0))
    }

    /// The playbook as the API shows it.
    async fn playbook(&self) -> Value {
        let listed = self.get("/v1/playbooks").await;
        listed.body["playbooks"][0].clone()
    }

    async fn activates(&self, who: &str, digest: &str, change: &str) -> Reply {
        let body = json!({ "digest": digest, "change": change });
        self.says(who, "/v1/playbooks/stop/activate", body).await
    }
}

fn code(reply: &Reply) -> &str {
    reply.body["code"].as_str().unwrap_or_default()
}
