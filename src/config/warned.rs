//! What a person should know before relying on a configuration that is taken all the same.

use super::file::{CredentialFile, TenantFile};
use crate::domain::entity::ObjectId;
use crate::domain::permission::Profile;

/// Each in one sentence.
pub(super) fn warnings(protected: &[ObjectId], tenant: &TenantFile) -> Vec<String> {
    let mut warnings = Vec::new();
    if protected.is_empty() {
        warnings.push("`protected` is empty: every agent may be contained".to_owned());
    }
    if matches!(tenant.credential, CredentialFile::ClientSecretFile(_)) {
        warnings.push(
            "a client secret can be copied; prefer managed_identity, workload_identity or a \
             certificate"
                .to_owned(),
        );
    }
    if tenant.profile == Some(Profile::Classic) {
        warnings.push(
            "the profile `classic` holds Application.ReadWrite.All, which reaches every \
             application of the tenant and its credentials"
                .to_owned(),
        );
    }
    warnings
}
