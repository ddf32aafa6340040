use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    Encoding, KeyForm, KeyRing, Layout, Refusal, Scheme, Secret, TimeForm, TimePlace, plain_id,
};
use crate::domain::moment::Moment;
use crate::signature::{Digest, KeyId, TimeRule};

const NOW: i64 = 1_790_000_000;

fn now() -> Moment {
    Moment::from_millis(NOW * 1000)
}

fn text_of(seed: u8) -> String {
    hex::encode::<[u8; 16]>(std::array::from_fn(|n| (n as u8).wrapping_mul(89) ^ seed))
}

fn key(seed: u8) -> Secret {
    Secret::parse_as(&text_of(seed), KeyForm::Text).unwrap()
}

fn ring(seeds: &[u8]) -> KeyRing {
    let named = |seed: &u8| (KeyId::new(&format!("k{seed}")).unwrap(), key(*seed));
    KeyRing::new(seeds.iter().map(named).collect()).unwrap()
}

fn headers(list: &[(HeaderName, String)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in list {
        headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn crowdstrike() -> Scheme {
    Scheme {
        digest: Digest::Sha256,
        header: HeaderName::from_static("x-cs-primary-signature"),
        layout: Layout::Whole {
            prefix: String::new(),
        },
        encoding: Encoding::Base64,
        time: Some(TimeRule {
            place: TimePlace::Header(HeaderName::from_static("x-cs-delivery-timestamp")),
            form: TimeForm::Rfc3339,
            tolerance: std::time::Duration::from_secs(300),
        }),
        id: None,
        signed: "{body}{timestamp}".parse().unwrap(),
        key: KeyForm::Text,
    }
}

fn all() -> Vec<Scheme> {
    let mut long = Scheme::github().unwrap();
    long.digest = Digest::Sha512;
    let mut with_id = Scheme::slack().unwrap();
    with_id.id = Some(HeaderName::from_static("x-id"));
    with_id.signed = "{id}:{timestamp}:{body}".parse().unwrap();
    vec![
        Scheme::github().unwrap(),
        Scheme::slack().unwrap(),
        Scheme::stripe().unwrap(),
        Scheme::teams().unwrap(),
        crowdstrike().checked().unwrap(),
        long,
        with_id.checked().unwrap(),
    ]
}

#[test]
fn what_each_scheme_signs_it_verifies_by_its_own_key_only() {
    for scheme in all() {
        let sent = headers(&scheme.sign(&key(2), ("msg-1", now()), b"{}"));
        let verdict = |seeds: &[u8], body: &[u8]| {
            let ring = ring(seeds);
            let said = scheme.verify(&ring, (&sent, body), now());
            said.map(|(key, _)| key.as_str().to_owned())
        };

        assert_eq!(verdict(&[2], b"{}").unwrap(), "k2", "{scheme:?}");
        assert_eq!(verdict(&[1, 2], b"{}").unwrap(), "k2");
        assert_eq!(verdict(&[1], b"{}"), Err(Refusal::WrongSignature));
        assert_eq!(verdict(&[2], b"{ }"), Err(Refusal::WrongSignature));
    }
}

#[test]
fn w01_one_bit_changed_in_any_signed_header_is_refused_by_every_scheme() {
    for scheme in all() {
        let ring = ring(&[2]);
        let good = headers(&scheme.sign(&key(2), ("msg-1", now()), b"{\"n\":1}"));
        for name in good.keys() {
            let value = good[name].as_bytes();
            for bit in 0..value.len() * 8 {
                let mut bent = value.to_vec();
                bent[bit / 8] ^= 1 << (bit % 8);
                let Ok(bent_value) = HeaderValue::from_bytes(&bent) else {
                    continue;
                };
                // Hex digits are read in either case: the same code, spelled otherwise.
                if bent.eq_ignore_ascii_case(value) && scheme.encoding == Encoding::Hex {
                    continue;
                }
                let mut headers = good.clone();
                headers.insert(name, bent_value);
                let said = scheme.verify(&ring, (&headers, b"{\"n\":1}"), now());
                assert!(said.is_err(), "{name} bit {bit}: {scheme:?}");
            }
        }
    }
}

#[test]
fn w02_every_scheme_that_says_a_time_keeps_its_window() {
    for scheme in all().into_iter().filter(|scheme| scheme.time.is_some()) {
        let ring = ring(&[2]);
        let at = |seconds: i64| {
            let at = Moment::from_millis((NOW + seconds) * 1000);
            let sent = headers(&scheme.sign(&key(2), ("msg-1", at), b"{}"));
            scheme.verify(&ring, (&sent, b"{}"), now()).map(drop)
        };

        for seconds in [-300, -1, 0, 1, 300] {
            assert_eq!(at(seconds), Ok(()), "{seconds}");
        }
        assert_eq!(at(-301), Err(Refusal::TooOld));
        assert_eq!(at(301), Err(Refusal::TooNew));
    }
}

#[test]
fn w05_no_header_of_any_scheme_may_stand_there_twice_or_be_missing() {
    for scheme in all() {
        let ring = ring(&[2]);
        let sent = scheme.sign(&key(2), ("msg-1", now()), b"{}");
        for (name, value) in &sent {
            let mut twice = headers(&sent);
            twice.append(name.clone(), HeaderValue::from_str(value).unwrap());
            let mut missing = headers(&sent);
            missing.remove(name);

            let twice = scheme.verify(&ring, (&twice, b"{}"), now());
            let missing = scheme.verify(&ring, (&missing, b"{}"), now());

            assert_eq!(twice.map(drop), Err(Refusal::Repeated(name.clone())));
            assert_eq!(missing.map(drop), Err(Refusal::Missing(name.clone())));
        }
    }
}

#[test]
fn w06_no_trick_with_a_list_replaces_a_whole_signature() {
    let scheme = Scheme::stripe().unwrap();
    let ring = ring(&[2]);
    let good = scheme.sign(&key(2), ("", now()), b"{}")[0].1.clone();
    let (time, code) = good.split_once(",v1=").unwrap();
    let verdict = |value: &str| {
        let sent = headers(&[(scheme.header.clone(), value.to_owned())]);
        scheme.verify(&ring, (&sent, b"{}"), now()).is_ok()
    };
    let junk = "0".repeat(64);

    for value in [
        good.clone(),
        format!("{time},v1={junk},v1={code}"),
        format!("{time},v1={code},v0={junk}"),
        format!("v1={code},{time}"),
        format!("{time},v2=x,v1={code}"),
        // Eight entries, and five signatures, are the most that is read.
        format!("{time}{},v1={code}", ",x=1".repeat(6)),
        format!(
            "{time}{}",
            format!(",v1={junk}").repeat(4) + &format!(",v1={code}")
        ),
    ] {
        assert!(verdict(&value), "{value}");
    }
    for value in [
        String::new(),
        time.to_owned(),
        format!("{time},v1="),
        format!("{time},v1={}", &code[..62]),
        format!("{time},v1={code}00"),
        format!("{time},v0={code}"),
        format!("{time},V1={code}"),
        format!("{time}, v1={code}"),
        format!("{time},{time},v1={code}"),
        format!("t={NOW},t=1,v1={code}"),
        format!(
            "{time}{}",
            format!(",v1={junk}").repeat(5) + &format!(",v1={code}")
        ),
        format!("{time}{},v1={code}", ",x=1".repeat(7)),
    ] {
        assert!(!verdict(&value), "{value}");
    }
}

#[test]
fn w10_an_id_can_shift_no_border() {
    let mut scheme = Scheme::slack().unwrap();
    scheme.id = Some(HeaderName::from_static("x-id"));
    scheme.signed = "{id}.{timestamp}.{body}".parse().unwrap();
    let ring = ring(&[2]);
    let mut sent = scheme.sign(&key(2), ("a", now()), b"{}");
    sent.last_mut().unwrap().1 = format!("a.{NOW}");

    let sent = headers(&sent);

    let said = scheme.verify(&ring, (&sent, b"{}"), now());

    assert_eq!(said.map(drop), Err(Refusal::BadId));
}

#[test]
fn a_timestamp_has_one_spelling() {
    let forms = [
        (
            TimeForm::Seconds,
            NOW.to_string(),
            vec![format!("{NOW}000"), format!("+{NOW}")],
        ),
        (
            TimeForm::Milliseconds,
            format!("{NOW}000"),
            vec![NOW.to_string(), "1e12".to_owned()],
        ),
        (
            TimeForm::Rfc3339,
            now().to_string(),
            vec![
                "2026".to_owned(),
                "now".to_owned(),
                String::new(),
                "x".repeat(100),
            ],
        ),
    ];
    let tolerance = std::time::Duration::from_secs(300);
    for (form, good, bad) in forms {
        assert_eq!(
            form.fresh(good.as_bytes(), now(), tolerance),
            Ok(good.as_str())
        );
        for text in bad {
            assert!(
                form.fresh(text.as_bytes(), now(), tolerance).is_err(),
                "{text}"
            );
        }
    }
}

/// A hint says by how much a clock is off, by the sender's own word.
#[test]
fn every_scheme_that_says_a_time_says_how_old_it_is() {
    let at = Moment::from_millis((NOW - 412) * 1000);
    for scheme in all() {
        let sent = headers(&scheme.sign(&key(2), ("msg-1", at), b"{}"));
        let due = scheme.time.as_ref().map(|_| (412, 300));
        assert_eq!(scheme.age(&sent, now()), due, "{scheme:?}");
        assert_eq!(scheme.age(&HeaderMap::new(), now()), None);
    }
}

/// An id and a timestamp have an end, and the end itself is inside.
#[test]
fn the_longest_id_and_timestamp_are_read_and_no_longer_ones() {
    let longest = "i".repeat(128);
    assert_eq!(plain_id(longest.as_bytes()), Ok(longest.as_str()));
    assert_eq!(plain_id(b"a"), Ok("a"));
    for bad in [String::new(), format!("{longest}i"), "a b".to_owned()] {
        assert_eq!(plain_id(bad.as_bytes()), Err(Refusal::BadId), "{bad}");
    }

    let age = |form: TimeForm, text: &str| form.age(text.as_bytes(), Moment::from_millis(0));
    let seconds = "9".repeat(12);
    assert_eq!(age(TimeForm::Seconds, &seconds), Some(-999_999_999_999));
    assert_eq!(age(TimeForm::Seconds, &format!("{seconds}9")), None);
    let millis = "9".repeat(15);
    assert_eq!(age(TimeForm::Milliseconds, &millis), Some(-999_999_999_999));
    assert_eq!(age(TimeForm::Milliseconds, &format!("{millis}9")), None);
    for form in [TimeForm::Seconds, TimeForm::Milliseconds] {
        assert_eq!(age(form, "0"), Some(0));
        assert_eq!(age(form, "00"), None);
        assert_eq!(age(form, ""), None);
    }

    let words = "1970-01-01T00:00:01.000000000+00:00";
    assert_eq!(age(TimeForm::Rfc3339, words), Some(-1));
    let longer = "1970-01-01T00:00:01.000000000+00:00[UTC]";
    assert_eq!(age(TimeForm::Rfc3339, longer), None);
}

/// Whole seconds are compared where whole seconds are sent, and milliseconds where they are.
#[test]
fn w02_the_window_is_as_fine_as_what_is_sent() {
    let tolerance = std::time::Duration::from_secs(300);
    let late = Moment::from_millis((NOW + 300) * 1000 + 1);
    let fresh = |form: TimeForm| {
        let sent = form.write(now());
        form.fresh(sent.as_bytes(), late, tolerance).map(drop)
    };

    assert_eq!(fresh(TimeForm::Seconds), Ok(()));
    assert_eq!(fresh(TimeForm::Milliseconds), Err(Refusal::TooOld));
    assert_eq!(fresh(TimeForm::Rfc3339), Err(Refusal::TooOld));
}

/// Each sender's own published vector.
#[test]
fn the_published_vectors_of_every_sender_verify() {
    let text = include_str!("../../../tests/fixtures/signature_vectors.json");
    let all: serde_json::Value = serde_json::from_str(text).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let mut seen = 0;
    let mut check = |scheme: Scheme, key: Vec<u8>, at: i64, (body, signature): (&str, &str)| {
        let ring = KeyRing::new(vec![(KeyId::new("k").unwrap(), Secret::of_bytes(&key))]).unwrap();
        let mut sent = headers(&[(scheme.header.clone(), signature.to_owned())]);
        if let Some(TimePlace::Header(name)) = scheme.time.as_ref().map(|rule| &rule.place) {
            sent.insert(name, HeaderValue::from_str(&at.to_string()).unwrap());
        }
        let now = Moment::from_millis(at * 1000);
        let said = scheme.verify(&ring, (&sent, body.as_bytes()), now);
        assert!(said.is_ok(), "{signature}");
        let bent = format!("{body} ");
        assert!(scheme.verify(&ring, (&sent, bent.as_bytes()), now).is_err());
        let again = scheme.sign(&Secret::of_bytes(&key), ("", now), body.as_bytes());
        assert_eq!(again[0].1, signature);
        seen += 1;
    };
    for it in all["github"].as_array().unwrap() {
        let (key, body, signature) = (&it["secret"], &it["payload"], &it["signature"]);
        let (key, body, signature) = (text(key), text(body), text(signature));
        let scheme = Scheme::github().unwrap();
        check(scheme, key.into_bytes(), NOW, (&body, &signature));
    }
    for it in all["slack"].as_array().unwrap() {
        let (key, body) = (text(&it["signing_secret"]), text(&it["body"]));
        let at = text(&it["timestamp"]).parse().unwrap();
        let scheme = Scheme::slack().unwrap();
        check(
            scheme,
            key.into_bytes(),
            at,
            (&body, &text(&it["signature"])),
        );
    }
    for it in all["stripe"].as_array().unwrap() {
        let key = format!("whsec_{}", text(&it["secret"]));
        let at = it["timestamp"].as_i64().unwrap();
        let scheme = Scheme::stripe().unwrap();
        let body = text(&it["payload"]);
        check(scheme, key.into_bytes(), at, (&body, &text(&it["header"])));
    }
    assert_eq!(seen, 4);
}

/// The codes under every manner of signing are those of RFC 9421's own examples.
#[test]
fn the_published_vectors_of_rfc_9421_are_made_and_verified() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use crate::signature::{PublicKey, hmac_sha256};

    let text = include_str!("../../../tests/fixtures/signature_vectors.json");
    let all: serde_json::Value = serde_json::from_str(text).unwrap();
    let [shared, public] = [0, 1].map(|n| &all["rfc9421"][n]);
    let said = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let bytes = |value: &serde_json::Value| STANDARD.decode(value.as_str().unwrap()).unwrap();

    let secret = Secret::of_bytes(&bytes(&shared["key"]));
    let mac = hmac_sha256(&secret, &[said(&shared["signature_base"]).as_bytes()]);
    // The key itself is the end of its envelope.
    let envelope = bytes(&public["public_key_spki"]);
    let key: PublicKey = STANDARD.encode(&envelope[12..]).parse().unwrap();
    let (base, signature) = (said(&public["signature_base"]), said(&public["signature"]));

    assert!(mac.is(&bytes(&shared["signature"])));
    assert!(key.holds(base.as_bytes(), &signature));
    assert!(!key.holds(format!("{base} ").as_bytes(), &signature));
}

/// Teams prints a key and a header, and not the body they belong to: both are read, and no body of
/// ours verifies.
#[test]
fn the_published_header_of_teams_is_read_and_opens_nothing() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let text = include_str!("../../../tests/fixtures/signature_vectors.json");
    let all: serde_json::Value = serde_json::from_str(text).unwrap();
    let printed = &all["teams"][0];
    let scheme = Scheme::teams().unwrap();
    let text = printed["secret"].as_str().unwrap();
    let as_configured = Secret::parse_as(text, scheme.key);
    let key = Secret::of_bytes(&STANDARD.decode(text).unwrap());
    let ring = KeyRing::new(vec![(KeyId::new("k").unwrap(), key)]).unwrap();
    let header = printed["header"].as_str().unwrap().to_owned();
    let sent = headers(&[(scheme.header.clone(), header)]);

    let refused = scheme.verify(&ring, (&sent, b"{}"), now());

    assert_eq!(refused, Err(Refusal::WrongSignature));
    assert!(as_configured.is_err(), "everybody knows it");
}

/// A manner that is taken believes somebody: two things under one name, or a text that no header
/// carries, would refuse every delivery and say nothing.
#[test]
fn a_manner_in_which_nobody_could_sign_is_refused() {
    let github = || Scheme::github().unwrap();
    let stripe = || Scheme::stripe().unwrap();
    let slack = || Scheme::slack().unwrap();
    let whole = |prefix: &str| Layout::Whole {
        prefix: prefix.to_owned(),
    };
    let list = |name: &str| Layout::List {
        name: name.to_owned(),
    };
    let in_entry = |mut scheme: Scheme, name: &str| {
        if let Some(rule) = &mut scheme.time {
            rule.place = TimePlace::Entry(name.to_owned());
        }
        scheme
    };
    let mut bad = Vec::new();
    for prefix in ["a\nb", " v0=", "é="] {
        bad.push(Scheme {
            layout: whole(prefix),
            ..github()
        });
    }
    for name in ["", "a,b", "a=b", "a b", "\u{e9}"] {
        bad.push(Scheme {
            layout: list(name),
            ..stripe()
        });
        bad.push(in_entry(stripe(), name));
    }
    bad.push(in_entry(stripe(), "v1"));
    let with_id = |id: &HeaderName| Scheme {
        id: Some(id.clone()),
        signed: "{id}{timestamp}{body}".parse().unwrap(),
        ..slack()
    };
    bad.push(with_id(&slack().header));
    bad.push(with_id(&HeaderName::from_static(
        "x-slack-request-timestamp",
    )));
    let mut one_header = slack();
    one_header.header = HeaderName::from_static("x-slack-request-timestamp");
    bad.push(one_header);

    for scheme in bad {
        assert!(scheme.clone().checked().is_err(), "{scheme:?}");
    }
    assert!(with_id(&HeaderName::from_static("x-id")).checked().is_ok());
}
