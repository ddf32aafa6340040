//! What a blueprint proves itself by: read, and take away. Secrets are never in what is read.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::agents::accepted;
use super::call::Call;
use super::error::{Error, Receipt};
use super::lanes::Lane;
use super::place::Place;
use super::{Ask, Graph};
use crate::domain::entity::ObjectId;
use crate::domain::found::{Credentials, KeyTrace, Trust};

const CAST: &str = "/microsoft.graph.agentIdentityBlueprint";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApplicationJson {
    id: ObjectId,
    app_id: ObjectId,
    // The answer may carry hints of secrets; `KeyTrace` has no place for them.
    password_credentials: Vec<KeyTrace>,
    key_credentials: Vec<KeyTrace>,
}

impl Graph {
    /// All credentials of the blueprint with this app id. `NotFound` when its application does not
    /// lie in this tenant.
    pub async fn credentials_of(&self, ask: Ask, app_id: ObjectId) -> Result<Credentials, Error> {
        let place = Place::v1("/applications/microsoft.graph.agentIdentityBlueprint")
            .then("?$filter=appId%20eq%20'")
            .id(app_id)
            .then("'&$select=id,appId,passwordCredentials,keyCredentials");
        let spoken = Call::read(place.clone()).spoken();
        let items: Vec<ApplicationJson> = self.all(ask, place).await?;
        let mut ours = items.into_iter().filter(|item| item.app_id == app_id);
        let Some(one) = ours.next() else {
            return Err(Error::NotFound { because: spoken });
        };
        if ours.next().is_some() {
            return Err(Error::unknown(&spoken, "two applications with one app id"));
        }
        let trusts = application_place(one.id).then("/federatedIdentityCredentials");
        let federated: Vec<Trust> = self.all(ask, trusts).await?;
        Ok(Credentials {
            application: one.id,
            secrets: one.password_credentials,
            certificates: one.key_credentials,
            federated,
        })
    }

    /// Removes one secret.
    pub async fn remove_secret(
        &self,
        ask: Ask,
        application: ObjectId,
        key: ObjectId,
    ) -> Result<Receipt, Error> {
        let place = application_place(application).then("/removePassword");
        let call = Call::write(Method::POST, place, Lane::DirectoryWrites)
            .with_body(&json!({ "keyId": key }));
        accepted(self.send(ask, call).await?)
    }

    /// Removes all certificates. Removing one by `removeKey` would need a proof made with another,
    /// which nobody but the blueprint has (Microsoft).
    pub async fn remove_certificates(
        &self,
        ask: Ask,
        application: ObjectId,
    ) -> Result<Receipt, Error> {
        let place = application_place(application);
        let call = Call::write(Method::PATCH, place, Lane::DirectoryWrites)
            .with_body(&json!({ "keyCredentials": [] }));
        accepted(self.send(ask, call).await?)
    }
}

fn application_place(application: ObjectId) -> Place {
    Place::v1("/applications/").id(application).then(CAST)
}
