use std::path::Path;

use super::{VerifyConfig, verify};
use crate::config::file::File;

fn read(text: &str) -> Result<VerifyConfig, String> {
    let yaml = format!(
        "tenant:\n  id: 3f9e88bf-86f1-41af-91ab-2d7cd01177aa\n  credential: managed_identity\n\
         sources:\n  x:\n    reader: estop\n    verify: {text}\n"
    );
    let file = File::parse("estop.yaml", &yaml).map_err(|bad| bad.to_string())?;
    let source = file.sources.into_values().next().unwrap();
    verify(Path::new("/etc/estop"), source.verify)
}

#[test]
fn every_profile_the_page_names_is_taken() {
    for text in [
        "{ standard_webhooks: { secret_files: [a.key] } }",
        "{ standard_webhooks: { public_key_files: [a.pub] } }",
        "{ svix: { secret_files: [a.key] } }",
        "{ github: { secret_files: [a.key] } }",
        "{ slack: { secret_files: [a.key] } }",
        "{ teams: { secret_files: [a.key] } }",
        "{ stripe: { secret_files: [a.key] } }",
        "{ hmac: { secret_files: [a.key], key: text, algorithm: sha512, header: X-Sig, \
         encoding: hex, prefix: \"sha512=\", signed: \"{body}\" } }",
        "{ hmac: { secret_files: [a.key], key: text, header: X-Sig, encoding: base64, signed: \
         \"{body}{timestamp}\", timestamp: { header: X-Time, format: rfc3339, tolerance: 2m } } }",
        "{ entra_jwt: { audience: api://estop, \
         callers: [7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0] } }",
        "{ entra_jwt: { audience: [a, b], roles: [Send], idtyp: required, signed: \
         { standard_webhooks: { secret_files: [a.key] } } } }",
        "{ header: { name: X-Api-Key, secret_files: [a.key] } }",
        "{ basic: { user: splunk, secret_files: [a.key] } }",
    ] {
        let said = read(text).unwrap();
        assert!(
            said.secret_files()
                .iter()
                .all(|file| file.starts_with("/etc/estop")),
            "{text}"
        );
    }
}

#[test]
fn what_would_verify_less_than_it_seems_to_is_refused() {
    let hmac = |rest: &str| {
        format!("{{ hmac: {{ secret_files: [a.key], header: X-Sig, encoding: hex, {rest} }} }}")
    };
    for text in [
        hmac("signed: \"{timestamp}\", timestamp: { header: X-T }"),
        hmac("signed: \"{body}\", timestamp: { header: X-T }"),
        hmac("signed: \"{timestamp}{body}\""),
        hmac("signed: \"{body}\", id: X-Id"),
        hmac("signed: \"{id}{body}\""),
        hmac("signed: \"{body}{body}\""),
        hmac("signed: \"{bdy}\""),
        hmac("signed: \"{body}\", prefix: a, entry: b"),
        hmac("signed: \"{timestamp}{body}\", timestamp: { entry: t }"),
        hmac("signed: \"{timestamp}{body}\", timestamp: { header: X-T, tolerance: 2h }"),
        hmac("signed: \"{body}\", header: \"a b\""),
        "{ entra_jwt: { audience: api://estop } }".to_owned(),
        "{ entra_jwt: { audience: \"\", roles: [Send] } }".to_owned(),
        "{ entra_jwt: { audience: a, roles: [S], signed: { teams: { secret_files: [k] } } } }"
            .to_owned(),
        "{ entra_jwt: { audience: a, roles: [S], signed: { basic: { user: u, \
         secret_files: [k] } } } }"
            .to_owned(),
        "{ basic: { user: \"a:b\", secret_files: [a.key] } }".to_owned(),
        "{ hmac: { header: X-Sig, encoding: hex, signed: \"{body}\" } }".to_owned(),
        "{ none: {} }".to_owned(),
        "{ github: { secret: abc } }".to_owned(),
    ] {
        assert!(read(&text).is_err(), "{text}");
    }
}
