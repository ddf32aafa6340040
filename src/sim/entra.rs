//! The handle on a simulated tenant: what tests, demo and rehearsals hold in their hands.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::Clock;
use crate::sim::calls::call::Call;
use crate::sim::calls::tokens;
use crate::sim::faults::{Fault, On};
use crate::sim::issuer::AppToken;
use crate::sim::journal::{Arrival, Effect};
use crate::sim::limits::{Family, Limits};
use crate::sim::risk::Risk;
use crate::sim::state::{Next, Side, State};
use crate::sim::tenant::{Agent, Blueprint, Tenant, User};
use crate::transport::{Answer, Failure, Request};

/// The resource of access tokens made here.
const GRAPH: &str = "https://graph.microsoft.com";

/// A simulated Entra. Cheap to clone; every clone is the same tenant.
#[derive(Clone)]
pub struct Entra {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

impl std::fmt::Debug for Entra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entra (simulated)")
    }
}

impl Entra {
    /// Serves a tenant, with the published limits, no latency and no faults.
    pub fn new(clock: Clock, tenant: Tenant) -> Self {
        let state = State::new(tenant, clock.random());
        Self {
            clock,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Serves the sample tenant.
    pub fn contoso(clock: Clock) -> Self {
        Self::new(clock, Tenant::contoso())
    }

    /// Sends one request through the model, faults and waits included.
    pub async fn exchange(&self, request: Request) -> Result<Answer, Failure> {
        let call = Call::read(request, self.clock.uuid(), self.clock.now());
        let next = self.state().arrive(call);
        match next {
            Next::Deliver(delivery, delay) => {
                if !delay.is_zero() {
                    self.clock.sleep(delay).await;
                }
                *delivery
            }
            Next::Wait(released) => released
                .await
                .unwrap_or_else(|_| Err(Failure::Lost("the simulation ended first".to_owned()))),
        }
    }

    /// The true state of everything.
    pub fn tenant(&self) -> Tenant {
        self.state().tenant.clone()
    }

    /// The true state of an agent, by object id.
    pub fn agent(&self, id: Uuid) -> Option<Agent> {
        self.state().tenant.agents.get(&id).cloned()
    }

    /// The true state of a user, by object id.
    pub fn user(&self, id: Uuid) -> Option<User> {
        self.state().tenant.users.get(&id).cloned()
    }

    /// The true state of a blueprint, by the object id of its principal.
    pub fn blueprint(&self, principal: Uuid) -> Option<Blueprint> {
        self.state().tenant.blueprints.get(&principal).cloned()
    }

    /// What ID Protection truly holds about an entity.
    pub fn risk(&self, id: Uuid) -> Risk {
        self.state().tenant.risk(id)
    }

    /// Every request so far, in the order of arrival.
    pub fn journal(&self) -> Vec<Arrival> {
        self.state().journal.arrivals()
    }

    /// How many requests there were so far.
    pub fn journal_len(&self) -> usize {
        self.state().journal.len()
    }

    /// Every change so far, whoever made it.
    pub fn effects(&self) -> Vec<Effect> {
        self.state().journal.effects()
    }

    /// Lets something go wrong.
    pub fn push_fault(&self, fault: Fault) {
        self.state().arm(fault);
    }

    /// Takes back all faults and scheduled foreign writes. What is held stays held.
    pub fn clear_faults(&self) {
        self.state().disarm();
    }

    /// Somebody else changes the tenant now. Says how many effects it had: only changes through
    /// the verbs of [`Tenant`] are counted.
    pub fn foreign_write(&self, write: impl FnOnce(&mut Tenant)) -> usize {
        let now = self.clock.now();
        self.state().foreign_write("foreign writer", now, write)
    }

    /// Somebody else changes the tenant just before such a request acts.
    pub fn foreign_write_before(&self, on: On, write: impl FnMut(&mut Tenant) + Send + 'static) {
        self.state().schedule(on, Side::Before, Box::new(write));
    }

    /// Somebody else changes the tenant just after such a request has acted.
    pub fn foreign_write_after(&self, on: On, write: impl FnMut(&mut Tenant) + Send + 'static) {
        self.state().schedule(on, Side::After, Box::new(write));
    }

    /// Lets held requests act and held answers go. Says how many there were.
    pub fn release(&self) -> usize {
        let now = self.clock.now();
        self.state().release(now)
    }

    /// How many requests and answers are held.
    pub fn held(&self) -> usize {
        *self.state().held_count.borrow()
    }

    /// Waits until at least so many are held. Has no limit of its own.
    pub async fn until_held(&self, count: usize) {
        let mut held = self.state().held_count.subscribe();
        // The sender lives as long as the state, so the channel cannot close while we wait.
        let _ = held.wait_for(|now| *now >= count).await;
    }

    /// Sets the limits.
    pub fn set_limits(&self, limits: Limits) {
        self.state().limits = limits;
    }

    /// Lets other applications of the tenant use up so much of a limit now.
    pub fn spend(&self, family: Family, cost: u32) {
        let now = self.clock.now();
        let mut state = self.state();
        let limits = state.limits;
        // Whether the others are throttled is their business.
        let _ = state.meters.spend(&limits, (family, cost), now);
    }

    /// How much of a limit was used up within its window, throttled calls included.
    pub fn spent(&self, family: Family) -> u32 {
        let now = self.clock.now();
        let mut state = self.state();
        let limits = state.limits;
        state.meters.spent(&limits, family, now)
    }

    /// Lets every answer come this much later than its effect.
    pub fn set_latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// Sets estop's application permissions. Access tokens already issued keep theirs; see
    /// [`Entra::revoke_access_tokens`].
    pub fn set_permissions(&self, permissions: &[&str]) {
        let permissions = permissions.iter().map(|&it| it.to_owned()).collect();
        self.state().tenant.client.permissions = permissions;
    }

    /// Refuses every access token issued so far, with a claims challenge.
    pub fn revoke_access_tokens(&self) {
        self.state().token_epoch += 1;
    }

    /// The claims parameter of estop's last token request, if it had one. Claims are no secret.
    pub fn asked_claims(&self) -> Option<String> {
        self.state().asked_claims.clone()
    }

    /// The request by which an agent asks Entra for an access token for Graph, with the
    /// credential of its blueprint: 200 while both are enabled, 400 once one is not. `base` is
    /// the login address, such as `http://127.0.0.1:9100`. `None` for an unknown agent.
    pub fn sign_in_request(&self, agent: Uuid, base: &str) -> Option<Request> {
        let state = self.state();
        let tenant = &state.tenant;
        let parent = tenant.agents.get(&agent)?.blueprint_app_id;
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &agent.to_string())
            .append_pair("client_secret", &tenant.blueprint_of_app(parent)?.secret)
            .append_pair("scope", &format!("{GRAPH}/.default"))
            .finish();
        http::Request::post(format!("{base}/{}/oauth2/v2.0/token", tenant.id))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.into())
            .ok()
    }

