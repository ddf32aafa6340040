//! Certificates and their assertions, and what the simulated authority makes of them.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use serde_json::Value;

use super::super::minted::{Minted, private};
use super::super::{CertificateFiles, Claims, Error, TokenSource};
use super::{GRANTED, authority};
use crate::clock::Clock;
use crate::domain::moment::Moment;
use crate::transport::{Request, Transport};

const CLIENT: &str = "33333333-3333-3333-3333-333333333333";

fn now() -> Moment {
    Moment::parse("2026-11-21T10:00:00Z").unwrap()
}

/// A source with these files, and what its authority hears.
fn asking(files: CertificateFiles) -> (TokenSource, Arc<Mutex<Vec<Request>>>) {
    let (clock, _hand) = Clock::by_hand(now());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let transport = Transport::in_process(move |request| {
        log.lock().unwrap().push(request);
        let answer = http::Response::new(GRANTED.into());
        std::future::ready(Ok(answer)).boxed()
    });
    let authority = authority("https://login.example");
    let client = CLIENT.parse().unwrap();
    let source = TokenSource::certificate(clock, transport, authority, client, files);
    (source, seen)
}

fn field(request: &Request, name: &str) -> String {
    let mut fields = url::form_urlencoded::parse(request.body());
    fields.find(|(key, _)| key == name).unwrap().1.into_owned()
}

#[tokio::test]
async fn an_assertion_is_signed_ps256_for_our_authority_and_for_minutes() {
    let folder = tempfile::tempdir().unwrap();
    let minted = Minted::until("20271121100000Z");
    let (source, seen) = asking(minted.files(folder.path()));

    source.token().await.unwrap();

    let seen = seen.lock().unwrap();
    let text = field(&seen[0], "client_assertion");
    let header = jsonwebtoken::decode_header(&text).unwrap();
    assert_eq!(header.alg, jsonwebtoken::Algorithm::PS256);
    assert_eq!(header.x5t_s256, Some(minted.thumbprint));
    let key = jsonwebtoken::DecodingKey::from_rsa_der(&minted.public_key);
    let mut checks = jsonwebtoken::Validation::new(header.alg);
    (checks.validate_exp, checks.validate_aud) = (false, false);
    let claims = jsonwebtoken::decode::<Value>(&text, &key, &checks)
        .unwrap()
        .claims;
    let url = "https://login.example/11111111-1111-1111-1111-111111111111/oauth2/v2.0/token";
    assert_eq!(
        (&claims["aud"], &seen[0].uri().to_string()),
        (&url.into(), &url.to_owned())
    );
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&CLIENT.into(), &CLIENT.into())
    );
    assert_eq!(claims["nbf"], now().as_seconds());
    assert_eq!(claims["exp"], now().as_seconds() + 300);
    assert!(claims["jti"].as_str().is_some_and(|jti| jti.len() == 36));
    assert_eq!(field(&seen[0], "client_id"), CLIENT);
}

#[tokio::test]
async fn no_two_requests_carry_the_same_assertion_and_a_new_certificate_counts_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let files = Minted::until("20271121100000Z").files(folder.path());
    let (source, seen) = asking(files);
    let first = source.token().await.unwrap();
    let renewed = Minted::stranger("20281121100000Z");
    renewed.files(folder.path());

    // The authority here always gives the same token, which is its own story.
    let _ = source.refresh_with_claims(&first, None).await;

    let seen = seen.lock().unwrap();
    let [old, new] = [0, 1].map(|at| field(&seen[at], "client_assertion"));
    let header = jsonwebtoken::decode_header(&new).unwrap();
    assert_ne!(old, new);
    assert_eq!(header.x5t_s256, Some(renewed.thumbprint));
}

#[test]
fn a_certificate_is_checked_with_its_key_and_warned_about_before_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let check = |ends: &str| Minted::until(ends).files(folder.path()).check(now());

    let far = check("20271121100000Z").unwrap();
    let near = check("261220100000Z").unwrap();
    let over = check("20261121100000Z").unwrap_err();

    assert_eq!(
        (far.ends.to_string(), far.warning),
        ("2027-11-21T10:00:00.000Z".to_owned(), None)
    );
    assert!(near.warning.unwrap().contains("ends at 2026-12-20"));
    assert!(over.to_string().contains("has ended"), "{over}");
}

#[test]
fn files_that_cannot_sign_for_us_say_what_is_wrong_and_never_show_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let good = Minted::until("20271121100000Z");
    let secret = good.key_pem.lines().nth(5).unwrap().to_owned();
    type Damage<'a> = &'a dyn Fn(&CertificateFiles);
    let write = |path: &std::path::Path, text: &str| std::fs::write(path, text).unwrap();
    let stranger = Minted::stranger("20271121100000Z").key_pem;
    let cases: [(&str, Damage<'_>); 7] = [
        ("set its mode to 0600", &|it| private(&it.key, 0o640)),
        ("cannot be read", &|it| {
            std::fs::remove_file(&it.key).unwrap()
        }),
        ("cannot be read", &|it| {
            std::fs::remove_file(&it.certificate).unwrap()
        }),
        ("is empty", &|it| write(&it.key, " \n")),
        ("no PEM private RSA key", &|it| {
            write(&it.key, "-----BEGIN PRIVATE KEY-----\nAAAA")
        }),
        ("no PEM certificate", &|it| {
            write(&it.certificate, &good.key_pem)
        }),
        ("does not belong", &|it| write(&it.key, &stranger)),
    ];

    for (said, damage) in cases {
        let files = good.files(folder.path());
        damage(&files);

        let error = files.check(now()).unwrap_err();

        assert!(matches!(error, Error::Misconfigured { .. }), "{error}");
        assert!(error.to_string().contains(said), "{said}: {error}");
        assert!(!format!("{error} {error:?}").contains(&secret));
    }
}

#[test]
fn a_certificate_cut_anywhere_is_none() {
    let pem = Minted::until("20271121100000Z").certificate_pem;
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(body).unwrap();
    let whole = |der: &[u8]| {
        let text = STANDARD.encode(der);
        let text = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----");
        super::super::certificate::Certificate::in_pem(&text)
    };

    assert!(whole(&der).is_some());
    for length in 0..der.len() {
        assert_eq!(whole(&der[..length]), None, "{length}");
    }
}

#[tokio::test]
async fn every_request_but_a_managed_identitys_offers_to_answer_challenges() {
    let folder = tempfile::tempdir().unwrap();
    let (source, seen) = asking(Minted::until("20271121100000Z").files(folder.path()));
    let first = source.token().await.unwrap();
    let challenge = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
    let claims = Claims::decode(&STANDARD.encode(challenge));

    let _ = source.refresh_with_claims(&first, claims).await;

    let seen = seen.lock().unwrap();
    assert_eq!(
        field(&seen[0], "claims"),
        r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#
    );
    let asked: Value = serde_json::from_str(&field(&seen[1], "claims")).unwrap();
    assert_eq!(asked["access_token"]["nbf"]["value"], "1");
    assert_eq!(asked["access_token"]["xms_cc"]["values"][0], "cp1");
}
