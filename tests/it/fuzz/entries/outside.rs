//! What other services answer: Azure, Sentinel, Foundry, and the authority that gives us tokens.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use estop::arm::Arm;
use estop::clock::Clock;
use estop::domain::entity::ObjectId;
use estop::domain::found::{OpaqueId, Runtime};
use estop::entra::{AccessToken, Claims, TokenSource};
use estop::foundry::{self, Foundry, Sessions, Terms};
use estop::sentinel::{IncidentPath, Marks, Sentinel};
use estop::transport::{Answer, Transport};
use futures_util::FutureExt as _;
use secrecy::SecretString;
use serde_json::Value;
use uuid::Uuid;

use super::chance::{Chance, head_and_body};
use super::now;

const SUBSCRIPTION: Uuid = Uuid::from_u128(0xaa << 64 | 0xaa);
const AGENT: Uuid = Uuid::from_u128(1 << 64 | 1);

/// Statuses that the services and those on the way to them answer with.
const STATUSES: [u16; 12] = [200, 201, 202, 204, 302, 400, 401, 403, 404, 409, 429, 503];

/// A token that lets us in everywhere.
pub(super) fn tokens(clock: &Clock) -> TokenSource {
    let ends = now().plus(Duration::from_secs(3600));
    let token = AccessToken::new(&SecretString::from("t1".to_owned()), ends).unwrap();
    TokenSource::fixed(clock.clone(), token)
}

/// A far end that answers every request so.
pub(super) fn answering(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Transport {
    Transport::in_process(move |_| std::future::ready(Ok(answer())).boxed())
}

/// The input as an answer: its head's headers, its body, and a status of its choice.
fn of_its_choice(bytes: &[u8]) -> (u16, Answer) {
    let status = STATUSES[Chance::of(bytes).below(STATUSES.len())];
    let (headers, body) = head_and_body(bytes);
    let mut answer = http::Response::new(Bytes::copy_from_slice(body));
    *answer.status_mut() = status.try_into().unwrap();
    *answer.headers_mut() = headers;
    (status, answer)
}

/// Roles are read of whom was asked for, and a log counts as sent only where it is switched on.
pub fn azure(bytes: &[u8]) {
    let (clock, _hand) = Clock::by_hand(now());
    let body = Bytes::copy_from_slice(bytes);
    let arm = Arm {
        base: "https://management.azure.com".parse().unwrap(),
        transport: answering(move || http::Response::new(body.clone())),
        tokens: tokens(&clock),
        clock,
    };
    // Null where this reader refuses what the other passes over.
    let said: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let items = said["value"].as_array().cloned().unwrap_or_default();
    let [subscription, agent] = [SUBSCRIPTION, AGENT].map(ObjectId::from_uuid);
    let roles = arm.roles_of(subscription, agent).now_or_never();
    if let Ok(roles) = roles.expect("nothing is waited for") {
        assert!(said.is_null() || roles.len() == items.len());
        for item in &items {
            let whose = item["properties"]["principalId"].as_str().unwrap();
            assert!(whose.eq_ignore_ascii_case(&agent.to_string()));
        }
    }
    let settings = arm.diagnostic_settings().now_or_never();
    if let Ok(settings) = settings.expect("nothing is waited for") {
        for (setting, item) in settings.iter().zip(&items) {
            let logs = item["properties"]["logs"].as_array();
            let on = |log: &&Value| log["enabled"] == true && log["category"].is_string();
            let on = logs.into_iter().flatten().filter(on).count();
            assert_eq!(setting.categories.len(), on);
        }
    }
}

/// An incident is marked once, keeps what people wrote on it, and is theirs once it is closed.
pub fn sentinel_incident(bytes: &[u8]) {
    let (clock, _hand) = Clock::by_hand(now());
    let body = Bytes::copy_from_slice(bytes);
    let sentinel = Sentinel {
        base: "https://management.azure.com".parse().unwrap(),
        workspaces: Vec::new(),
        transport: answering(move || http::Response::new(body.clone())),
        tokens: tokens(&clock),
        clock,
    };
    let path = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.OperationalInsights\
         /workspaces/law/providers/Microsoft.SecurityInsights/Incidents/1"
    );
    let path = IncidentPath::parse(&path).unwrap();
    let read = sentinel.incident(&path).now_or_never();
    let Ok(read) = read.expect("nothing is waited for") else {
        return;
    };
    let marks = Marks {
        family: "estop:",
        tag: "estop:contained".to_owned(),
        begin: true,
    };
    let closed = read.is_closed();
    let marked = read.clone().marked(&marks).unwrap_or(read);
    assert_eq!(marked.clone().marked(&marks), None, "marked twice");
    assert_eq!(marked.is_closed(), closed);
}

/// Only an empty success is one; a pause lies between a second and a minute.
pub fn foundry(bytes: &[u8]) {
    let (clock, _hand) = Clock::by_hand(now());
    let (status, answer) = of_its_choice(bytes);
    let empty = answer.body().is_empty();
    let transport = answering(move || answer.clone());
    let (agent, runtime) = (
        ObjectId::from_uuid(AGENT),
        Runtime {
            project: "https://x.services.ai.azure.com/api/projects/p"
                .parse()
                .unwrap(),
            name: OpaqueId::new("invoice-bot").unwrap(),
        },
    );
    let terms = Terms {
        api_version: "2025-11-15-preview".to_owned(),
        agents: BTreeMap::from([(agent, vec![runtime.clone()])]),
    };
    let foundry = Foundry::new(terms, tokens(&clock), transport, clock);
    let switched = foundry.switch(&runtime, Sessions::Stopped).now_or_never();
    match switched.expect("nothing is waited for") {
        Ok(_) => assert!(empty && (200..300).contains(&status), "{status}"),
        Err(foundry::Error::TryAgain { after, .. }) => {
            assert!((Duration::from_secs(1)..=Duration::from_secs(60)).contains(&after));
        }
        Err(foundry::Error::Refused { code, .. }) => {
            assert!(!code.contains(char::is_control) && code.len() <= 4 * 128);
        }
        Err(foundry::Error::NotFound { .. }) => assert_eq!(status, 404),
        Err(foundry::Error::Unknown { .. }) => {}
    }
}

/// A token of ours is sent as it came, is not shown, and says who we are only in its own payload.
pub fn minted_token(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let _ = Claims::decode(text);
    let secret = SecretString::from(text.to_owned());
    let Ok(token) = AccessToken::new(&secret, now()) else {
        return;
    };
    let sent = token.authorization();
    assert!(sent.is_sensitive());
    assert_eq!(sent.as_bytes(), [b"Bearer ", bytes].concat());
    // Compared, not searched: a stranger's text may be a piece of the words.
    assert_eq!(format!("{token:?}"), format!("AccessToken(ends {})", now()));
    if let Some(identity) = token.identity() {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let payload = text.split('.').nth(1).expect("a payload");
        let payload = URL_SAFE_NO_PAD
            .decode(payload.trim_end_matches('='))
            .unwrap();
        let Ok(said) = serde_json::from_slice::<Value>(&payload) else {
            return;
        };
        let says = |id: ObjectId| said.to_string().to_lowercase().contains(&id.to_string());
        assert!(says(identity.object_id) && says(identity.tenant) && says(identity.app_id));
    }
}
