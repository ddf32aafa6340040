//! The keys that lie in files: signing keys of sources, and our own key for status addresses.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::StartError;
use crate::clock::Clock;
use crate::config::{Config, SignedConfig, VerifyConfig};
use crate::domain::detection::SourceName;
use crate::domain::source::SourceTerms;
use crate::entra::{CallerCheck, Issuers, SigningKeys};
use crate::ingress::{Source, SourceState, Sources, Verifier};
use crate::signature::{
    KeyForm, KeyRing, Profile, Purpose, Secret, SigningKey, TicketKey, Unusable, Webhooks,
    public_key_in,
};
use crate::vault::Vault;

/// Reads every source's keys. A weak, missing or shared key keeps the service from starting.
pub(super) fn sources(config: &Config, trusted: &SigningKeys) -> Result<Sources, StartError> {
    let mut list = Vec::new();
    for (name, source) in &config.sources {
        let verifier = verifier(config, &source.verify, trusted)
            .map_err(|unusable| StartError::config(format!("`sources.{name}`: {unusable}")))?;
        let state = if source.enabled {
            SourceState::Enabled
        } else {
            SourceState::Disabled
        };
        list.push(Source {
            name: name.clone(),
            verifier,
            state,
        });
    }
    Sources::new(list).map_err(|unusable| StartError::config(unusable.to_string()))
}

fn verifier(
    config: &Config,
    verify: &VerifyConfig,
    trusted: &SigningKeys,
) -> Result<Verifier, Unusable> {
    match verify {
        VerifyConfig::Signed(signed) => profile(signed).map(Verifier::Signed),
        VerifyConfig::Entra(rules, besides) => {
            let issuers = Issuers::new(config.endpoints.cloud.login(), config.tenant);
            let check = CallerCheck::new(rules.clone(), issuers, trusted.clone());
            let check = check.map_err(|bad| Unusable {
                what: bad.to_string(),
                fix: "Change `verify.entra_jwt`".to_owned(),
            })?;
            let besides = besides.as_ref().map(profile).transpose()?;
            Ok(Verifier::Entra(Box::new(check), besides))
        }
    }
}

/// The keys of a way to sign, read from their files.
pub fn profile(signed: &SignedConfig) -> Result<Profile, Unusable> {
    match signed {
        SignedConfig::Webhooks {
            names,
            secret_files,
            public_key_files,
        } => {
            let secrets = match secret_files.as_slice() {
                [] => None,
                files => Some(KeyRing::from_files(files)?),
            };
            let publics = public_key_files.iter().map(|file| public_key_in(file));
            let publics = publics.collect::<Result<_, _>>()?;
            Webhooks::new(*names, secrets, publics).map(Profile::Webhooks)
        }
        SignedConfig::Hmac {
            secret_files,
            scheme,
        } => {
            let keys = KeyRing::from_files_as(secret_files, scheme.key)?;
            Ok(Profile::Hmac(keys, scheme.clone()))
        }
        SignedConfig::Shared { secret_files, sent } => {
            let keys = KeyRing::from_files_as(secret_files, KeyForm::Text)?;
            Ok(Profile::Shared(keys, sent.clone()))
        }
    }
}

/// What is agreed with each source, for triage.
pub(super) fn terms(config: &Config) -> BTreeMap<SourceName, SourceTerms> {
    let senders = config.sources.iter();
    let senders = senders.map(|(name, source)| (name.clone(), source.terms.clone()));
    let pulled = config.pull.iter();
    let pulled = pulled.map(|it| (it.terms.source.clone(), it.source.clone()));
    senders.chain(pulled).collect()
}

/// The key of status addresses, made at the first start. It lies beside the database and not in
/// it, so that a copy of the database opens no status page.
pub(super) fn ticket_key(path: &Path, clock: &Clock) -> Result<TicketKey, StartError> {
    own_secret(path, clock, "status addresses").map(TicketKey::new)
}

/// The key that signs evidence, made at the first start. It lies beside the database and not in
/// it, so that whoever changes the database cannot sign what it says.
pub(super) fn evidence_key(path: &Path, clock: &Clock) -> Result<SigningKey, StartError> {
    let secret = own_secret(path, clock, "evidence")?;
    SigningKey::new(&secret, Purpose::Evidence)
        .ok_or_else(|| unusable(path, "evidence", "it makes no key"))
}

/// What closes the bodies of deliveries in the store, where a file of keys is named.
pub(super) fn vault(config: &Config) -> Result<Vault, StartError> {
    let Some(path) = &config.store_key else {
        return Ok(Vault::open_door());
    };
    Vault::from_file(path)
        .map_err(|why| StartError::config(format!("`store_key_file`, {}: {why}", path.display())))
}

/// The key that signs heads of the record, made at the first start. It lies outside the database,
/// so that whoever changes the record cannot sign its head.
pub(super) fn anchor_key(path: &Path, clock: &Clock) -> Result<SigningKey, StartError> {
    let secret = own_secret(path, clock, "anchors")?;
    SigningKey::new(&secret, Purpose::Anchors)
        .ok_or_else(|| unusable(path, "anchors", "it makes no key"))
}

fn own_secret(path: &Path, clock: &Clock, what: &str) -> Result<Secret, StartError> {
    if !path.exists() {
        write_once(path, clock, &Secret::fresh(clock.random()).reveal())
            .map_err(|error| unusable(path, what, &error.to_string()))?;
    }
    Secret::from_file(path).map_err(|error| unusable(path, what, &error.to_string()))
}

/// All of it under its name, or nothing: a key half written when the process dies would keep every
/// later start from succeeding. Of services that start beside each other the first one's stays.
fn write_once(path: &Path, clock: &Clock, text: &str) -> std::io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.draft", clock.uuid().simple()));
    let draft = PathBuf::from(draft);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    match std::fs::hard_link(&draft, path) {
        Ok(()) => std::fs::remove_file(&draft)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => std::fs::remove_file(&draft)?,
        // A folder of another machine may know no second name for a file.
        Err(_) => std::fs::rename(&draft, path)?,
    }
    // The name itself must outlive a loss of power too: what was signed with the key does.
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn unusable(path: &Path, what: &str, why: &str) -> StartError {
    StartError::config(format!("the key of {what}, {}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::own_secret;
    use crate::clock::Clock;

    #[test]
    fn services_that_start_beside_each_other_have_one_key() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("estop.ticket-key");
            let (clock, ready) = (Clock::system(), Barrier::new(8));
            let start = || {
                ready.wait();
                own_secret(&path, &clock, "status addresses").map(|secret| secret.reveal())
            };

            let keys: Vec<_> = std::thread::scope(|scope| {
                let starting: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
                starting.into_iter().map(|it| it.join().unwrap()).collect()
            });

            let keys: Vec<String> = keys
                .into_iter()
                .map(|key| key.unwrap().to_string())
                .collect();
            assert!(keys.iter().all(|key| *key == keys[0]));
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }
}
