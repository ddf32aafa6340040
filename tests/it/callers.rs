//! Access tokens that others bring: which are believed, and how the tenant's keys are kept.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use estop::clock::{Clock, Hand};
use estop::domain::entity::ObjectId;
use estop::domain::moment::Moment;
use estop::entra::{
    AppMark, Caller, CallerCheck, CallerRules, Denial, Doubt, Issuers, SigningKeys,
};
use estop::signature::{Secret, hmac_sha256};
use estop::sim::{AppToken, Entra, Fault, Garbage, INVOICE_BOT, On, TokenVersion, What};
use futures_util::future::join_all;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use uuid::Uuid;

const LOGIN: &str = "https://login.microsoftonline.com";
const AUDIENCE: &str = "api://estop";
/// The bridge that forwards incidents: a managed identity.
const BRIDGE: Uuid = Uuid::from_u128(0x9a2b_0001_0000_4000_8000_0000_0000_0001);
const BRIDGE_APP: Uuid = Uuid::from_u128(0x9a2b_0002_0000_4000_8000_0000_0000_0002);
const NOW: i64 = 1_790_000_000;

/// A tenant, a check of ours, and a clock under our hand.
struct Gate {
    entra: Entra,
    clock: Clock,
    hand: Hand,
    keys: SigningKeys,
    check: CallerCheck,
}

fn id(uuid: Uuid) -> ObjectId {
    uuid.to_string().parse().unwrap()
}

fn rules() -> CallerRules {
    CallerRules {
        audiences: vec![AUDIENCE.to_owned()],
        callers: vec![id(BRIDGE)],
        ..CallerRules::default()
    }
}

impl Gate {
    fn new() -> Self {
        Self::with(rules())
    }

    fn with(rules: CallerRules) -> Self {
        let (clock, hand) = Clock::by_hand(Moment::from_millis(NOW * 1000));
        let entra = Entra::contoso(clock.clone());
        let tenant = id(entra.tenant().id);
        let login = LOGIN.parse().unwrap();
        let keys = SigningKeys::new(&login, tenant, entra.transport(), clock.clone());
        let check = CallerCheck::new(rules, Issuers::new(LOGIN, tenant), keys.clone()).unwrap();
        Self {
            entra,
            clock,
            hand,
            keys,
            check,
        }
    }

    async fn believes(&self, token: &str) -> Result<Caller, Denial> {
        self.check.check_token(token, self.clock.now()).await
    }

    async fn doubt(&self, token: &str) -> Doubt {
        match self.believes(token).await {
            Err(Denial::Refused { doubt, .. }) => doubt,
            other => panic!("not refused: {other:?} {token}"),
        }
    }

    fn good(&self) -> String {
        self.entra.app_token(of_bridge())
    }

    fn claims(&self) -> Value {
        self.entra.app_claims(of_bridge())
    }

    fn header(&self) -> Value {
        json!({ "typ": "JWT", "alg": "RS256", "kid": kid_of(&self.good()) })
    }

    /// Properly signed, with one claim changed; a null takes it out.
    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims();
        let fields = claims.as_object_mut().unwrap();
        fields.remove(name);
        if !value.is_null() {
            fields.insert(name.to_owned(), value);
        }
        self.signed(&claims)
    }

    fn signed(&self, claims: &Value) -> String {
        self.entra
            .signed(&self.header().to_string(), &claims.to_string())
    }

    fn asked_for_keys(&self) -> usize {
        let journal = self.entra.journal();
        journal
            .iter()
            .filter(|one| one.path.ends_with("/keys"))
            .count()
    }
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

