//! People are told: whatever the far end does, once, and without holding anything up.
//!
//! Read next: `far_end` (what is played), `conformance` (what every kind of pager keeps), `kinds`
//! (what every other far end keeps), `paging`, `sponsors`.

mod conformance;
pub mod far_end;
mod incidents;
mod kinds;
mod ocsf;
mod paging;
mod sponsors;
mod wire;

use estop::domain::notice::Urgency;
use estop::signature::Secret;

use super::world::{Setting, World};
use far_end::FarEnd;

/// Keys as other products give them; made here, so that none lies in the repository.
fn foreign_key(of: &str) -> String {
    format!("{of}-{}", "0k9".repeat(7))
}

pub fn webhook_secret() -> String {
    let bytes = std::array::from_fn(|n| (n as u8).wrapping_mul(151) ^ 0x3C);
    Secret::fresh(bytes).reveal()
}

/// A world that tells this far end by these places.
async fn world_telling(far: &FarEnd, pages: &str) -> World {
    World::with(setting(far, pages)).await
}

fn setting(far: &FarEnd, pages: &str) -> Setting {
    let usual = Setting::default();
    Setting {
        yaml: format!(
            "{}public_url: https://estop.example\npage:\n{pages}",
            usual.yaml
        ),
        outward: far.transport(),
        keys: vec![
            ("pd.key", foreign_key("pd")),
            ("og.key", foreign_key("og")),
            ("hook.key", webhook_secret()),
        ],
        ..usual
    }
}

const PAGERDUTY: &str = "  oncall: { pagerduty: { routing_key_file: pd.key } }\n";
const OPSGENIE: &str = "  oncall: { opsgenie: { api_key_file: og.key } }\n";
const WEBHOOK: &str = "  oncall: { webhook: { url: \"https://hooks.example/estop?to=soc\", \
                       secret_file: hook.key } }\n";

/// Something a person must act on, about this matter.
async fn page(world: &World, matter: &str) {
    let text = format!("{matter} needs a person");
    let store = &world.service.store;
    let notice = store.notice(world.clock.now(), Urgency::Page, matter.to_owned(), text);
    store.tell(notice).await.unwrap();
}
