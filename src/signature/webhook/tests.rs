use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::{Refusal, header, sign, verify};
use crate::clock::Clock;
use crate::domain::moment::Moment;
use crate::signature::{KeyId, KeyRing, Secret};

const NOW: i64 = 1_790_000_000;
const ID: &str = "msg_2Kq7";

fn now() -> Moment {
    Moment::from_millis(NOW * 1000)
}

fn fresh() -> (Secret, Secret) {
    let (clock, _hand) = Clock::by_hand(now());
    (Secret::fresh(clock.random()), Secret::fresh(clock.random()))
}

fn ring(secret: &Secret) -> KeyRing {
    let copy = Secret::parse(&secret.reveal()).unwrap();
    KeyRing::new(vec![(KeyId::new("lab").unwrap(), copy)]).unwrap()
}

fn headers(list: &[(&str, &[u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in list {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value).unwrap(),
        );
    }
    headers
}

fn signed(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
    headers(&[
        (header::ID, id.as_bytes()),
        (header::TIMESTAMP, timestamp.as_bytes()),
        (header::SIGNATURE, signature.as_bytes()),
    ])
}

#[test]
fn the_published_vectors_verify() {
    let vectors = [
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
    ];

    for (secret, id, at, body, signature) in vectors {
        let key = Secret::unchecked(secret);
        assert_eq!(sign(&key, id, at, body.as_bytes()), signature);
        let keys = KeyRing::new(vec![(KeyId::new("lab").unwrap(), key)]).unwrap();

        let headers = signed(id, &at.to_string(), signature);
        let verdict = verify(
            &keys,
            &headers,
            body.as_bytes(),
            Moment::from_millis(at * 1000),
        );

        assert_eq!(verdict.unwrap().as_str(), "lab");
    }
}

#[test]
fn w01_one_bit_changed_anywhere_is_refused() {
    let (key, _) = fresh();
    let keys = ring(&key);
    let body: Vec<u8> = (0..2048_u32).map(|n| (n % 251) as u8).collect();
    let signature = sign(&key, ID, NOW, &body);
    let good = signed(ID, &NOW.to_string(), &signature);
    assert!(verify(&keys, &good, &body, now()).is_ok());

    let mut bent = body.clone();
    for bit in 0..body.len() * 8 {
        bent[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&keys, &good, &bent, now()).is_err(), "bit {bit}");
        bent[bit / 8] ^= 1 << (bit % 8);
    }

    for name in [header::ID, header::TIMESTAMP, header::SIGNATURE] {
        let value = good[name].as_bytes().to_vec();
        for bit in 0..value.len() * 8 {
            let mut bent = value.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            // What HTTP itself refuses never comes this far.
            let Ok(bent) = HeaderValue::from_bytes(&bent) else {
                continue;
            };
            let mut headers = good.clone();
            headers.insert(name, bent);
            assert!(
                verify(&keys, &headers, &body, now()).is_err(),
                "{name} bit {bit}"
            );
        }
    }
}

#[test]
fn w02_only_a_plain_timestamp_within_300_seconds_passes() {
    let (key, _) = fresh();
    let keys = ring(&key);
    let verdict = |timestamp: &str| {
        let mac = super::mac_of(&key, ID, timestamp, b"{}");
        let signature = format!("v1,{}", STANDARD.encode(mac.bytes()));
        verify(&keys, &signed(ID, timestamp, &signature), b"{}", now())
    };

    for skew in [-300, -299, 0, 299, 300] {
        assert!(verdict(&(NOW + skew).to_string()).is_ok(), "{skew}");
    }
    assert_eq!(verdict(&(NOW - 301).to_string()), Err(Refusal::TooOld));
    assert_eq!(verdict(&(NOW + 301).to_string()), Err(Refusal::TooNew));
    let bent = [
        i64::MIN.to_string(),
        i64::MAX.to_string(),
        "99999999999999999999".to_owned(),
        format!("+{NOW}"),
        format!("0{NOW}"),
        format!(" {NOW}"),
        format!("{NOW} "),
        format!("{NOW}.0"),
        format!("{NOW:#x}"),
        format!("{NOW:x}"),
        "1.79e9".to_owned(),
        String::new(),
        "١٧٩٠٠٠٠٠٠٠".to_owned(),
        "-1".to_owned(),
    ];
    for timestamp in bent {
        assert_eq!(
            verdict(&timestamp),
            Err(Refusal::BadTimestamp),
            "{timestamp}"
        );
    }
    assert_eq!(verdict("0"), Err(Refusal::TooOld));
    assert_eq!(verdict("999999999999"), Err(Refusal::TooNew));
}

#[test]
fn w02_no_clock_and_no_timestamp_overflow() {
    let (key, _) = fresh();
    let keys = ring(&key);

    for clock in [i64::MIN, i64::MAX, 0] {
        for timestamp in ["0", "999999999999"] {
            let headers = signed(ID, timestamp, "v1,AAAA");

            let verdict = verify(&keys, &headers, b"{}", Moment::from_millis(clock));

            assert!(verdict.is_err());
        }
    }
}

