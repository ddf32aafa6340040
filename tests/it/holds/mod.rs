//! What is held: its end, its drift, and whose word is the newest.

mod drift;
mod ends;

use std::time::Duration;

use estop::sim::Switch;

use crate::power::Desk;
use crate::world::{Setting, invoice_bot};

/// How far the clock goes at a time where nothing is at work.
const STRIDE: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(3600);

/// A playbook that contains at once, and holds so.
fn playbook(hold: &str) -> String {
    format!(
        "playbook: held\nsummary: Contained and held.\ntrigger:\n  \
         detection: [threatIntelligenceAccount]\nentity: agent\nmode: enforce\n\
         guardrail: {{ entities_max: 50, window: 10m, on_breach: ask }}\n\
         approval: {{ from: [soc-leads], within: 60m, on_timeout: keep }}\n\
         steps:\n  - disable_agent\nhold: {{ {hold} }}\nnotify: []\n"
    )
}

fn setting(hold: &str) -> Setting {
    Setting {
        yaml: "mode: enforce\nprotected: []\ncaps: { tenant: 100, source: 100 }\n\
               drift: { every: 30s }\n"
            .to_owned(),
        playbooks: vec![("held.yaml", playbook(hold))],
        ..Setting::default()
    }
}

/// The same, contained until a person keeps it.
fn provisional(hold: &str) -> Setting {
    let provisional = playbook(hold).replace("mode: enforce", "mode: provisional");
    Setting {
        playbooks: vec![("held.yaml", provisional)],
        ..setting(hold)
    }
}

/// A desk with the usual agent contained and held so.
async fn held(hold: &str) -> Desk {
    let desk = Desk::with(setting(hold)).await;
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;
    let run = desk.world.only_run().await;
    assert_eq!(
        run.state,
        estop::domain::run::RunState::Contained,
        "{run:?}"
    );
    desk
}

/// Someone throws the agent's switch in the portal.
fn portal(desk: &Desk, to: Switch) {
    let id = invoice_bot().uuid();
    desk.world
        .entra
        .foreign_write(move |tenant| tenant.switch(id, to));
}

fn is_on(desk: &Desk) -> bool {
    let agent = desk.world.entra.agent(invoice_bot().uuid()).unwrap();
    agent.account_enabled
}