fn part(token: &str, n: usize) -> Value {
    let part = token.split('.').nth(n).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn kid_of(token: &str) -> String {
    part(token, 0)["kid"].as_str().unwrap().to_owned()
}

fn coded(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

#[tokio::test]
async fn both_issuers_of_our_tenant_are_believed_and_say_who_called() {
    let gate = Gate::new();
    for version in [TokenVersion::V1, TokenVersion::V2] {
        let token = gate.entra.app_token(AppToken {
            version,
            ..of_bridge()
        });

        let caller = gate.believes(&token).await.unwrap();

        assert_eq!(
            (caller.object_id(), caller.app_id()),
            (id(BRIDGE), id(BRIDGE_APP))
        );
        assert_eq!(Value::from(caller.token_id()), part(&token, 1)["uti"]);
    }
    assert_eq!(gate.asked_for_keys(), 1);
}

#[tokio::test]
async fn j01_a_token_that_names_no_algorithm_of_ours_is_refused() {
    let gate = Gate::new();
    let good = gate.good();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let claims = signed.split_once('.').unwrap().1;

    for alg in [
        json!("none"),
        json!("None"),
        json!("nOnE"),
        json!("NONE"),
        json!(""),
        json!(null),
        json!(["RS256"]),
        json!("rs256"),
    ] {
        let header = json!({ "typ": "JWT", "alg": alg, "kid": kid_of(&good) });
        let header = coded(&header.to_string());
        for signature in ["", signature] {
            gate.doubt(&format!("{header}.{claims}.{signature}")).await;
        }
        // Even the tenant's own key does not make another algorithm ours.
        let mut header = gate.header();
        header["alg"] = alg;
        let token = gate
            .entra
            .signed(&header.to_string(), &gate.claims().to_string());
        gate.doubt(&token).await;
    }
    let missing = json!({ "typ": "JWT", "kid": kid_of(&good) });
    let token = gate
        .entra
        .signed(&missing.to_string(), &gate.claims().to_string());
    assert_eq!(gate.doubt(&token).await, Doubt::Malformed);
}

#[tokio::test]
async fn j02_no_other_algorithm_and_no_public_key_as_a_secret_passes() {
    let gate = Gate::new();
    let listed = gate.entra.transport().send(keys_request(&gate)).await;
    let listed: Value = serde_json::from_slice(listed.unwrap().body()).unwrap();
    let modulus = listed["keys"][0]["n"].as_str().unwrap();
    let raw = URL_SAFE_NO_PAD.decode(modulus).unwrap();

    // The public key, in forms somebody might take for a secret.
    for secret in [&raw[..64], &raw[192..], &modulus.as_bytes()[..64]] {
        let secret = format!("whsec_{}", STANDARD.encode(secret));
        let secret = Secret::parse(&secret).unwrap();
        let mut header = gate.header();
        header["alg"] = json!("HS256");
        let open = format!(
            "{}.{}",
            coded(&header.to_string()),
            coded(&gate.claims().to_string())
        );
        let mac = hmac_sha256(&secret, &[open.as_bytes()]);
        let token = format!("{open}.{}", URL_SAFE_NO_PAD.encode(mac.bytes()));
        assert_eq!(gate.doubt(&token).await, Doubt::Algorithm);
    }
    for alg in [
        "HS384", "HS512", "ES256", "PS256", "RS384", "RS512", "EdDSA",
    ] {
        let mut header = gate.header();
        header["alg"] = json!(alg);
        let claims = gate.claims().to_string();
        let token = gate.entra.signed(&header.to_string(), &claims);
        assert_eq!(gate.doubt(&token).await, Doubt::Algorithm, "{alg}");
    }
}

#[tokio::test]
async fn j02_keys_of_another_kind_or_use_sign_nothing() {
    for (name, value) in [
        ("use", "enc"),
        ("alg", "RS512"),
        ("kty", "EC"),
        ("e", ""),
        ("n", "AQAB"),
    ] {
        let gate = Gate::new();
        let keys = with_keys(&gate, move |list| list["keys"][0][name] = json!(value));
        let good = gate.good();

        let said = keys.check_token(&good, gate.clock.now()).await;

        assert!(
            matches!(said, Err(Denial::CannotTell(_))),
            "{name}: {said:?}"
        );
    }
}

#[tokio::test]
async fn j03_what_the_header_says_about_keys_is_never_followed() {
    let gate = Gate::new();
    gate.believes(&gate.good()).await.unwrap();
    let before = gate.entra.journal_len();
    let long = "k".repeat(10_000);
    let names = [
        "",
        "../../etc/passwd",
        "' or 1=1 --",
        "https://evil.example/keys",
        "\u{0}",
        "ｓｉｍ",
        &long,
        "simulated-1 ",
        "SIMULATED-1",
        "%73imulated-1",
    ];
    for name in names {
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": name });
        let claims = gate.claims().to_string();
        let doubt = gate
            .doubt(&gate.entra.signed(&header.to_string(), &claims))
            .await;
        assert!(
            matches!(doubt, Doubt::UnknownKey | Doubt::Malformed),
            "{name}"
        );
    }
    // With these the header is as good as without them.
    for (name, value) in [
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("jwk", json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" })),
        ("x5c", json!(["MII"])),
        ("x5t", json!("AAAA")),
    ] {
        let mut header = gate.header();
        header[name] = value;
        let claims = gate.claims().to_string();
        let token = gate.entra.signed(&header.to_string(), &claims);
        gate.believes(&token).await.unwrap();
        header["kid"] = json!("other");
        let token = gate.entra.signed(&header.to_string(), &claims);
        assert_eq!(gate.doubt(&token).await, Doubt::UnknownKey, "{name}");
    }
    assert_eq!(gate.entra.journal_len(), before);
}

#[tokio::test]
async fn j04_ten_thousand_unknown_keys_make_us_ask_once_in_five_minutes() {
    let gate = Gate::new();
    gate.believes(&gate.good()).await.unwrap();
    assert_eq!(gate.asked_for_keys(), 1);
    gate.hand.advance(Duration::from_secs(301));
    let claims = gate.claims().to_string();
    let token = |n: usize| {
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": format!("k{n}") });
        let header = coded(&header.to_string());
        format!("{header}.{}.AAAA", coded(&claims))
    };

    let all = join_all((0..10_000).map(|n| {
        let (gate, token) = (&gate, token(n));
        async move { gate.believes(&token).await }
    }));

    assert!(all.await.iter().all(Result::is_err));
    assert_eq!(gate.asked_for_keys(), 2);
    gate.believes(&gate.good()).await.unwrap();
}

#[tokio::test]
async fn j04_a_list_that_is_too_long_or_too_large_is_junk() {
    let longer = |list: &mut Value| {
        let key = list["keys"][0].clone();
        let all = (0..101).map(|n| {
            let mut key = key.clone();
            key["kid"] = json!(format!("k{n}"));
            key
        });
        list["keys"] = all.collect();
    };
    let larger = |list: &mut Value| list["pad"] = json!("x".repeat(300 * 1024));
    let changes: [fn(&mut Value); 2] = [longer, larger];
    for change in changes {
        let gate = Gate::new();
        let check = with_keys(&gate, change);

        let said = check.check_token(&gate.good(), gate.clock.now()).await;

        assert!(matches!(said, Err(Denial::CannotTell(_))), "{said:?}");
    }
}

#[tokio::test]
async fn j05_a_new_key_is_believed_within_five_minutes_and_an_old_one_no_longer() {
    let gate = Gate::new();
    let old = gate.good();
    gate.believes(&old).await.unwrap();

    gate.entra.rotate_signing_key();
    let new = gate.good();
    assert_eq!(gate.doubt(&new).await, Doubt::UnknownKey);
    gate.hand.advance(Duration::from_secs(300));
    gate.believes(&new).await.unwrap();
    gate.believes(&old).await.unwrap();

    gate.entra.retire_signing_keys();
    gate.hand.advance(Duration::from_secs(300));
    assert_eq!(gate.doubt(&of_unknown_key(&gate)).await, Doubt::UnknownKey);
    assert_eq!(gate.doubt(&old).await, Doubt::UnknownKey);
    gate.believes(&new).await.unwrap();
}

#[tokio::test]
async fn j05_the_loop_has_a_new_key_before_anybody_misses_it() {
    let gate = Gate::new();
    let mut loops = tokio::task::JoinSet::new();
    loops.spawn(gate.keys.clone().refresh_loop());
    while gate.asked_for_keys() == 0 {
        tokio::task::yield_now().await;
    }
    gate.entra.rotate_signing_key();

    gate.hand.advance(Duration::from_secs(4000));
    while gate.asked_for_keys() == 1 {
        tokio::task::yield_now().await;
    }
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    gate.believes(&gate.good()).await.unwrap();

    assert_eq!(gate.asked_for_keys(), 2);
}

#[tokio::test]
async fn j05_junk_or_silence_of_the_key_endpoint_takes_no_good_key_away() {
    for garbage in [Garbage::Html, Garbage::Truncated, Garbage::Empty] {
        let gate = Gate::new();
        let good = gate.good();
        gate.believes(&good).await.unwrap();
        gate.entra.push_fault(spoiled(garbage.clone()));
        gate.hand.advance(Duration::from_secs(301));

        let unknown = gate.believes(&of_unknown_key(&gate)).await;

        // We asked, learned nothing, and so cannot tell; the good key still counts.
        assert!(matches!(unknown, Err(Denial::CannotTell(_))), "{garbage:?}");
        assert_eq!(gate.asked_for_keys(), 2, "{garbage:?}");
        gate.believes(&good).await.unwrap();
    }
}

#[tokio::test]
async fn j05_keys_that_could_not_be_renewed_for_a_day_are_believed_no_more() {
    let gate = Gate::new();
    gate.believes(&gate.good()).await.unwrap();
    gate.entra.push_fault(spoiled(Garbage::Html));

    gate.hand.advance(Duration::from_secs(23 * 3600));
    gate.believes(&gate.good()).await.unwrap();
    gate.hand.advance(Duration::from_secs(3601));
    let said = gate.believes(&gate.good()).await;

    assert!(matches!(said, Err(Denial::CannotTell(_))), "{said:?}");
    gate.entra.clear_faults();
    gate.hand.advance(Duration::from_secs(301));
    gate.believes(&gate.good()).await.unwrap();
}

#[tokio::test]
async fn j05_while_no_keys_were_ever_seen_nobody_is_called_wrong() {
    let gate = Gate::new();
    gate.entra.push_fault(spoiled(Garbage::Html));

    for _ in 0..20 {
        let said = gate.believes(&gate.good()).await;
        assert!(matches!(said, Err(Denial::CannotTell(_))), "{said:?}");
    }

    assert_eq!(gate.asked_for_keys(), 1);
    gate.entra.clear_faults();
    gate.hand.advance(Duration::from_secs(10));
    gate.believes(&gate.good()).await.unwrap();
}

#[tokio::test]
async fn j06_an_audience_is_ours_exactly_and_alone() {
    let gate = Gate::new();
    for aud in [
        json!("api://estop/"),
        json!("API://estop"),
        json!("api://estop.evil"),
        json!("api://"),
        json!("https://management.azure.com/"),
        json!("https://graph.microsoft.com"),
        json!(BRIDGE_APP),
        json!(""),
        json!([AUDIENCE]),
        json!([AUDIENCE, "api://other"]),
        json!(1),
        Value::Null,
    ] {
        let doubt = gate.doubt(&gate.with_claim("aud", aud.clone())).await;

        assert!(matches!(doubt, Doubt::Audience | Doubt::Malformed), "{aud}");
    }
}

#[tokio::test]
async fn j07_only_the_issuers_of_our_own_tenant_are_believed() {
    let gate = Gate::new();
    let tenant = gate.entra.tenant().id;
    let other = Uuid::from_u128(7);
    for iss in [
        format!("https://sts.windows.net/{other}/"),
        format!("https://login.microsoftonline.com/{other}/v2.0"),
        format!("https://login.microsoftonline.com/{tenant}/v2.0"),
        format!("https://sts.windows.net/{tenant}"),
        format!("https://STS.windows.net/{tenant}/"),
        format!("http://sts.windows.net/{tenant}/"),
        format!(
            "https://sts.windows.net/{}/",
            tenant.to_string().to_uppercase()
        ),
        format!("https://sts.windows.net.evil.example/{tenant}/"),
        "https://sts.windows.net/common/".to_owned(),
        "https://login.microsoftonline.com/common/v2.0".to_owned(),
        "https://login.microsoftonline.com/organizations/v2.0".to_owned(),
        String::new(),
    ] {
        let doubt = gate.doubt(&gate.with_claim("iss", json!(iss))).await;

        assert_eq!(doubt, Doubt::Issuer, "{iss}");
    }
    // Signed by the same keys for another tenant, in whole or in part.
    let mut foreign = gate.claims();
    foreign["tid"] = json!(other);
    assert_eq!(gate.doubt(&gate.signed(&foreign)).await, Doubt::Tenant);
    foreign["iss"] = json!(format!("https://sts.windows.net/{other}/"));
    assert_eq!(gate.doubt(&gate.signed(&foreign)).await, Doubt::Issuer);
    // One version's issuer with the other's number.
    for ver in [json!("2.0"), json!("1"), json!(1.0), json!("3.0")] {
        let doubt = gate.doubt(&gate.with_claim("ver", ver)).await;
        assert!(matches!(doubt, Doubt::Issuer | Doubt::Malformed));
    }
}

#[tokio::test]
async fn j08_only_times_that_are_integers_and_in_range_pass() {
    let gate = Gate::new();
    gate.believes(&gate.good()).await.unwrap();
    let bad = |name: &str| {
        let edge = match name {
            "exp" => vec![json!(NOW - 60), json!(NOW - 61), json!(0)],
            _ => vec![json!(NOW + 61), json!(NOW + 3600)],
        };
        let odd = vec![
            Value::Null,
            json!(NOW.to_string()),
            json!(NOW as f64 + 0.5),
            json!(-1),
            json!(true),
            json!([NOW]),
            json!(u64::MAX),
            json!(""),
        ];
        [edge, odd].concat()
    };
    for name in ["exp", "nbf", "iat"] {
        for value in bad(name) {
            let doubt = gate.doubt(&gate.with_claim(name, value.clone())).await;

            assert!(
                matches!(doubt, Doubt::Ended | Doubt::NotYet | Doubt::Malformed),
                "{name} {value}: {doubt:?}"
            );
        }
        // Written null, and larger than any integer.
        let claims = gate.claims().to_string();
        let said = format!("\"{name}\":{}", gate.claims()[name]);
        for written in ["null", "1e400", "18446744073709551616", "1790000300.0"] {
            let claims = claims.replace(&said, &format!("\"{name}\":{written}"));
            let token = gate.entra.signed(&gate.header().to_string(), &claims);
            assert_eq!(
                gate.doubt(&token).await,
                Doubt::Malformed,
                "{name} {written}"
            );
        }
    }
    for (name, value) in [("exp", NOW - 59), ("nbf", NOW + 60), ("iat", NOW + 60)] {
        let token = gate.with_claim(name, json!(value));
        gate.believes(&token).await.unwrap();
    }
}

#[tokio::test]
async fn j09_a_good_token_of_somebody_else_opens_nothing() {
    let gate = Gate::new();
    // An agent of this tenant can get a token for us at any time.
    let agent = AppToken {
        caller: INVOICE_BOT,
        app: INVOICE_BOT,
        ..of_bridge()
    };
    let said = gate.believes(&gate.entra.app_token(agent)).await;
    assert_eq!(
        said,
        Err(Denial::Refused {
            doubt: Doubt::Caller,
            caller: Some(id(INVOICE_BOT))
        })
    );
    for (name, value) in [
        ("idtyp", json!("user")),
        ("idtyp", json!("App")),
        ("idtyp", json!("device")),
        ("scp", json!("user_impersonation")),
        ("scp", json!("")),
        ("appid", Value::Null),
        ("oid", Value::Null),
        ("oid", json!("not a guid")),
    ] {
        let doubt = gate.doubt(&gate.with_claim(name, value.clone())).await;

        let fits = matches!(doubt, Doubt::NotAnApplication | Doubt::Malformed);
        assert!(fits, "{name} {value}: {doubt:?}");
    }
}

#[tokio::test]
async fn j09_every_rule_that_is_set_must_hold() {
    let gate = Gate::with(CallerRules {
        applications: vec![id(BRIDGE_APP)],
        roles: vec!["Detections.Send".to_owned(), "Other".to_owned()],
        ..rules()
    });
    let with_role = AppToken {
        roles: &["Detections.Send"],
        ..of_bridge()
    };
    gate.believes(&gate.entra.app_token(with_role))
        .await
        .unwrap();

    let bare = gate.doubt(&gate.good()).await;
    let other_role = AppToken {
        roles: &["detections.send", "Detections"],
        ..of_bridge()
    };
    let other_role = gate.doubt(&gate.entra.app_token(other_role)).await;
    let other_app = AppToken {
        app: BRIDGE,
        ..with_role
    };
    let other_app = gate.doubt(&gate.entra.app_token(other_app)).await;

    assert_eq!((bare, other_role), (Doubt::Role, Doubt::Role));
    assert_eq!(other_app, Doubt::Application);
}

#[tokio::test]
async fn j09_without_idtyp_the_token_must_be_the_service_principals_own() {
    let gate = Gate::new();
    let strict = Gate::with(CallerRules {
        idtyp: AppMark::Required,
        ..rules()
    });
    let mut delegated = gate.claims();
    delegated.as_object_mut().unwrap().remove("idtyp");
    delegated["sub"] = json!("a pairwise subject");

    gate.believes(&gate.with_claim("idtyp", Value::Null))
        .await
        .unwrap();
    assert_eq!(
        gate.doubt(&gate.signed(&delegated)).await,
        Doubt::NotAnApplication
    );
    let unmarked = strict.with_claim("idtyp", Value::Null);
    assert_eq!(strict.doubt(&unmarked).await, Doubt::NotAnApplication);
    strict.believes(&strict.good()).await.unwrap();
}

#[test]
fn j09_rules_that_name_nobody_are_refused() {
    let audience = vec![AUDIENCE.to_owned()];
    let nobody = CallerRules {
        audiences: audience.clone(),
        ..CallerRules::default()
    };
    let no_audience = CallerRules {
        audiences: Vec::new(),
        ..rules()
    };
    let empty = CallerRules {
        audiences: vec![String::new()],
        ..rules()
    };

    for bad in [nobody, no_audience, empty] {
        assert!(bad.checked().is_err());
    }
    assert!(rules().checked().is_ok());
}

#[tokio::test]
async fn j10_other_tokens_and_bent_ones_are_refused() {
    let gate = Gate::new();
    let good = gate.good();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let big = "A".repeat(1024 * 1024);
    let bent = [
        String::new(),
        "a.b".to_owned(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{good}.AAAA"),
        format!("{header}..{claims}.{signature}"),
        format!("{header}.{claims}.{signature}="),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}.{}", signature.replace(['-', '_'], "+")),
        format!("{header}.{claims}.{}", &signature[1..]),
        format!("{header}.{claims}.{big}"),
        good.replacen('.', "!", 1),
    ];
    for token in bent {
        gate.doubt(&token).await;
    }
    // A person's ID token has no application; a nested or critical header is not ours to read.
    gate.doubt(&gate.with_claim("appid", Value::Null)).await;
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!(null)),
        ("typ", json!("JWE")),
        ("typ", json!(null)),
    ] {
        let mut header = gate.header();
        header[name] = value.clone();
        let token = gate
            .entra
            .signed(&header.to_string(), &gate.claims().to_string());
        assert_eq!(gate.doubt(&token).await, Doubt::Malformed, "{name} {value}");
    }
    let twice = format!(
        "{{\"aud\":\"{AUDIENCE}\",{}",
        &gate.claims().to_string()[1..]
    );
    let token = gate.entra.signed(&gate.header().to_string(), &twice);
    assert_eq!(gate.doubt(&token).await, Doubt::Malformed);
    let stranger = Gate::new();
    assert_eq!(gate.doubt(&stranger.good()).await, Doubt::Signature);
}

#[tokio::test]
async fn j10_one_changed_letter_anywhere_is_refused() {
    let gate = Gate::new();
    let good = gate.good();
    for at in 0..good.len() {
        let mut bent = good.clone().into_bytes();
        bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };

        let said = gate.believes(std::str::from_utf8(&bent).unwrap()).await;

        assert!(
            matches!(said, Err(Denial::Refused { .. })),
            "{at}: {said:?}"
        );
    }
}

