//! What stands above the file: flags, then the environment.

use std::net::SocketAddr;

use url::Url;

use super::{BadConfig, Environment};
use crate::domain::playbook::ServiceMode;
use crate::domain::role::ServiceRole;

/// What stands above the file: flags, then the environment.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Where deliveries are taken.
    pub listen: Option<SocketAddr>,
    /// Where the control API listens.
    pub control_listen: Option<SocketAddr>,
    /// How senders reach us.
    pub public_url: Option<Url>,
    /// The database.
    pub store: Option<String>,
    /// How far the service may go.
    pub mode: Option<ServiceMode>,
    /// Which part of the service this process is.
    pub role: Option<ServiceRole>,
    /// Which of these came from the environment, for `config show --origin`.
    pub from_environment: Vec<&'static str>,
}

impl Overrides {
    /// Fills what no flag has set from `ESTOP_LISTEN`, `ESTOP_CONTROL_LISTEN`,
    /// `ESTOP_PUBLIC_URL`, `ESTOP_STORE`, `ESTOP_MODE` and `ESTOP_ROLE`.
    pub fn or_environment(mut self, environment: &Environment) -> Result<Self, BadConfig> {
        let mut used = Vec::new();
        fill(
            &mut self.listen,
            environment,
            "ESTOP_LISTEN",
            &mut used,
            |v| v.parse().ok(),
        )?;
        fill(
            &mut self.control_listen,
            environment,
            "ESTOP_CONTROL_LISTEN",
            &mut used,
            |v| v.parse().ok(),
        )?;
        fill(
            &mut self.public_url,
            environment,
            "ESTOP_PUBLIC_URL",
            &mut used,
            |v| v.parse().ok(),
        )?;
        fill(
            &mut self.store,
            environment,
            "ESTOP_STORE",
            &mut used,
            |v| Some(v.to_owned()),
        )?;
        fill(
            &mut self.mode,
            environment,
            "ESTOP_MODE",
            &mut used,
            ServiceMode::from_word,
        )?;
        fill(
            &mut self.role,
            environment,
            "ESTOP_ROLE",
            &mut used,
            ServiceRole::from_word,
        )?;
        self.from_environment = used;
        Ok(self)
    }
}

fn fill<T>(
    slot: &mut Option<T>,
    environment: &Environment,
    name: &'static str,
    used: &mut Vec<&'static str>,
    read: impl Fn(&str) -> Option<T>,
) -> Result<(), BadConfig> {
    let Some(value) = environment.get(name) else {
        return Ok(());
    };
    if slot.is_some() {
        return Ok(());
    }
    let read = read(value)
        .ok_or_else(|| BadConfig(format!("{name} is `{value}`, which cannot be used there")))?;
    *slot = Some(read);
    used.push(name);
    Ok(())
}
