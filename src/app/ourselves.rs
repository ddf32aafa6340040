//! Who we are, read from our own token, so that we never disable ourselves (threat E12).

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::entity::ObjectId;
use crate::domain::guard::Guards;
use crate::entra::{Identity, TokenSource};

/// How often the token is asked for while we do not know who we are.
const EVERY: Duration = Duration::from_millis(500);
/// How long we try before saying so.
const PATIENCE: u32 = 20;

/// Guards that let nothing pass until our own identity is known.
pub(super) fn unknown_yet() -> Guards {
    Guards::blind("our own identity is not known yet: no token could be read so far")
}

/// Learns who we are and puts the guards up. Until then deliveries are stored and wait.
pub(super) async fn learn(
    tokens: TokenSource,
    config: Config,
    guards: Arc<ArcSwap<Guards>>,
    clock: Clock,
) {
    let mut tried = 0;
    loop {
        match tokens.token().await {
            Ok(token) => {
                guards.store(Arc::new(self::guards(&config, token.identity())));
                if let Some(why) = guards.load().blindness() {
                    tracing::error!("nothing can be contained: {why}");
                }
                return;
            }
            Err(error) => {
                tried += 1;
                if tried % PATIENCE == 1 {
                    tracing::warn!(%error, "no token yet; deliveries are stored and wait");
                }
            }
        }
        clock.sleep(EVERY).await;
    }
}

/// Whom we do not touch: what is configured, and what our token says that we are.
pub fn guards(config: &Config, identity: Option<&Identity>) -> Guards {
    let named = config
        .ourselves
        .iter()
        .map(|id| (*id, "configured as ourselves".to_owned()));
    match identity {
        Some(identity) if identity.tenant != config.tenant => Guards::blind(
            "our token is for another tenant than `tenant.id` says; correct the configuration",
        ),
        Some(identity) => {
            let own: [(ObjectId, String); 2] = [
                (identity.object_id, "our own principal".to_owned()),
                (identity.app_id, "our own application".to_owned()),
            ];
            Guards::new(named.chain(own), config.protected.iter().copied())
        }
        None if config.ourselves.is_empty() => Guards::blind(
            "our own token cannot be read and no `self:` is configured; name our own object ids there",
        ),
        None => Guards::new(named, config.protected.iter().copied()),
    }
}
