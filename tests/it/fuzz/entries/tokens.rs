//! Access tokens that callers bring, and the list of keys they are held against (threats J01 to J12).

use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use estop::clock::Clock;
use estop::domain::entity::ObjectId;
use estop::entra::{Caller, CallerCheck, CallerRules, Denial, Issuers, SigningKeys, bearer};
use estop::sim::{AppToken, Entra, TokenVersion};
use estop::transport::Transport;
use futures_util::FutureExt as _;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};
use uuid::Uuid;

use super::chance::{Chance, head_and_body};
use super::now;

const LOGIN: &str = "https://login.microsoftonline.com";
const AUDIENCE: &str = "api://estop";
const BRIDGE: Uuid = Uuid::from_u128(0x9a2b_0001_0000_4000_8000_0000_0000_0001);
const BRIDGE_APP: Uuid = Uuid::from_u128(0x9a2b_0002_0000_4000_8000_0000_0000_0002);

/// A tenant, and a door that believes one caller of it.
struct Gate {
    entra: Entra,
    check: CallerCheck,
    good: String,
}

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let (clock, _hand) = Clock::by_hand(now());
    let entra = Entra::contoso(clock.clone());
    let check = check(&entra, entra.transport(), clock);
    let good = entra.app_token(of_bridge());
    Gate { entra, check, good }
});

/// A door that believes one caller, that caller's token, and whose tenant it is.
pub(super) fn gate() -> (&'static CallerCheck, &'static str, ObjectId) {
    let gate = &*GATE;
    (
        &gate.check,
        &gate.good,
        ObjectId::from_uuid(gate.entra.tenant().id),
    )
}

fn check(entra: &Entra, transport: Transport, clock: Clock) -> CallerCheck {
    let tenant = ObjectId::from_uuid(entra.tenant().id);
    let rules = CallerRules {
        audiences: vec![AUDIENCE.to_owned()],
        callers: vec![ObjectId::from_uuid(BRIDGE)],
        ..CallerRules::default()
    };
    let keys = SigningKeys::new(&LOGIN.parse().unwrap(), tenant, transport, clock);
    CallerCheck::new(rules, Issuers::new(LOGIN, tenant), keys).unwrap()
}

fn of_bridge() -> AppToken<'static> {
    AppToken {
        caller: BRIDGE,
        app: BRIDGE_APP,
        audience: AUDIENCE,
        roles: &[],
        version: TokenVersion::V1,
    }
}

/// The far end of this process answers at once.
fn believed(check: &CallerCheck, token: &str) -> Result<Caller, Denial> {
    let check = check.check_token(token, now());
    check.now_or_never().expect("nothing is waited for")
}

/// No token is believed that the tenant did not sign, whole or in a header, and none with a letter
/// changed.
pub fn access_token(bytes: &[u8]) {
    let gate = &*GATE;
    if let Ok(text) = str::from_utf8(bytes) {
        assert!(believed(&gate.check, text).is_err(), "the tenant signed it");
    }
    let (headers, _) = head_and_body(bytes);
    if let Ok(token) = bearer(&headers) {
        assert_eq!(headers.get_all(AUTHORIZATION).iter().count(), 1);
        assert!(believed(&gate.check, token).is_err());
    }

    let mut chance = Chance::of(bytes);
    if let Ok(bent) = String::from_utf8(chance.altered(gate.good.as_bytes())) {
        assert!(believed(&gate.check, &bent).is_err(), "{bent}");
    }
    // Another's part under the tenant's signature.
    let mut parts: Vec<String> = gate.good.split('.').map(str::to_owned).collect();
    let part = chance.below(parts.len());
    let coded = URL_SAFE_NO_PAD.encode(bytes);
    if parts[part] != coded {
        parts[part] = coded;
        assert!(believed(&gate.check, &parts.join(".")).is_err());
    }
}

