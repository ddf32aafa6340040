//! What the model promises, told through its transport as a client would see it.
//!
//! Knows: requests and answers. Never: the inside of the model.

mod belongings;
mod face;
mod faults;
mod limits;
mod reads;
mod tokens;
mod writes;

use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

use super::{Entra, Tenant};
use crate::clock::{Clock, Hand};
use crate::domain::moment::Moment;
use crate::transport::{Answer, Failure, Request};

/// A simulated tenant, a clock under our hand, and a client that behaves.
pub(super) struct World {
    pub(super) entra: Entra,
    pub(super) hand: Hand,
    access_token: String,
}

pub(super) const GRAPH: &str = "https://graph.microsoft.com";

impl World {
    pub(super) fn contoso() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut Tenant)) -> Self {
        let (clock, hand) = Clock::by_hand(Moment::parse("2026-09-20T14:02:07Z").unwrap());
        let mut tenant = Tenant::contoso();
        change(&mut tenant);
        let entra = Entra::new(clock, tenant);
        let access_token = entra.access_token().unwrap();
        Self {
            entra,
            hand,
            access_token,
        }
    }

    /// Estop with exactly these permissions.
    pub(super) fn allowed(permissions: &[&str]) -> Self {
        Self::with(|tenant| {
            tenant.client.permissions = permissions.iter().map(|&it| it.to_owned()).collect();
        })
    }

    pub(super) fn renew(&mut self) {
        self.access_token = self.entra.access_token().unwrap();
    }

    pub(super) fn request(&self, method: &str, path: &str, body: &str) -> Request {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{GRAPH}{path}"))
            .header("authorization", format!("Bearer {}", self.access_token))
            .header("client-request-id", "0192f0c1-0000-7000-8000-000000000001");
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        if body.contains("@odata.type") {
            request = request.header("odata-version", "4.0");
        }
        request.body(Bytes::from(body.to_owned())).unwrap()
    }

    pub(super) async fn send(&self, request: Request) -> Result<Seen, Failure> {
        self.entra.transport().send(request).await.map(Seen::of)
    }

    pub(super) async fn try_call(&self, call: (&str, &str), body: &str) -> Result<Seen, Failure> {
        self.send(self.request(call.0, call.1, body)).await
    }

    pub(super) async fn call(&self, method: &str, path: &str, body: &str) -> Seen {
        self.try_call((method, path), body).await.unwrap()
    }

    pub(super) async fn get(&self, path: &str) -> Seen {
        self.call("GET", path, "").await
    }

    /// Sends a token request for the sample tenant.
    pub(super) async fn sign_in(&self, form: &str) -> Seen {
        let tenant = self.entra.tenant().id;
        let request = http::Request::post(format!("https://login.test/{tenant}/oauth2/v2.0/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form.to_owned()))
            .unwrap();
        self.send(request).await.unwrap()
    }
}

/// An answer, ready to be looked at.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) answer: Answer,
    pub(super) json: Value,
}

impl Seen {
    fn of(answer: Answer) -> Self {
        let json = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        Self {
            status: answer.status().as_u16(),
            answer,
            json,
        }
    }

    pub(super) fn code(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or_default()
    }

    /// Status and Graph error code.
    pub(super) fn refusal(&self) -> (u16, &str) {
        (self.status, self.code())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.answer
            .headers()
            .get(name)
            .map(|it| it.to_str().unwrap())
    }

    pub(super) fn ids(&self) -> Vec<Uuid> {
        let items = self.json["value"].as_array().unwrap();
        items
            .iter()
            .map(|it| it["id"].as_str().unwrap().parse().unwrap())
            .collect()
    }
}

/// The cast path of an agent.
pub(super) fn agent(id: Uuid) -> String {
    format!("/v1.0/servicePrincipals/{id}/microsoft.graph.agentIdentity")
}

/// The cast path of a blueprint principal.
pub(super) fn blueprint(id: Uuid) -> String {
    format!("/v1.0/servicePrincipals/{id}/microsoft.graph.agentIdentityBlueprintPrincipal")
}

pub(super) const DISABLE: &str = r#"{"accountEnabled":false}"#;
pub(super) const ENABLE: &str = r#"{"accountEnabled":true}"#;
pub(super) const DISABLE_AGENT_USER: &str =
    r##"{"@odata.type":"#microsoft.graph.agentUser","accountEnabled":false}"##;