#[tokio::test]
async fn j12_a_token_stands_in_exactly_one_authorization_header() {
    let gate = Gate::new();
    let good = gate.good();
    let check = |list: Vec<String>| {
        let mut headers = HeaderMap::new();
        for value in list {
            headers.append(AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
        }
        let gate = &gate;
        async move { gate.check.check(&headers, gate.clock.now()).await }
    };
    for bad in [
        vec![],
        vec![format!("Bearer {good}"), format!("Bearer {good}")],
        vec![format!("Bearer {good}"), "Bearer x".to_owned()],
        vec![format!("Bearer {good}, Bearer {good}")],
        vec![format!("Bearer  {good}")],
        vec![format!("Bearer {good} ")],
        vec![good.clone()],
        vec![format!("Basic {good}")],
        vec!["Bearer".to_owned()],
    ] {
        let said = check(bad.clone()).await;

        assert!(matches!(said, Err(Denial::Refused { .. })), "{bad:?}");
    }
    for scheme in ["Bearer", "bearer", "BEARER"] {
        check(vec![format!("{scheme} {good}")]).await.unwrap();
    }
}

#[tokio::test]
async fn j13_an_unsigned_wrapper_gives_an_actor_nothing() {
    let gate = Gate::new();
    let good = gate.good();
    let wrapped = json!({ "typ": "JWT", "alg": "none" });
    for claim in ["act", "actortoken", "xms_actor"] {
        let mut claims = gate.claims();
        claims[claim] = json!(good);
        let token = format!(
            "{}.{}.",
            coded(&wrapped.to_string()),
            coded(&claims.to_string())
        );
        gate.doubt(&token).await;
        // Signed, the actor inside adds nothing: the outer caller is who counts.
        claims["oid"] = json!(INVOICE_BOT);
        claims["sub"] = json!(INVOICE_BOT);
        assert_eq!(gate.doubt(&gate.signed(&claims)).await, Doubt::Caller);
    }
}

/// Every answer of the key endpoint, damaged so.
fn spoiled(garbage: Garbage) -> Fault {
    Fault::new(On::request("GET", "/keys").always(), What::Garbage(garbage))
}

fn of_unknown_key(gate: &Gate) -> String {
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "unheard-of" });
    gate.entra
        .signed(&header.to_string(), &gate.claims().to_string())
}

fn keys_request(gate: &Gate) -> http::Request<bytes::Bytes> {
    let tenant = gate.entra.tenant().id;
    http::Request::get(format!("{LOGIN}/{tenant}/discovery/v2.0/keys"))
        .body(bytes::Bytes::new())
        .unwrap()
}

/// A check whose key endpoint lists keys that were changed so.
fn with_keys(gate: &Gate, change: impl Fn(&mut Value) + Send + Sync + 'static) -> CallerCheck {
    let (entra, change) = (gate.entra.clone(), Arc::new(change));
    let transport = estop::transport::Transport::in_process(move |request| {
        let (entra, change) = (entra.clone(), Arc::clone(&change));
        Box::pin(async move {
            let answer = entra.exchange(request).await?;
            let mut list: Value = serde_json::from_slice(answer.body()).unwrap();
            change(&mut list);
            Ok(answer.map(|_| list.to_string().into()))
        })
    });
    let tenant = id(gate.entra.tenant().id);
    let login = LOGIN.parse().unwrap();
    let keys = SigningKeys::new(&login, tenant, transport, gate.clock.clone());
    CallerCheck::new(rules(), Issuers::new(LOGIN, tenant), keys).unwrap()
}