#[test]
fn w05_a_header_that_stands_there_twice_is_refused() {
    let (key, _) = fresh();
    let keys = ring(&key);
    let at = NOW.to_string();
    let signature = sign(&key, ID, NOW, b"{}");
    let good = [
        (header::ID, ID.to_owned()),
        (header::TIMESTAMP, at),
        (header::SIGNATURE, signature),
    ];
    let bad = ["msg_other", "1", "v1,AAAA"];
    let names = ["Webhook-Id", "WEBHOOK-TIMESTAMP", "webhook-Signature"];

    for which in 0..3 {
        for (first, second) in [(true, false), (false, true), (true, true)] {
            for name in [good[which].0, names[which]] {
                let mut list: Vec<(&str, String)> = good.to_vec();
                list.remove(which);
                for is_good in [first, second] {
                    let value = if is_good { &good[which].1 } else { bad[which] };
                    list.push((name, value.to_owned()));
                }
                let list: Vec<_> = list.iter().map(|(n, v)| (*n, v.as_bytes())).collect();

                let verdict = verify(&keys, &headers(&list), b"{}", now());

                assert_eq!(
                    verdict,
                    Err(Refusal::Repeated(HeaderName::from_static(good[which].0)))
                );
            }
        }
        for joined in [
            format!("{},{}", good[which].1, bad[which]),
            format!("{},{}", bad[which], good[which].1),
        ] {
            let mut headers = headers(&[]);
            for (name, value) in &good {
                headers.insert(*name, value.parse().unwrap());
            }
            headers.insert(good[which].0, joined.parse().unwrap());

            assert!(verify(&keys, &headers, b"{}", now()).is_err(), "{joined}");
        }
    }
}

#[test]
fn w06_no_trick_with_the_list_replaces_a_whole_signature() {
    let (key, _) = fresh();
    let keys = ring(&key);
    let at = NOW.to_string();
    let good = sign(&key, ID, NOW, b"{}");
    let coded = good.strip_prefix("v1,").unwrap();
    let bytes = STANDARD.decode(coded).unwrap();
    let mut bad: Vec<String> = (0..44)
        .map(|length| format!("v1,{}", &coded[..length]))
        .collect();
    // The last letter before the padding carries two bits that mean nothing.
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let last = letters.find(&coded[42..43]).unwrap();
    bad.extend(
        (1..4).map(|low| format!("v1,{}{}=", &coded[..42], &letters[last + low..=last + low])),
    );
    bad.extend([
        format!("{good}A"),
        format!("{good}="),
        format!("v1,{}", STANDARD_NO_PAD.encode(&bytes)),
        format!("v1,{}", STANDARD.encode([&bytes[..], &[0]].concat())),
        format!("v1,{}", hex::encode(&bytes)),
        format!("v1a,{coded}"),
        format!("v2,{coded}"),
        format!("v1{coded}"),
        format!("V1,{coded}"),
        format!("v1, {coded}"),
        format!("v1,\t{coded}"),
        coded.to_owned(),
        format!("v1,{}", STANDARD.encode([0; 64])),
        format!("a b c d e {good}"),
        format!("{good} a b c d e"),
        // An empty code is a prefix of every code: the mistake of CVE-2024-21491.
        "v1,".to_owned(),
        String::new(),
    ]);
    if URL_SAFE.encode(&bytes) != coded {
        bad.push(format!("v1,{}", URL_SAFE.encode(&bytes)));
    }

    for list in bad {
        let verdict = verify(&keys, &signed(ID, &at, &list), b"{}", now());
        assert!(verdict.is_err(), "{list}");
    }

    for list in [
        format!("{good} v1,AAAA"),
        format!("v1,AAAA {good}"),
        format!("v1a,AAAA v2,BBBB  {good}"),
        format!("a b c d {good}"),
    ] {
        let verdict = verify(&keys, &signed(ID, &at, &list), b"{}", now());
        assert!(verdict.is_ok(), "{list}");
    }
}

#[test]
fn w08_a_missing_header_is_refused_in_every_combination() {
    let (key, _) = fresh();
    let keys = ring(&key);
    let all = signed(ID, &NOW.to_string(), &sign(&key, ID, NOW, b"{}"));

    for missing in 1..8_u8 {
        let mut headers = all.clone();
        for (bit, name) in [header::ID, header::TIMESTAMP, header::SIGNATURE]
            .into_iter()
            .enumerate()
        {
            if missing & (1 << bit) != 0 {
                headers.remove(name);
            }
        }

        let verdict = verify(&keys, &headers, b"{}", now());

        assert!(matches!(verdict, Err(Refusal::Missing(_))), "{missing:03b}");
    }
}

