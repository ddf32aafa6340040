//! Who we are, read from our own token, so that we never disable ourselves (threat E12).

use std::sync::Arc;
use std::time::Duration;

use super::tenant::Tenant;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::entity::ObjectId;
use crate::domain::guard::Guards;
use crate::entra::{self, Identity, TokenSource, denied, writing};

/// How often the token is asked for while we do not know who we are.
const EVERY: Duration = Duration::from_millis(500);
/// How long we try before saying so.
const PATIENCE: u32 = 20;

/// How often the rights of a later token are looked at.
const RIGHTS_EVERY: Duration = Duration::from_secs(300);

/// Guards that let nothing pass until our own identity is known.
pub(super) fn unknown_yet() -> Guards {
    Guards::blind("our own identity is not known yet: no token could be read so far")
}

/// Learns who we are and puts the guards up. Until then deliveries are stored and wait. Ends with
/// the reason when our token carries rights that no deployment with this profile may have.
pub(super) async fn learn(tenant: Tenant, config: Config, clock: Clock) -> String {
    let Tenant { tokens, guards, .. } = tenant;
    let mut tried = 0;
    loop {
        match tokens.token().await {
            Ok(token) => {
                let too_much = too_much(&config, token.identity());
                if !too_much.is_empty() {
                    let why = refusal(&config, &too_much);
                    guards.store(Arc::new(Guards::blind(&why)));
                    return why;
                }
                guards.store(Arc::new(self::guards(&config, token.identity())));
                if let Some(why) = guards.load().blindness() {
                    tracing::error!("nothing can be contained: {why}");
                }
                say_what_a_reader_could_write(&config, token.identity());
                watch_rights(&tokens, &config, &clock).await
            }
            Err(error) => {
                tried += 1;
                if tried % PATIENCE == 1 {
                    tracing::warn!(%error, "no token yet; deliveries are stored and wait");
                }
                if !matches!(error, entra::Error::TryAgain { .. }) {
                    guards.store(Arc::new(Guards::blind(&error.to_string())));
                }
            }
        }
        clock.sleep(EVERY).await;
    }
}

/// A right that is granted while we run ends nothing: whoever grants it must not be able to switch
/// the emergency stop off. It is said once, and the next start refuses it.
async fn watch_rights(tokens: &TokenSource, config: &Config, clock: &Clock) -> ! {
    let mut said = Vec::new();
    loop {
        clock.sleep(RIGHTS_EVERY).await;
        let found = too_much(config, tokens.identity().as_ref());
        if found != said && !found.is_empty() {
            tracing::error!("{}", refusal(config, &found));
        }
        said = found;
    }
}

/// estop writes nothing from a role that only reads, but whoever takes its credential could.
fn say_what_a_reader_could_write(config: &Config, identity: Option<&Identity>) {
    if config.role.works() {
        return;
    }
    let found = identity.map_or_else(Vec::new, |it| writing(&it.roles));
    if !found.is_empty() {
        tracing::warn!(
            "the token of this {} carries {}, which it never uses: whoever takes its credential \
             could write to the tenant. Give it an application of its own that only reads \
             (deploy/roles.md)",
            config.role,
            found.join(", ")
        );
    }
}

fn too_much(config: &Config, identity: Option<&Identity>) -> Vec<String> {
    identity.map_or_else(Vec::new, |it| denied(config.profile, &it.roles))
}

fn refusal(config: &Config, rights: &[String]) -> String {
    format!(
        "our token carries {}, which the profile `{}` must not have: with it, whoever takes our \
         credential takes more than agents. Remove the grant from the app registration or managed \
         identity (a managed identity's token may show it for up to a day), then start again",
        rights.join(", "),
        config.profile.word()
    )
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
