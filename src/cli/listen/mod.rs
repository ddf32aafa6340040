//! `estop listen`: what senders deliver to the running service, and why what is refused is; or the
//! same on a port of its own, where there is no service.
//!
//! Read next: `follow`, then `alone`, then `onward`.

mod alone;
mod follow;
mod onward;

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{ListenArgs, Reach};
use super::exit::Exit;
use super::server::cell;
use super::wait::{Pause, pause};
use crate::domain::detection::SourceName;
use follow::Followed;

/// How often the service is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// What the service heard since it was last asked.
#[derive(Deserialize)]
struct Heard {
    heard: Vec<Value>,
    last: u64,
}

pub(super) async fn listen(room: &mut Room, reach: &Reach, args: ListenArgs) -> Answer {
    let named = args.source.as_deref();
    if named.is_some_and(|name| SourceName::new(name).is_none()) {
        return Err(Failure::usage("that is not the name of a source"));
    }
    if args.is_alone() {
        return alone::listen(room, args).await;
    }
    let server = room.server(reach)?;
    let (mut last, mut followed) = (0, Followed::default());
    if !args.once {
        room.terminal
            .say("Listening to the service's door for senders (^C to quit).");
    }
    loop {
        let heard = server.get(&format!("/v1/heard?after={last}")).await;
        let heard: Heard = heard.map_err(or_alone)?;
        last = heard.last;
        for line in heard.heard.iter().filter(|line| is_wanted(line, named)) {
            tell(room, line);
            followed.add(line);
        }
        followed.look(room, &server).await?;
        if args.once {
            return Ok(Exit::Done);
        }
        if pause(room, ASK_EVERY).await == Pause::Interrupted {
            return Ok(Exit::Interrupted);
        }
    }
}

impl ListenArgs {
    /// Whether a service plays no part in it. A running one tells what it heard, and never the bytes
    /// and headers: whoever may look could send them again.
    fn is_alone(&self) -> bool {
        let asked = self.forward_to.is_some() || self.scheme.is_some() || self.key.is_some();
        asked || self.on.is_some() || self.print_secret
    }
}

fn or_alone(failure: Failure) -> Failure {
    if failure.exit() == Exit::Unreachable {
        return failure.fix(
            "start it with `estop serve`, or hear without it: estop listen --on 127.0.0.1:8789",
        );
    }
    failure
}

/// What names no source of ours may be a misspelt one, so it is always shown.
fn is_wanted(line: &Value, named: Option<&str>) -> bool {
    let source = line.get("source").and_then(Value::as_str);
    named.is_none() || source.is_none() || source == named
}

fn tell(room: &mut Room, line: &Value) {
    if room.terminal.wants_json() {
        room.terminal.json(line);
        return;
    }
    let bytes = line.get("bytes").and_then(Value::as_u64);
    let bytes = bytes.map_or("-".to_owned(), |bytes| format!("{bytes} B"));
    let words = [
        cell(line, "at"),
        cell(line, "source"),
        bytes,
        cell(line, "status"),
        cell(line, "verdict"),
        cell(line, "key"),
        sent(line),
        format!("{} ms", cell(line, "took_millis")),
        cell(line, "detection"),
    ];
    room.terminal.line(&words.join("  "));
    if let Some(hint) = line.get("hint").and_then(Value::as_str) {
        room.terminal.line(&format!("            {hint}"));
    }
}

/// How old a delivery says it is.
fn sent(line: &Value) -> String {
    match line.get("skew_seconds").and_then(Value::as_i64) {
        None => "-".to_owned(),
        Some(ahead @ ..0) => format!("sent {} s ahead of our clock", ahead.unsigned_abs()),
        Some(ago) => format!("sent {ago} s ago"),
    }
}
