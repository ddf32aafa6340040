//! Plain service principals: read, switch; the custom security attribute of any service principal;
//! and blueprint principals that were deleted.

use http::{HeaderValue, Method};
use serde::Deserialize;
use serde_json::{Value, json};

use super::agents::accepted;
use super::call::Call;
use super::error::{Error, Receipt};
use super::lanes::Lane;
use super::place::Place;
use super::shape::{self, Enabled};
use super::{Ask, Graph};
use crate::domain::entity::{ObjectId, TenantId};
use crate::domain::found::OpaqueId;

const PLAIN: &str = "#microsoft.graph.servicePrincipal";
const ATTRIBUTE: &str = "#Microsoft.DirectoryServices.CustomSecurityAttributeValue";

/// A service principal as Graph has it, whatever kind it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalRead {
    /// Object id.
    pub id: ObjectId,
    /// App id.
    pub app_id: ObjectId,
    /// Its switch.
    pub enabled: Enabled,
    /// What kind it is.
    pub kind: PrincipalKind,
    /// The tenant its application lies in, when Graph says it.
    pub owner_tenant: Option<TenantId>,
    /// Microsoft itself has disabled it.
    pub disabled_by_microsoft: bool,
}

/// What kind of service principal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// Of an application, as classic agents are.
    Plain,
    /// Of a managed identity.
    ManagedIdentity,
    /// An agent identity, a blueprint principal, or a kind we do not know.
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PrincipalJson {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    id: ObjectId,
    app_id: ObjectId,
    account_enabled: Enabled,
    service_principal_type: String,
    app_owner_organization_id: Option<TenantId>,
    disabled_by_microsoft_status: Option<String>,
}

/// The custom security attribute that marks what we contain. It must be defined in the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// The attribute set.
    pub set: OpaqueId,
    /// The attribute, a single text.
    pub attribute: OpaqueId,
    /// What it is set to.
    pub value: String,
}

impl Graph {
    /// One service principal of any kind, by its object id.
    pub async fn principal(&self, ask: Ask, id: ObjectId) -> Result<PrincipalRead, Error> {
        let place = principal_place(id)
            .then("?$select=id,appId,accountEnabled,servicePrincipalType,")
            .then("appOwnerOrganizationId,disabledByMicrosoftStatus");
        let call = Call::read(place);
        let spoken = call.spoken();
        let answer = self.send(ask, call).await?;
        let json: PrincipalJson = shape::read(&spoken, &answer.body)?;
        if json.id != id {
            return Err(Error::unknown(
                &spoken,
                "the answer is about another object",
            ));
        }
        Ok(json.into())
    }

    /// Switches one plain service principal. Graph would take any kind here, so look first.
    pub async fn set_principal_enabled(
        &self,
        ask: Ask,
        id: ObjectId,
        enabled: Enabled,
    ) -> Result<Receipt, Error> {
        let call = Call::write(Method::PATCH, principal_place(id), Lane::DirectoryWrites)
            .with_body(&json!({ "accountEnabled": enabled.flag() }));
        accepted(self.send(ask, call).await?)
    }

    /// What the attribute says on one service principal; `None` when it is not set. A value that is
    /// no single text is unknown.
    pub async fn tag_of(&self, ask: Ask, id: ObjectId, tag: &Tag) -> Result<Option<String>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Tagged {
            id: ObjectId,
            custom_security_attributes: Option<Value>,
        }
        let call = Call::read(principal_place(id).then("?$select=id,customSecurityAttributes"));
        let spoken = call.spoken();
        let answer = self.send(ask, call).await?;
        let tagged: Tagged = shape::read(&spoken, &answer.body)?;
        if tagged.id != id {
            return Err(Error::unknown(
                &spoken,
                "the answer is about another object",
            ));
        }
        let attributes = tagged.custom_security_attributes.unwrap_or_default();
        match &attributes[tag.set.as_str()][tag.attribute.as_str()] {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Err(Error::unknown(&spoken, "the attribute is no single text"))
            }
        }
    }

    /// Sets the attribute of one service principal, or takes it away.
    pub async fn set_tag(
        &self,
        ask: Ask,
        id: ObjectId,
        tag: &Tag,
        value: Option<&str>,
    ) -> Result<Receipt, Error> {
        let body = json!({
            "customSecurityAttributes": {
                tag.set.as_str(): { "@odata.type": ATTRIBUTE, tag.attribute.as_str(): value },
            },
        });
        let mut call =
            Call::write(Method::PATCH, principal_place(id), Lane::DirectoryWrites).with_body(&body);
        call.odata_version = Some(HeaderValue::from_static("4.0"));
        accepted(self.send(ask, call).await?)
    }

    /// Is a service principal with this object id among the deleted ones? They are kept 30 days.
    pub async fn is_deleted(&self, ask: Ask, id: ObjectId) -> Result<bool, Error> {
        #[derive(Deserialize)]
        struct Deleted {
            id: ObjectId,
        }
        // Deleted items cannot be filtered by agent type (Microsoft), so all are read.
        let place = Place::v1("/directory/deletedItems/microsoft.graph.servicePrincipal")
            .then("?$select=id");
        let items: Vec<Deleted> = self.all(ask, place).await?;
        Ok(items.iter().any(|item| item.id == id))
    }

    /// Takes a deleted object back, as it was.
    pub async fn restore(&self, ask: Ask, id: ObjectId) -> Result<Receipt, Error> {
        let place = Place::v1("/directory/deletedItems/")
            .id(id)
            .then("/restore");
        let call = Call::write(Method::POST, place, Lane::DirectoryWrites);
        accepted(self.send(ask, call).await?)
    }
}

impl From<PrincipalJson> for PrincipalRead {
    fn from(json: PrincipalJson) -> Self {
        let plain_type = matches!(json.kind.as_deref(), None | Some(PLAIN));
        let kind = match json.service_principal_type.as_str() {
            "Application" | "Legacy" if plain_type => PrincipalKind::Plain,
            "ManagedIdentity" => PrincipalKind::ManagedIdentity,
            _ => PrincipalKind::Other,
        };
        Self {
            id: json.id,
            app_id: json.app_id,
            enabled: json.account_enabled,
            kind,
            owner_tenant: json.app_owner_organization_id,
            disabled_by_microsoft: shape::by_microsoft(
                json.disabled_by_microsoft_status.as_deref(),
            ),
        }
    }
}

fn principal_place(id: ObjectId) -> Place {
    Place::v1("/servicePrincipals/").id(id)
}
