//! Every way a sender proves itself: what a stranger sends is never believed, what was signed is,
//! and nothing of it can be changed unseen (threats W01 to W10).

use std::time::Duration;

use estop::config::hmac_scheme;
use estop::signature::{
    KeyForm, KeyId, KeyRing, Names, Profile, Purpose, Repeat, Scheme, Secret, Sent, SigningKey,
    Webhooks, header, sign, sign_v1a,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::chance::{Chance, head_and_body};
use super::{NOW, now};

/// The id of every delivery that is signed here.
const ID: &str = "msg_2Kq7fV";
/// Longer than any time rule admits.
const LONG: Duration = Duration::from_secs(7200);

/// Our key and another, in the form that a sender's page shows.
fn secret(form: KeyForm, seed: u8) -> Secret {
    let drawn: [u8; 32] = std::array::from_fn(|n| seed.wrapping_add((n as u8).wrapping_mul(97)));
    let whsec = Secret::fresh(drawn).reveal();
    let whsec: &str = &whsec;
    match form {
        KeyForm::Whsec => Secret::parse(whsec).unwrap(),
        KeyForm::Text => Secret::parse_as(whsec, form).unwrap(),
        KeyForm::Base64 => {
            let coded = whsec.strip_prefix("whsec_").unwrap();
            Secret::parse_as(coded, form).unwrap()
        }
    }
}

fn ring(form: KeyForm) -> KeyRing {
    KeyRing::new(vec![(KeyId::new("ours").unwrap(), secret(form, 7))]).unwrap()
}

/// The headers that a sender sends along.
type Headers = Vec<(HeaderName, String)>;

/// What a sender sends along with a body, signed by the key of a seed.
type Send = dyn Fn(&[u8], u8) -> Headers;

/// A way to prove oneself, and its sender: signs a body with the key of this seed.
struct Way {
    profile: Profile,
    send: Box<Send>,
    /// Where the code stands; everything else it sends is signed.
    code: HeaderName,
    /// Does the sender sign when it sends?
    timed: bool,
}

pub fn standard_webhooks(bytes: &[u8]) {
    webhooks(Names::Standard, bytes);
}

pub fn svix(bytes: &[u8]) {
    webhooks(Names::Svix, bytes);
}

fn webhooks(names: Names, bytes: &[u8]) {
    let profile = Webhooks::new(names, Some(ring(KeyForm::Whsec)), Vec::new()).unwrap();
    let send = move |body: &[u8], seed| {
        let signature = sign(&secret(KeyForm::Whsec, seed), ID, NOW, body);
        three(names, signature)
    };
    hold(
        &Way {
            profile: Profile::Webhooks(profile),
            send: Box::new(send),
            code: names.all()[2].clone(),
            timed: true,
        },
        bytes,
    );
}

pub fn standard_webhooks_v1a(bytes: &[u8]) {
    let key = |seed| SigningKey::new(&secret(KeyForm::Whsec, seed), Purpose::Evidence).unwrap();
    let publics = vec![(KeyId::new("ours").unwrap(), key(7).public())];
    let profile = Webhooks::new(Names::Standard, None, publics).unwrap();
    let send = move |body: &[u8], seed| {
        let signature = sign_v1a(&key(seed), ID, NOW, body);
        three(Names::Standard, signature)
    };
    hold(
        &Way {
            profile: Profile::Webhooks(profile),
            send: Box::new(send),
            code: HeaderName::from_static(header::SIGNATURE),
            timed: true,
        },
        bytes,
    );
}

fn three(names: Names, signature: String) -> Headers {
    let values = [ID.to_owned(), NOW.to_string(), signature];
    names.all().into_iter().zip(values).collect()
}

pub fn github(bytes: &[u8]) {
    hold(&by_code(Scheme::github().unwrap()), bytes);
}

pub fn slack(bytes: &[u8]) {
    hold(&by_code(Scheme::slack().unwrap()), bytes);
}

pub fn teams(bytes: &[u8]) {
    hold(&by_code(Scheme::teams().unwrap()), bytes);
}

pub fn stripe(bytes: &[u8]) {
    hold(&by_code(Scheme::stripe().unwrap()), bytes);
}

/// Manners of our own describing: every hash, spelling, layout and form of time.
pub fn hmac(bytes: &[u8]) {
    const MANNERS: [&str; 5] = [
        "hmac: { header: X-Sig, encoding: hex, signed: '{body}' }",
        "hmac: { header: X-Sig, prefix: 'sha512=', algorithm: sha512, encoding: base64, \
         signed: '{id}.{timestamp}.{body}', id: X-Id, timestamp: { header: X-Time } }",
        "hmac: { header: X-Sig, entry: v1, encoding: hex, signed: '{timestamp}{body}', \
         timestamp: { entry: t, format: milliseconds } }",
        "hmac: { header: X-Sig, encoding: base64, signed: 'v0:{timestamp}:{body}', \
         timestamp: { header: X-Time, format: rfc3339, tolerance: 60s } }",
        "hmac: { header: X-Sig, entry: s, algorithm: sha512, encoding: hex, \
         signed: 'POST\\n{id}\\n{body}', id: X-Id }",
    ];
    let manner = MANNERS[Chance::of(bytes).below(MANNERS.len())];
    hold(&by_code(hmac_scheme(manner).unwrap()), bytes);
}

/// A manner that is taken can be signed by and is held to: there is none that believes nobody.
pub fn hmac_description(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Ok(scheme) = hmac_scheme(text) {
        hold(&by_code(scheme), bytes);
    }
}

fn by_code(scheme: Scheme) -> Way {
    let form = scheme.key;
    let sender = scheme.clone();
    let send = move |body: &[u8], seed| sender.sign(&secret(form, seed), (ID, now()), body);
    Way {
        code: scheme.header.clone(),
        timed: scheme.time.is_some(),
        profile: Profile::Hmac(ring(form), scheme),
        send: Box::new(send),
    }
}

/// A secret that is sent along: it proves no body, but it must be the whole secret, once.
pub fn shared_secret(bytes: &[u8]) {
    let (name, prefix) = (HeaderName::from_static("x-token"), "Bearer ".to_owned());
    let user = "estop".to_owned();
    for sent in [Sent::Header { name, prefix }, Sent::Basic { user }] {
        let (carrier, good) = (sent.header(), sent.value(&secret(KeyForm::Text, 7)));
        let profile = Profile::Shared(ring(KeyForm::Text), sent);
        let (headers, body) = head_and_body(bytes);
        let is_ours = headers.get_all(&carrier).iter().eq([good.as_slice()]);
        assert_eq!(profile.verify(&headers, body, now()).is_ok(), is_ours);

        let mut headers = HeaderMap::new();
        headers.insert(&carrier, HeaderValue::from_bytes(&good).unwrap());
        let witness = profile.verify(&headers, bytes, now()).unwrap();
        assert_eq!(witness.repeat, Repeat::Headers);
        let bent = Chance::of(bytes).altered(&good);
        if let Ok(bent) = HeaderValue::from_bytes(&bent) {
            headers.insert(&carrier, bent);
            assert!(profile.verify(&headers, bytes, now()).is_err());
        }
    }
}

/// The laws of a way that signs.
fn hold(way: &Way, bytes: &[u8]) {
    let (strange, body) = head_and_body(bytes);
    let verdict = way.profile.verify(&strange, body, now());
    assert!(verdict.is_err(), "nobody signed it: {verdict:?}");

    let sent = (way.send)(bytes, 7);
    let headers = map(&sent);
    let genuine = way.profile.verify(&headers, bytes, now());
    let genuine = genuine.expect("what was signed is believed");
    assert_eq!(genuine.key.as_str(), "ours");

    let mut chance = Chance::of(bytes);
    let bent = chance.altered(bytes);
    assert!(way.profile.verify(&headers, &bent, now()).is_err(), "body");
    let by_another = map(&(way.send)(bytes, 8));
    assert!(way.profile.verify(&by_another, bytes, now()).is_err());
    if way.timed {
        for at in [now().plus(LONG), now().minus(LONG)] {
            assert!(way.profile.verify(&headers, bytes, at).is_err(), "{at}");
        }
    }

    let (name, value) = &sent[chance.below(sent.len())];
    let mut without = headers.clone();
    without.remove(name);
    assert!(way.profile.verify(&without, bytes, now()).is_err());
    let mut twice = headers.clone();
    twice.append(name, value.parse().unwrap());
    assert!(way.profile.verify(&twice, bytes, now()).is_err());

    // A code has spellings that mean the same, so a changed header may still be believed: as the
    // same delivery of the same key, and as nothing else.
    let bent = HeaderValue::from_bytes(&chance.altered(value.as_bytes()));
    let Ok(bent) = bent else { return };
    let mut changed = headers.clone();
    changed.insert(name, bent);
    if let Ok(witness) = way.profile.verify(&changed, bytes, now()) {
        assert_eq!(witness, genuine);
        assert_eq!(*name, way.code, "it is signed");
    }
}

fn map(sent: &[(HeaderName, String)]) -> HeaderMap {
    let pairs = sent
        .iter()
        .map(|(name, value)| (name.clone(), value.parse().expect("a header's value")));
    pairs.collect()
}
