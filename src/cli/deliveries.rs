//! `estop sign`, `estop verify`: the sender's side, for those who connect one.

use std::io::Read as _;
use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{SignArgs, VerifyArgs};
use super::exit::Exit;
use super::pen::{self, Pen};
use crate::domain::delivery::BODY_MAX;
use crate::domain::moment::Moment;

/// A delivery as it goes out.
pub(super) struct Signed {
    pub(super) id: String,
    pub(super) at: Moment,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Vec<u8>,
}

pub(super) fn sign(room: &mut Room, args: SignArgs) -> Answer {
    let pen = Pen::open(&args.scheme, &args.key)?;
    if !pen.signs() {
        return Err(
            Failure::usage("nothing is signed so: the credential itself goes along")
                .fix("it is not shown; deliver with `estop send`"),
        );
    }
    let body = read(&args.body)?;
    let at = args
        .timestamp
        .map(|seconds| Moment::from_millis(seconds.saturating_mul(1000)));
    let signed = signed(room, &pen, (args.id, at), body);
    if room.terminal.wants_json() {
        let said: serde_json::Map<String, Value> = signed
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_string(), Value::String(value)))
            .collect();
        room.terminal.json(&said);
        return Ok(Exit::Done);
    }
    for (name, value) in signed.headers {
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
    let profile = pen::profile(&args.scheme, &args.key)?;
    let headers = headers_of(&read(&args.headers)?)?;
    let body = read(&args.body)?;
    let now = args.at.unwrap_or_else(|| room.clock.now());
    let (exit, said) = match profile.verify(&headers, &body, now) {
        Ok(witness) => (
            Exit::Done,
            json!({ "genuine": true, "key": witness.key.as_str() }),
        ),
        Err(refusal) => (
            Exit::Failed,
            json!({
                "genuine": false, "why": refusal.word(),
                "detail": profile.hint(&headers, &body, now),
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

pub(super) fn signed(
    room: &Room,
    pen: &Pen,
    (id, at): (Option<String>, Option<Moment>),
    body: Vec<u8>,
) -> Signed {
    let id = id.unwrap_or_else(|| format!("msg_{}", room.clock.uuid().simple()));
    let at = at.unwrap_or_else(|| room.clock.now());
    Signed {
        headers: pen.sign(&id, at, &body),
        id,
        at,
        body,
    }
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
