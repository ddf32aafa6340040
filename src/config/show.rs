//! The configuration in force, for people: each value and where it comes from. No secret is ever
//! in it, because none is ever read into it.

use super::overrides::Overrides;
use super::senders::SourceConfig;
use super::settings::Config;
use crate::domain::detection::SourceName;

/// One line of `estop config show`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    /// The key as it is written.
    pub key: String,
    /// Its value in force.
    pub value: String,
    /// `flag`, `env ESTOP_…`, the file, or `default`.
    pub origin: String,
}

/// Every value in force, with its origin.
pub fn shown(config: &Config, text: &str, overrides: &Overrides) -> Vec<Shown> {
    let file = config.path.display().to_string();
    let overridden = [
        ("listen", overrides.listen.is_some(), "ESTOP_LISTEN"),
        (
            "control.listen",
            overrides.control_listen.is_some(),
            "ESTOP_CONTROL_LISTEN",
        ),
        (
            "public_url",
            overrides.public_url.is_some(),
            "ESTOP_PUBLIC_URL",
        ),
        ("store", overrides.store.is_some(), "ESTOP_STORE"),
        ("mode", overrides.mode.is_some(), "ESTOP_MODE"),
        ("role", overrides.role.is_some(), "ESTOP_ROLE"),
    ];
    values(config)
        .into_iter()
        .map(|(key, value)| {
            let above = overridden
                .iter()
                .find(|(name, set, _)| *name == key && *set);
            let origin = match above {
                Some((_, _, variable)) if overrides.from_environment.contains(variable) => {
                    format!("env {variable}")
                }
                Some(_) => "flag".to_owned(),
                None => match line_of(text, key.split('.').next_back().unwrap_or(&key)) {
                    Some(line) => format!("{file}:{line}"),
                    None => "default".to_owned(),
                },
            };
            Shown { key, value, origin }
        })
        .collect()
}

fn values(config: &Config) -> Vec<(String, String)> {
    let mut values = vec![
        ("role".to_owned(), config.role.to_string()),
        ("listen".to_owned(), config.listen.to_string()),
        (
            "control.listen".to_owned(),
            config.control_listen.to_string(),
        ),
        (
            "public_url".to_owned(),
            config
                .public_url
                .as_ref()
                .map_or("by the listening address".into(), url::Url::to_string),
        ),
        ("store".to_owned(), config.store.to_string()),
        ("mode".to_owned(), config.mode.word().to_owned()),
        ("tenant.id".to_owned(), config.tenant.to_string()),
        (
            "tenant.graph_url".to_owned(),
            config.endpoints.graph().to_string(),
        ),
        ("tenant.credential".to_owned(), credential(config)),
        ("tenant.profile".to_owned(), config.profile.to_string()),
        (
            "playbooks".to_owned(),
            config
                .playbooks
                .as_ref()
                .map_or("the shipped ones".into(), |path| path.display().to_string()),
        ),
        (
            "protected".to_owned(),
            format!("{} entities", config.protected.len()),
        ),
        ("evidence.within".to_owned(), pace(config.evidence_within)),
    ];
    values.push(("activation".to_owned(), activation(config)));
    values.extend(limits(config));
    values.extend(by_itself(config));
    let pages = config.pages.iter();
    values.extend(pages.map(|page| (format!("page.{}", page.name), page.shown())));
    values.extend(config.sources.iter().map(sender));
    values
}

fn sender((name, source): (&SourceName, &SourceConfig)) -> (String, String) {
    let state = if source.enabled {
        "enabled"
    } else {
        "disabled"
    };
    let (way, keys) = (source.verify.word(), source.verify.secret_files().len());
    (
        format!("sources.{name}"),
        format!(
            "{}, {way} with {keys} secret file(s), {state}",
            source.terms.reader
        ),
    )
}

/// How much may be done without a person, and how often the tenant is looked at.
fn limits(config: &Config) -> Vec<(String, String)> {
    vec![
        (
            "caps".to_owned(),
            format!(
                "{} in the tenant, {} a source, within {}, {} in reserve",
                config.caps.tenant, config.caps.source, config.caps.window, config.caps.reserve
            ),
        ),
        (
            "automatic_blueprints".to_owned(),
            config.caps.automatic_blueprints.to_string(),
        ),
        ("inventory.every".to_owned(), pace(config.inventory_every)),
        ("drift.every".to_owned(), pace(config.drift_every)),
        (
            "inventory.attributes".to_owned(),
            config
                .inventory_attributes
                .clone()
                .unwrap_or_else(|| "-".to_owned()),
        ),
    ]
}

fn pace(span: Option<std::time::Duration>) -> String {
    let every = span.map(crate::domain::moment::Span);
    every.map_or("never".to_owned(), |every| every.to_string())
}

fn activation(config: &Config) -> String {
    use crate::domain::restraint::Activation as A;
    let names: Vec<_> = config
        .activation
        .signers
        .keys()
        .map(String::as_str)
        .collect();
    match (config.activation.required, names.is_empty()) {
        (A::Optional, _) => "optional".to_owned(),
        (A::Required, true) => "required, by two people".to_owned(),
        (A::Required, false) => {
            format!("required, by two people or signed by {}", names.join(", "))
        }
    }
}

fn drill(config: &Config) -> String {
    let Some(drill) = &config.drill else {
        return "no canary".to_owned();
    };
    let when = match &drill.schedule {
        Some(schedule) => format!("at {schedule} UTC"),
        None => "by hand only".to_owned(),
    };
    format!("canary {}, {when}", drill.canary)
}

/// What is done without being asked.
fn by_itself(config: &Config) -> [(String, String); 4] {
    let gate = config.copilot.as_ref();
    let gate = gate.map_or("no gate".to_owned(), |it| {
        let (environments, bots) = (it.environments.len(), it.bots.len());
        format!("{environments} environment(s), {bots} bot(s) named here")
    });
    [
        ("drill".to_owned(), drill(config)),
        ("pull".to_owned(), pull(config)),
        ("copilot".to_owned(), gate),
        ("heartbeat".to_owned(), heartbeat(config)),
    ]
}

fn heartbeat(config: &Config) -> String {
    let Some(heart) = &config.heartbeat else {
        return "none".to_owned();
    };
    let terms = &heart.terms;
    let every = crate::domain::moment::Span(terms.every);
    format!("every {every} as {} to {}", terms.source, terms.to)
}

fn pull(config: &Config) -> String {
    let Some(pull) = &config.pull else {
        return "nothing".to_owned();
    };
    let terms = &pull.terms;
    let lists: Vec<&str> = terms.lists.iter().map(|list| list.word()).collect();
    let every = crate::domain::moment::Span(terms.every);
    format!("{} every {every} as {}", lists.join(", "), terms.source)
}

fn credential(config: &Config) -> String {
    use super::file::CredentialFile as C;
    match &config.credential {
        C::ManagedIdentity => "managed_identity".to_owned(),
        C::WorkloadIdentity => "workload_identity".to_owned(),
        C::Certificate(files) => format!(
            "certificate {} (key file {})",
            files.certificate_file.display(),
            files.key_file.display()
        ),
        C::ClientSecretFile(path) => format!("set (file {})", path.display()),
    }
}

/// The line a key stands on. Keys of the same name in other places may hide it; it is a help for
/// people, not a promise.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let written = format!("{key}:");
    text.lines()
        .position(|line| line.trim_start().starts_with(&written))
        .map(|index| index + 1)
}