#[test]
fn w09_a_key_of_another_source_is_refused() {
    let (ours, theirs) = fresh();
    let headers = signed(ID, &NOW.to_string(), &sign(&theirs, ID, NOW, b"{}"));

    let verdict = verify(&ring(&ours), &headers, b"{}", now());

    assert_eq!(verdict, Err(Refusal::WrongSignature));
}

#[test]
fn w10_a_dot_cannot_move_the_border_between_the_parts() {
    let (key, _) = fresh();
    let keys = ring(&key);
    let body = format!("{NOW}.{{}}");
    let signature = sign(&key, ID, NOW, body.as_bytes());
    let shifted = signed(&format!("{ID}.{NOW}"), &NOW.to_string(), &signature);

    let verdict = verify(&keys, &shifted, b"{}", now());

    assert_eq!(verdict, Err(Refusal::BadId));
    for id in ["", "a b", "a/b", "ä", "a.b", "a,b", &"x".repeat(129)] {
        let headers = signed(id, &NOW.to_string(), &sign(&key, id, NOW, b"{}"));
        assert_eq!(
            verify(&keys, &headers, b"{}", now()),
            Err(Refusal::BadId),
            "{id}"
        );
    }
}

#[test]
fn while_a_key_is_replaced_both_are_taken_and_told_apart() {
    let (old, new) = fresh();
    let copy = |secret: &Secret| Secret::parse(&secret.reveal()).unwrap();
    let keys = KeyRing::new(vec![
        (KeyId::new("old").unwrap(), copy(&old)),
        (KeyId::new("new").unwrap(), copy(&new)),
    ])
    .unwrap();

    for (key, name) in [(old, "old"), (new, "new")] {
        let headers = signed(ID, &NOW.to_string(), &sign(&key, ID, NOW, b"{}"));

        let by = verify(&keys, &headers, b"{}", now()).unwrap();

        assert_eq!(by.as_str(), name);
    }
}

proptest! {
    #[test]
    fn what_we_sign_we_verify(id in "[A-Za-z0-9_-]{1,128}", body: Vec<u8>) {
        let (key, _) = fresh();
        let headers = signed(&id, &NOW.to_string(), &sign(&key, &id, NOW, &body));

        prop_assert!(verify(&ring(&key), &headers, &body, now()).is_ok());
    }

    #[test]
    fn no_header_bytes_make_it_panic(
        id: Vec<u8>, timestamp: Vec<u8>, signature: Vec<u8>, clock: i64,
    ) {
        let (key, _) = fresh();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::ID, id), (header::TIMESTAMP, timestamp), (header::SIGNATURE, signature),
        ] {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.insert(name, value);
            }
        }

        let verdict = verify(&ring(&key), &headers, b"{}", Moment::from_millis(clock));

        prop_assert!(verdict.is_err());
    }
}

#[test]
fn the_published_vectors_verify_under_both_names_and_by_public_key() {
    use super::{Names, Webhooks, sign_v1a};
    use crate::signature::{PublicKey, SigningKey};

    let text = include_str!("../../../tests/fixtures/signature_vectors.json");
    let all: serde_json::Value = serde_json::from_str(text).unwrap();
    for it in all["standard_webhooks"].as_array().unwrap() {
        let field = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
        let (id, body, signature) = (field("id"), field("payload"), field("signature"));
        let at = it["timestamp"].as_i64().unwrap();
        for names in [Names::Standard, Names::Svix] {
            let public = field("public_key").parse::<PublicKey>().ok();
            let publics: Vec<_> = public
                .map(|key| (KeyId::new("p").unwrap(), key))
                .into_iter()
                .collect();
            let secret = field("secret");
            let secrets = (!secret.is_empty()).then(|| {
                let key = Secret::unchecked(&format!("whsec_{secret}"));
                KeyRing::new(vec![(KeyId::new("s").unwrap(), key)]).unwrap()
            });
            let webhooks = Webhooks::new(names, secrets, publics).unwrap();
            let [id_name, time_name, signature_name] = names.all();
            let mut sent = HeaderMap::new();
            sent.insert(id_name, id.parse().unwrap());
            sent.insert(time_name, at.to_string().parse().unwrap());
            sent.insert(signature_name.clone(), signature.parse().unwrap());
            let now = Moment::from_millis(at * 1000);

            assert!(
                webhooks.verify(&sent, body.as_bytes(), now).is_ok(),
                "{signature}"
            );
            assert!(webhooks.verify(&sent, b"{}", now).is_err());
            // The bytes of one version under the name of the other.
            let bent = match signature.strip_prefix("v1a,") {
                Some(code) => format!("v1,{code}"),
                None => signature.replace("v1,", "v1a,"),
            };
            sent.insert(signature_name, bent.parse().unwrap());
            assert!(webhooks.verify(&sent, body.as_bytes(), now).is_err());
        }
        if let Ok(key) = SigningKey::parse(&format!("whsk_{}", field("secret_key"))) {
            assert_eq!(sign_v1a(&key, &id, at, body.as_bytes()), signature);
            assert_eq!(key.public().to_string(), field("public_key"));
        }
    }
}