/// Whatever the tenant signs, it is believed only where every claim says what we demand, read here
/// by itself.
pub fn access_token_claims(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let gate = &*GATE;
    let header = gate.good.split('.').next().unwrap();
    let header = String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    // A file may leave to us what only this tenant can say.
    let tenant = gate.entra.tenant().id.to_string();
    let text = text
        .replace("TENANT", &tenant)
        .replace("BRIDGE_APP", &BRIDGE_APP.to_string())
        .replace("BRIDGE", &BRIDGE.to_string());
    let token = gate.entra.signed(&header, &text);

    let Ok(caller) = believed(&gate.check, &token) else {
        return;
    };
    assert_eq!(caller.object_id(), ObjectId::from_uuid(BRIDGE));
    // What stands in a claim that nobody reads may be more than this reader takes.
    let Ok(claims) = serde_json::from_str::<Value>(&text) else {
        return;
    };
    let said = |name: &str| claims[name].as_str().unwrap_or_default().to_lowercase();
    assert_eq!(said("oid"), BRIDGE.to_string());
    assert_eq!(said("tid"), tenant);
    assert_eq!(claims["aud"], AUDIENCE);
    let (now, leeway) = (now().as_seconds(), 60);
    assert!(claims["exp"].as_i64().unwrap() > now - leeway);
    assert!(claims["nbf"].as_i64().unwrap() <= now + leeway);
    assert!(claims["iat"].as_i64().unwrap() <= now + leeway);
    let issuer = match claims["ver"].as_str().unwrap() {
        "1.0" => format!("https://sts.windows.net/{tenant}/"),
        _ => format!("{LOGIN}/{tenant}/v2.0"),
    };
    assert_eq!(claims["iss"], issuer);
    assert!(claims.get("scp").is_none());
}

/// A list of keys believes the tenant's token only where the tenant's own key stands in it, and what
/// is no list takes nothing away that is held.
pub fn signing_keys(bytes: &[u8]) {
    let gate = &*GATE;
    let (clock, hand) = Clock::by_hand(now());
    let answers = Arc::new(Mutex::new(Bytes::copy_from_slice(bytes)));
    let told = Arc::clone(&answers);
    let transport = Transport::in_process(move |_| {
        let answer = http::Response::new(told.lock().unwrap().clone());
        std::future::ready(Ok(answer)).boxed()
    });
    let check = check(&gate.entra, transport, clock);
    let ours = listed(&gate.entra);
    let modulus = ours["keys"][0]["n"].as_str().unwrap();
    let at_first = believed(&check, &gate.good).is_ok();
    if at_first {
        assert!(String::from_utf8_lossy(bytes).contains(modulus));
    }

    *answers.lock().unwrap() = Bytes::from(ours.to_string());
    hand.advance(std::time::Duration::from_secs(600));
    assert!(
        believed(&check, &gate.good).is_ok(),
        "the good list is read"
    );
    *answers.lock().unwrap() = Bytes::copy_from_slice(bytes);
    hand.advance(std::time::Duration::from_secs(600));
    let unknown = json!({ "typ": "JWT", "alg": "RS256", "kid": "nobody" });
    let unknown = gate.entra.signed(&unknown.to_string(), "{}");
    assert!(believed(&check, &unknown).is_err());
    let is_list = serde_json::from_slice::<Value>(bytes).is_ok_and(|it| it["keys"].is_array());
    if !is_list {
        assert!(
            believed(&check, &gate.good).is_ok(),
            "junk replaced the keys"
        );
    }
}

/// The tenant's own list of keys.
fn listed(entra: &Entra) -> Value {
    let tenant = entra.tenant().id;
    let request = http::Request::get(format!("{LOGIN}/{tenant}/discovery/v2.0/keys"));
    let request = request.body(Bytes::new()).unwrap();
    let sent = entra.transport().send(request).now_or_never();
    let answer = sent.expect("nothing is waited for").unwrap();
    serde_json::from_slice(answer.body()).unwrap()
}
