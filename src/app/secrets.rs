//! No source's secret opens anything else (threat W07): whoever can sign a detection could else
//! speak as us, and whoever reads one file could do both.

use std::path::{Path, PathBuf};

use super::StartError;
use crate::config::{Config, CredentialFile, FarConfig};

/// Refuses a source whose secret is also another credential of the configuration. A file that
/// cannot be read is refused by whoever it is for. The heartbeat signs as its source does.
pub(super) fn secrets_apart(config: &Config) -> Result<(), StartError> {
    let others: Vec<_> = other_credentials(config)
        .into_iter()
        .filter_map(|(what, path)| Some((what, secrets_in(path)?, path)))
        .collect();
    for (name, source) in &config.sources {
        for file in source.verify.secret_files() {
            let Some(own) = secrets_in(file) else {
                continue;
            };
            let twin = others
                .iter()
                .find(|(_, secrets, _)| own.iter().any(|secret| secrets.contains(secret)));
            if let Some((what, _, path)) = twin {
                return Err(StartError::config(format!(
                    "the secret of the source `{name}` ({}) is also `{what}` ({}): give each a \
                     secret of its own",
                    file.display(),
                    path.display()
                )));
            }
        }
    }
    Ok(())
}

/// Every file of the configuration that holds a credential and is no source's, by its key.
fn other_credentials(config: &Config) -> Vec<(String, &Path)> {
    let mut files: Vec<(String, &PathBuf)> = vec![
        ("ticket_key_file".to_owned(), &config.ticket_key),
        ("evidence.key_file".to_owned(), &config.evidence_key),
        ("anchors.key_file".to_owned(), &config.anchors.key_file),
    ];
    match &config.credential {
        CredentialFile::ClientSecretFile(path) => {
            files.push(("tenant.credential.client_secret_file".to_owned(), path));
        }
        CredentialFile::Certificate(it) => {
            files.push((
                "tenant.credential.certificate.key_file".to_owned(),
                &it.key_file,
            ));
        }
        CredentialFile::ManagedIdentity | CredentialFile::WorkloadIdentity => {}
    }
    if let Some(path) = &config.store_key {
        files.push(("store_key_file".to_owned(), path));
    }
    if let Some((_, path)) = &config.anchors.webhook {
        files.push(("anchors.webhook.secret_file".to_owned(), path));
    }
    if let Some(tls) = &config.tls {
        files.push(("tls.key_file".to_owned(), &tls.key_file));
    }
    for page in &config.pages {
        let (key, path) = match &page.far {
            FarConfig::PagerDuty(_, path) => ("pagerduty.routing_key_file", path),
            FarConfig::Opsgenie(_, path) => ("opsgenie.api_key_file", path),
            FarConfig::Webhook(_, path) => ("webhook.secret_file", path),
        };
        files.push((format!("page.{}.{key}", page.name), path));
    }
    let plain = files.into_iter();
    plain.map(|(key, path)| (key, path.as_path())).collect()
}

/// The secrets of a file, one a line, whatever form they are taken in.
fn secrets_in(path: &Path) -> Option<Vec<String>> {
    let text = crate::signature::private_text(path).ok()?;
    let lines = text.lines().map(|line| {
        let line = line.trim();
        let bare = line.strip_prefix("whsec_").unwrap_or(line);
        bare.trim_end_matches('=').to_owned()
    });
    Some(lines.filter(|line| !line.is_empty()).collect())
}