    /// An access token of estop for Graph with its present permissions, as the token endpoint
    /// would issue it, but unrecorded. `None` when estop itself is disabled.
    pub fn access_token(&self) -> Option<String> {
        self.access_token_for(GRAPH)
    }

    /// The same for another resource, such as Foundry's `https://ai.azure.com`.
    pub fn access_token_for(&self, resource: &str) -> Option<String> {
        let (id, at) = (self.clock.uuid(), self.clock.now());
        let issued = tokens::own_access_token(&self.state(), (id, at), (resource, None));
        issued.ok().map(|(token, _)| token)
    }

    /// A token that an application of this tenant gets for another service, such as estop itself,
    /// and that the service checks by the tenant's public keys. Entra gives it to any.
    pub fn app_token(&self, asked: AppToken<'_>) -> String {
        let claims = self.app_claims(asked);
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": self.state().issuer.newest() });
        self.signed(&header.to_string(), &claims.to_string())
    }

    /// What such a token says, for a test that bends it.
    pub fn app_claims(&self, asked: AppToken<'_>) -> Value {
        let (id, at) = (self.clock.uuid(), self.clock.now());
        asked.claims(&self.state(), (id, at))
    }

    /// These very texts as the header and the claims of a token, signed by the tenant's newest key
    /// whatever they say: for those who test a check.
    pub fn signed(&self, header: &str, claims: &str) -> String {
        self.state().issuer.signed(header, claims)
    }

    /// The tenant signs with a new key from now on; the old ones stay listed. Says its name.
    pub fn rotate_signing_key(&self) -> String {
        let mut state = self.state();
        state.issuer.rotate();
        state.issuer.newest()
    }

    /// Takes the signing keys before the newest off the list.
    pub fn retire_signing_keys(&self) {
        self.state().issuer.retire();
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A test that panics while it writes must not hide its own message behind a second one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
