//! Hearing without a service: a port of this machine, a secret, and a word on each delivery.
//!
//! Nothing is stored, read or set in motion. The sender hears what a service would let it hear,
//! taken or refused; the reason is for whoever reads along.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::onward::Onward;
use super::{is_wanted, tell};
use crate::cli::Room;
use crate::cli::answers::{Answer, Failure};
use crate::cli::args::{ListenArgs, Manner};
use crate::cli::exit::Exit;
use crate::cli::pen;
use crate::cli::server::private_text;
use crate::clock::Clock;
use crate::domain::delivery::BODY_MAX;
use crate::domain::detection::SourceName;
use crate::ingress::is_plain_json;
use crate::listener::{self, Limits};
use crate::signature::Profile;

/// Where it listens unless told: beside the service's own doors.
const USUAL: &str = "127.0.0.1:8789";
/// How long a body may take to arrive, as at the service's door.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// Deliveries that wait to be shown; senders wait beyond.
const WAITING_MAX: usize = 64;
/// How long an answer on its way may still take at the end.
const DRAIN: Duration = Duration::from_secs(2);
/// What the drawn secret is called.
const DRAWN: &str = "drawn";

/// One delivery: what is said of it, and what can be posted on, where it came whole.
struct Came {
    line: Value,
    whole: Option<(HeaderMap, Bytes)>,
}

/// What every connection shares.
struct Ear {
    profile: Profile,
    clock: Clock,
    said: mpsc::Sender<Came>,
}

pub(super) async fn listen(room: &mut Room, args: ListenArgs) -> Answer {
    let manner = args.scheme.as_ref().unwrap_or(&Manner::StandardWebhooks);
    if let Some(file) = &args.key {
        keep(room, manner, file)?;
        if args.print_secret {
            return print(room, file);
        }
    }
    let (profile, drawn) = match &args.key {
        Some(file) => (pen::profile(manner, std::slice::from_ref(file))?, None),
        None => {
            let text = pen::drawn(manner, room.clock.random())?;
            (pen::profile_of(manner, DRAWN, &text)?, Some(text))
        }
    };
    let onward = match args.forward_to.clone() {
        Some(to) => Some(Onward::new(to, room.transport()?)?),
        None => None,
    };
    let door = open(args.on).await?;
    ready(room, &door, drawn.as_deref())?;
    let (said, heard) = mpsc::channel(WAITING_MAX);
    let clock = room.clock.clone();
    let ear = Arc::new(Ear {
        profile,
        clock: clock.clone(),
        said,
    });
    let service = tower::service_fn(move |request| {
        let ear = Arc::clone(&ear);
        async move { Ok::<_, Infallible>(ear.hear(request).await) }
    });
    let limits = Limits {
        drain: DRAIN,
        ..Limits::default()
    };
    let stop = CancellationToken::new();
    let serving = listener::serve(door, service, limits, clock, stop.clone());
    let showing = async {
        let exit = show(room, heard, &args, onward.as_ref()).await;
        stop.cancel();
        exit
    };
    let ((), exit) = tokio::join!(serving, showing);
    Ok(exit)
}

/// Makes the file of the secret where there is none.
fn keep(room: &Room, manner: &Manner, file: &Path) -> Result<(), Failure> {
    if file.exists() {
        return Ok(());
    }
    let text = pen::drawn(manner, room.clock.random())?;
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut file| writeln!(file, "{text}"));
    written.map_err(|why| Failure::usage(format!("{}: {why}", file.display())))
}

fn print(room: &mut Room, file: &Path) -> Answer {
    let text = private_text(file)?;
    if room.terminal.wants_json() {
        room.terminal.json(&json!({ "secret": text.trim() }));
    } else {
        room.terminal.line(text.trim());
    }
    Ok(Exit::Done)
}

async fn open(on: Option<SocketAddr>) -> Result<TcpListener, Failure> {
    let usual = || {
        USUAL
            .parse()
            .map_err(|_| Failure::usage("name an address with --on"))
    };
    let on = on.map_or_else(usual, Ok)?;
    if !on.ip().is_loopback() {
        return Err(Failure::usage(format!("{on} is open to others"))
            .fix("listen on 127.0.0.1; a tunnel or a proxy with TLS brings deliveries there"));
    }
    TcpListener::bind(on)
        .await
        .map_err(|why| Failure::usage(format!("{on}: {why}")).fix("name another with --on"))
}

