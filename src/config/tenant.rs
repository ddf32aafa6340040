//! The tenant's part of the configuration: where it is, how large, how we prove who we are.

use std::path::Path;

use super::BadConfig;
use super::file::{CertificateFile, CredentialFile, TenantFile};
use crate::graph::{Cloud, Endpoints, TenantSize};

/// The files of a credential lie beside the configuration.
pub(super) fn relative(base: &Path, credential: CredentialFile) -> CredentialFile {
    match credential {
        CredentialFile::ClientSecretFile(path) => CredentialFile::ClientSecretFile(base.join(path)),
        CredentialFile::Certificate(files) => CredentialFile::Certificate(CertificateFile {
            key_file: base.join(files.key_file),
            certificate_file: base.join(files.certificate_file),
        }),
        CredentialFile::ManagedIdentity | CredentialFile::WorkloadIdentity => credential,
    }
}

pub(super) fn size(word: Option<&str>) -> Result<TenantSize, BadConfig> {
    let word = word.unwrap_or("small");
    TenantSize::from_word(word).ok_or_else(|| {
        BadConfig(format!(
            "`tenant.size` is `{word}`; write small (under 50 users), medium (to 500) or large"
        ))
    })
}

pub(super) fn endpoints(tenant: &TenantFile) -> Result<Endpoints, BadConfig> {
    let word = tenant.cloud.as_deref().unwrap_or("global");
    let cloud = Cloud::from_word(word).ok_or_else(|| {
        BadConfig(format!(
            "`tenant.cloud` is `{word}`; write global, usgov, usgov_dod or china"
        ))
    })?;
    Endpoints::of(
        cloud,
        tenant.graph_url.as_deref(),
        tenant.login_url.as_deref(),
    )
    .map_err(|bad| BadConfig(format!("`tenant`: {bad}")))
}
