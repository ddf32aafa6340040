//! `estop sign`, `estop verify`: the sender's side, for those who connect one.

use std::io::Read as _;
use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{SignArgs, VerifyArgs};
use super::exit::Exit;
use crate::domain::delivery::BODY_MAX;
use crate::signature::{self, KeyRing, Refusal, Secret, header};

/// A delivery as it goes out.
pub(super) struct Signed {
    pub(super) id: String,
    pub(super) timestamp: i64,
    pub(super) signature: String,
    pub(super) body: Vec<u8>,
}

pub(super) fn sign(room: &mut Room, args: SignArgs) -> Answer {
    let key = key(&args.key)?;
    let body = read(&args.body)?;
    let signed = signed(room, &key, (args.id, args.timestamp), body);
    let headers = [
        (header::ID, signed.id.clone()),
        (header::TIMESTAMP, signed.timestamp.to_string()),
        (header::SIGNATURE, signed.signature.clone()),
    ];
    if room.terminal.wants_json() {
        let said: serde_json::Map<String, Value> = headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::String(value)))
            .collect();
        room.terminal.json(&said);
        return Ok(Exit::Done);
    }
    for (name, value) in headers {
        let line = if args.curl {
            // A shell splits at spaces, and curl takes a header without one.
            format!("-H {name}:{value}")
        } else {
            format!("{name}: {value}")
        };
        room.terminal.line(&line);
    }
    Ok(Exit::Done)
}

pub(super) fn verify(room: &mut Room, args: VerifyArgs) -> Answer {
    let keys = KeyRing::from_files(&args.key)
        .map_err(|why| Failure::usage(why.what.clone()).fix(why.fix))?;
    let headers = headers_of(&read(&args.headers)?)?;
    let body = read(&args.body)?;
    let now = args.at.unwrap_or_else(|| room.clock.now());
    let (exit, said) = match signature::verify(&keys, &headers, &body, now) {
        Ok(key) => (Exit::Done, json!({ "genuine": true, "key": key.as_str() })),
        Err(refusal) => (
            Exit::Failed,
            json!({
                "genuine": false, "why": refusal.word(), "detail": hint(refusal),
                "body_bytes": body.len(),
            }),
        ),
    };
    if room.terminal.wants_json() {
        room.terminal.json(&said);
    } else if exit == Exit::Done {
        let key = said["key"].as_str().unwrap_or_default();
        room.terminal.line(&format!("genuine, signed with {key}"));
    } else {
        let (why, detail) = (said["why"].as_str(), said["detail"].as_str());
        let (why, detail) = (why.unwrap_or_default(), detail.unwrap_or_default());
        room.terminal.line(&format!("refused, {why}: {detail}"));
        let bytes = body.len();
        room.terminal.line(&format!("  the body has {bytes} bytes"));
    }
    Ok(exit)
}

/// What a sender should look at. Told only to whoever holds the key.
const fn hint(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Missing(_) => "a header is missing: webhook-id, -timestamp and -signature are due",
        Refusal::Repeated(_) => "a header stands there more than once",
        Refusal::BadId => "the id has 1 to 128 letters, digits, `-` and `_`",
        Refusal::BadTimestamp => "the timestamp is plain Unix seconds",
        Refusal::TooOld => "the timestamp is more than 300 s old; check the sender's clock",
        Refusal::TooNew => "the timestamp is more than 300 s ahead; check the sender's clock",
        Refusal::BadSignature => "the signature is `v1,` and base64, at most five of them",
        Refusal::WrongSignature => {
            "another key, or the body was changed after signing: sign the raw bytes, before any \
             proxy or formatter"
        }
    }
}

pub(super) fn signed(
    room: &Room,
    key: &Secret,
    (id, timestamp): (Option<String>, Option<i64>),
    body: Vec<u8>,
) -> Signed {
    let id = id.unwrap_or_else(|| format!("msg_{}", room.clock.uuid().simple()));
    let timestamp = timestamp.unwrap_or_else(|| room.clock.now().as_seconds());
    Signed {
        signature: signature::sign(key, &id, timestamp, &body),
        id,
        timestamp,
        body,
    }
}

pub(super) fn key(path: &Path) -> Result<Secret, Failure> {
    Secret::from_file(path).map_err(|why| Failure::usage(why.what.clone()).fix(why.fix))
}

/// A file's bytes, or standard input's; no more than a delivery may have.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let unusable = |why: std::io::Error| Failure::usage(format!("{shown}: {why}"));
    let limit = u64::try_from(BODY_MAX).unwrap_or(u64::MAX) + 1;
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin()
            .take(limit)
            .read_to_end(&mut bytes)
            .map_err(unusable)?;
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(unusable)?;
    }
    if bytes.len() > BODY_MAX {
        return Err(Failure::usage(format!(
            "{shown}: it is larger than {BODY_MAX} bytes"
        )));
    }
    Ok(bytes)
}

/// `name: value` lines, as a proxy or a log shows them; other lines are passed over.
fn headers_of(text: &[u8]) -> Result<HeaderMap, Failure> {
    let text = str::from_utf8(text).map_err(|_| Failure::usage("the headers are no text"))?;
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let (name, value) = (name.trim().parse::<HeaderName>(), value.trim());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    Ok(headers)
}