fn ready(room: &mut Room, door: &TcpListener, drawn: Option<&str>) -> Result<(), Failure> {
    let address = door.local_addr();
    let address = address.map_err(|why| Failure::usage(why.to_string()))?;
    room.terminal.say(&format!(
        "Ready. Post to http://{address}/v1/ingest/NAME; nothing is kept or set in motion (^C to quit)."
    ));
    if let Some(secret) = drawn {
        room.terminal
            .say(&format!("The sender's secret, for this once: {secret}"));
    }
    Ok(())
}

async fn show(
    room: &mut Room,
    mut heard: mpsc::Receiver<Came>,
    args: &ListenArgs,
    onward: Option<&Onward>,
) -> Exit {
    loop {
        let came = tokio::select! {
            came = heard.recv() => came,
            _ = tokio::signal::ctrl_c() => None,
        };
        let Some(Came { mut line, whole }) = came else {
            return Exit::Interrupted;
        };
        if !is_wanted(&line, args.source.as_deref()) {
            continue;
        }
        // A person sees what came before the far end has answered; a script reads one line.
        let by_hand = !room.terminal.wants_json();
        if by_hand {
            tell(room, &line);
        }
        if let (Some(onward), Some((headers, body))) = (onward, whole) {
            let came_of_it = onward.post(room, headers, body).await;
            if by_hand {
                room.terminal
                    .line(&format!("            {}", in_words(&came_of_it)));
            }
            line["forwarded"] = came_of_it;
        }
        if !by_hand {
            tell(room, &line);
        }
        if args.once {
            let genuine = line["verdict"] == "genuine";
            return if genuine { Exit::Done } else { Exit::Failed };
        }
    }
}

fn in_words(forwarded: &Value) -> String {
    match (&forwarded["status"], &forwarded["error"]) {
        (Value::Number(status), _) => {
            format!("forwarded: {status} after {} ms", forwarded["millis"])
        }
        (_, error) => format!("not forwarded: {}", error.as_str().unwrap_or_default()),
    }
}

impl Ear {
    async fn hear(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let came = self.clock.elapsed();
        let (parts, body) = request.into_parts();
        let source = parts
            .uri
            .path()
            .rsplit('/')
            .next()
            .and_then(SourceName::new);
        let mut line = json!({ "at": self.clock.now(), "source": source });
        let limited = Limited::new(body, BODY_MAX).collect();
        let whole = match self.clock.within(BODY_WITHIN, limited).await {
            Ok(Ok(body)) if parts.method == Method::POST => Some((parts.headers, body.to_bytes())),
            Ok(Ok(_) | Err(_)) | Err(_) => None,
        };
        let status = match &whole {
            Some((headers, body)) => self.judge((headers, body), &mut line),
            None => {
                line["verdict"] = "no_delivery".into();
                line["hint"] = "a POST with at most 1 MiB, whole within 10 s".into();
                StatusCode::BAD_REQUEST
            }
        };
        line["status"] = status.as_u16().into();
        let took = self.clock.elapsed().saturating_sub(came);
        line["took_millis"] = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).into();
        // Nobody reads along any more only at the end, and then the answer is all that matters.
        let _ = self.said.send(Came { line, whole }).await;
        reply(status)
    }

    /// What a service would say of it, and in the line why.
    fn judge(&self, (headers, body): (&HeaderMap, &Bytes), line: &mut Value) -> StatusCode {
        line["bytes"] = body.len().into();
        if !is_plain_json(headers) {
            line["verdict"] = "not_json".into();
            line["hint"] = "send Content-Type: application/json and no Content-Encoding".into();
            return StatusCode::UNSUPPORTED_MEDIA_TYPE;
        }
        let now = self.clock.now();
        line["skew_seconds"] = self.profile.skew(headers, now).into();
        match self.profile.verify(headers, body, now) {
            Ok(witness) => {
                line["verdict"] = "genuine".into();
                line["key"] = witness.key.as_str().into();
                StatusCode::OK
            }
            Err(refusal) => {
                line["verdict"] = refusal.word().into();
                line["hint"] = self.profile.hint(headers, body, now).into();
                StatusCode::UNAUTHORIZED
            }
        }
    }
}

fn reply(status: StatusCode) -> Response<Full<Bytes>> {
    let text = match status {
        StatusCode::OK => r#"{"state":"heard"}"#,
        StatusCode::UNAUTHORIZED => r#"{"code":"refused"}"#,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => r#"{"code":"not-json"}"#,
        _ => r#"{"code":"no-delivery"}"#,
    };
    let mut reply = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *reply.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    reply.headers_mut().insert(CONTENT_TYPE, json);
    reply
}
