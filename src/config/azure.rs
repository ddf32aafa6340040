//! The Azure subscription that the tenant's logs are sent to, so that doctor can see them flow.

use serde::Deserialize;

use crate::domain::entity::ObjectId;

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AzureFile {
    pub(super) subscription: ObjectId,
}
