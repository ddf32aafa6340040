//! `estop send`: sign a delivery, send it, and find out what becomes of it.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderName;
use serde_json::{Value, json};
use url::Url;

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{SendArgs, Tamper, WayArgs};
use super::deliveries::{Signed, read, signed};
use super::exit::Exit;
use super::pen::Pen;
use super::wait::{Pause, pause};
use crate::domain::run::RunState;
use crate::transport::{Answer as Reply, Failure as Broken, Transport};

/// How often an address is asked what became of a delivery.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// What a tampered time is off by; more than the tolerance.
const OFF_BY: Duration = Duration::from_secs(3_600);

pub(super) async fn send(room: &mut Room, args: SendArgs) -> Answer {
    let pen = Pen::open(&args.way.scheme, &args.key)?;
    let body = read(&args.body)?;
    let address = address(&args.way, &args.key)?;
    pen.may_go_to(&address)?;
    let mut delivery = signed(room, &pen, (args.id.clone(), None), body);
    if let Some(tamper) = args.tamper {
        delivery.tamper(tamper, &pen)?;
    }
    let transport = room.transport()?;
    let mut exit = Exit::Done;
    for _ in 0..args.repeat {
        let reply = post(room, &transport, &address, &delivery).await?;
        exit = tell(room, &reply, args.tamper);
        if let (Exit::Done, None, Some(limit)) = (exit, args.tamper, args.way.wait) {
            exit = become_of(room, &transport, &reply, limit.0).await?;
        }
    }
    Ok(exit)
}

impl Signed {
    fn tamper(&mut self, tamper: Tamper, pen: &Pen) -> Result<(), Failure> {
        match tamper {
            Tamper::Body | Tamper::Time if !pen.signs() => {
                return Err(Failure::usage("this way proves nothing about body or time")
                    .fix("--tamper sig changes what is sent along"));
            }
            Tamper::Sig if !pen.signs() => {
                for (_, value) in self.headers.iter_mut().skip(1) {
                    let last = if value.ends_with('A') { 'B' } else { 'A' };
                    value.pop();
                    value.push(last);
                }
            }
            Tamper::Body => self.body.push(b'\n'),
            Tamper::Time => {
                let older = pen.sign(&self.id, self.at.minus(OFF_BY), &self.body);
                if older == self.headers {
                    return Err(Failure::usage("this scheme says no time to tamper with"));
                }
                let kept = self.headers.len() > 1;
                let pairs = self.headers.iter_mut().zip(older);
                // Where the time has a header of its own, the signature stays that of another.
                for (header, older) in pairs.filter(|(header, _)| !kept || !is_code(&header.0)) {
                    *header = older;
                }
            }
            Tamper::Sig => {
                let others = pen.sign(&self.id, self.at, b"another body");
                self.headers = others;
            }
        }
        Ok(())
    }
}

fn is_code(name: &HeaderName) -> bool {
    name.as_str().ends_with("signature")
}

pub(super) fn address(way: &WayArgs, key: &Path) -> Result<Url, Failure> {
    if way.to.path() != "/" {
        return Ok(way.to.clone());
    }
    let stem = key.file_stem().and_then(|stem| stem.to_str());
    let source = way.source.as_deref().or(stem).unwrap_or_default();
    let source = crate::domain::detection::SourceName::new(source)
        .ok_or_else(|| Failure::usage("name the source with --source"))?;
    way.to
        .join(&format!("/v1/ingest/{source}"))
        .map_err(|why| Failure::usage(why.to_string()))
}

pub(super) async fn post(
    room: &Room,
    transport: &Transport,
    address: &Url,
    delivery: &Signed,
) -> Result<Reply, Failure> {
    let mut request =
        http::Request::post(address.as_str()).header("content-type", "application/json");
    for (name, value) in &delivery.headers {
        request = request.header(name, value);
    }
    let request = request
        .body(Bytes::from(delivery.body.clone()))
        .map_err(|why| Failure::usage(format!("it cannot be sent so: {why}")))?;
    exchange(room, transport, request).await
}

async fn exchange(
    room: &Room,
    transport: &Transport,
    request: http::Request<Bytes>,
) -> Result<Reply, Failure> {
    let limit = crate::transport::CALL_LIMIT;
    match room.clock.within(limit, transport.send(request)).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(why @ Broken::NotSent(_))) => {
            Err(Failure::new(Exit::Unreachable, why.to_string()).fix("is the server running?"))
        }
        Ok(Err(why @ Broken::Lost(_))) => Err(lost(&why.to_string())),
        Err(_) => Err(lost("no answer in time")),
    }
}

fn lost(why: &str) -> Failure {
    Failure::new(Exit::Unknown, why).fix("send the same again with the same --id")
}

/// Says the reply, and what it means: with a tampered delivery, a refusal is right.
pub(super) fn tell(room: &mut Room, reply: &Reply, tamper: Option<Tamper>) -> Exit {
    let status = reply.status().as_u16();
    let body: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
    let location = location(reply);
    if room.terminal.wants_json() {
        let said = json!({ "status": status, "location": location, "body": body });
        room.terminal.json(&said);
    } else {
        let code = body.get("code").and_then(Value::as_str);
        let rest = location.as_deref().or(code).unwrap_or_default();
        room.terminal.line(&format!("{status} {rest}"));
    }
    match (status, tamper) {
        (401, Some(_)) => {
            room.terminal
                .say("  refused, as it should be: this delivery was tampered with");
            Exit::Done
        }
        (_, Some(_)) => Exit::Failed,
        (200..=299, None) => Exit::Done,
        (_, None) => Exit::of_problem(status, ""),
    }
}

fn location(reply: &Reply) -> Option<String> {
    let value = reply.headers().get("location")?.to_str().ok()?;
    Some(value.to_owned())
}

/// Asks the address in `Location` until it answers otherwise than 202.
pub(super) async fn become_of(
    room: &mut Room,
    transport: &Transport,
    reply: &Reply,
    limit: Duration,
) -> Result<Exit, Failure> {
    let Some(location) = location(reply) else {
        return Err(Failure::new(
            Exit::Unknown,
            "it was taken without an address to ask",
        ));
    };
    let begun = room.clock.elapsed();
    loop {
        let request = http::Request::get(&location)
            .body(Bytes::new())
            .map_err(|why| Failure::new(Exit::Unknown, format!("{location}: {why}")))?;
        let reply = exchange(room, transport, request).await?;
        let over = room.clock.elapsed().saturating_sub(begun) >= limit;
        if reply.status().as_u16() != 202 || over {
            room.terminal.progress_over();
            return Ok(end(room, &reply));
        }
        room.terminal.progress("  waiting for what becomes of it");
        if pause(room, ASK_EVERY).await == Pause::Interrupted {
            return Ok(Exit::Interrupted);
        }
    }
}

fn end(room: &mut Room, reply: &Reply) -> Exit {
    let body: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
    let state = body
        .get("state")
        .and_then(Value::as_str)
        .unwrap_or("unknown");
    if room.terminal.wants_json() {
        room.terminal.json(&body);
    } else {
        room.terminal.line(state);
        let comment = body.get("incident_comment").and_then(Value::as_str);
        for line in comment.into_iter().flat_map(str::lines) {
            room.terminal.line(&format!("  {line}"));
        }
    }
    match state {
        "ignored" | "observed" => Exit::Done,
        "quarantined" => Exit::Failed,
        "received" => Exit::Unknown,
        state => RunState::from_word(state).map_or(Exit::Unknown, Exit::of_containment),
    }
}
