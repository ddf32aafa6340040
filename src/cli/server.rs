//! The control API, as the command line speaks to it.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::{Host, Url};

use super::answers::Failure;
use super::args::Reach;
use super::exit::Exit;
use crate::api::Told;
use crate::clock::Clock;
use crate::transport::{Answer, Failure as Broken, Transport};

/// Longest token file that is read, in bytes.
const TOKEN_FILE_MAX: u64 = 4096;
/// Permission bits nobody but the owner may have.
const FORBIDDEN_MODE: u32 = 0o177;
/// Longest wait for one answer.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// A server and the credential for it.
pub(super) struct Server {
    base: String,
    authorization: HeaderValue,
    transport: Transport,
    clock: Clock,
}

impl Server {
    pub(super) fn of(reach: &Reach, transport: Transport, clock: Clock) -> Result<Self, Failure> {
        let base = safe_base(&reach.server)?;
        let Some(file) = &reach.token_file else {
            return Err(Failure::usage("no token is named").fix(
                "name its file with --token-file or ESTOP_TOKEN_FILE; make one with: \
                 estop token create",
            ));
        };
        let token = private_text(file)?;
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", token.trim()))
            .map_err(|_| Failure::usage(format!("{}: it holds no token", file.display())))?;
        authorization.set_sensitive(true);
        Ok(Self {
            base,
            authorization,
            transport,
            clock,
        })
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let answer = self.exchange(Method::GET, path, None).await?;
        understood(&answer)
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let answer = self.exchange(Method::POST, path, written(body)).await?;
        understood(&answer)
    }

    pub(super) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let answer = self.exchange(Method::PUT, path, written(body)).await?;
        understood(&answer)
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Answer, Failure> {
        let mut request = http::Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", self.base))
            .header("authorization", self.authorization.clone())
            .header("accept", "application/json");
        if body.is_some() {
            request = request
                .header("content-type", "application/json")
                .header("idempotency-key", self.clock.uuid().to_string());
        }
        let request = request
            .body(body.unwrap_or_default())
            .map_err(|why| Failure::usage(format!("the address cannot be used: {why}")))?;
        let sent = self
            .clock
            .within(CALL_LIMIT, self.transport.send(request))
            .await;
        let answer = match sent {
            Ok(Ok(answer)) => answer,
            Ok(Err(broken)) => return Err(self.broken(&method, &broken)),
            Err(_) => {
                let lost = Broken::Lost("no answer in time".to_owned());
                return Err(self.broken(&method, &lost));
            }
        };
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(refusal(&answer))
    }

    fn broken(&self, method: &Method, broken: &Broken) -> Failure {
        let exit = match broken {
            Broken::Lost(_) if *method != Method::GET => Exit::Unknown,
            Broken::Lost(_) | Broken::NotSent(_) => Exit::Unreachable,
        };
        Failure::new(exit, format!("{}: {broken}", self.base))
            .fix("is the server running? name another with --server or ESTOP_SERVER")
    }
}

fn written(body: &impl Serialize) -> Option<Bytes> {
    // What is sent are texts and words: they serialize.
    Some(serde_json::to_vec(body).unwrap_or_default().into())
}

fn understood<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    serde_json::from_slice(answer.body()).map_err(|why| {
        Failure::new(
            Exit::Failed,
            format!("the server's answer cannot be read: {why}"),
        )
        .fix("use the command line of the same version as the server")
    })
}

fn refusal(answer: &Answer) -> Failure {
    if let Ok(told) = serde_json::from_slice::<Told>(answer.body()) {
        return Failure::told(told);
    }
    let status = answer.status().as_u16();
    Failure::new(
        Exit::of_problem(status, ""),
        format!("the server answered {status} without saying why"),
    )
}

/// Where the server is, without a path. A token goes over plain HTTP on this machine only.
pub(super) fn safe_base(server: &Url) -> Result<String, Failure> {
    let safe = server.scheme() == "https" || (server.scheme() == "http" && is_here(server));
    let plain = server.username().is_empty()
        && server.password().is_none()
        && server.query().is_none()
        && server.fragment().is_none();
    if !safe || !plain {
        return Err(Failure::usage(format!(
            "{} cannot be the server",
            server.host_str().unwrap_or("this address")
        ))
        .fix("use https, or http on this machine; no credentials in the address"));
    }
    Ok(server.as_str().trim_end_matches('/').to_owned())
}

/// Whether this address is this machine's own.
pub(super) fn is_here(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The text of a file that only its owner can read. The opened file is looked at, not its path.
pub(super) fn private_text(path: &Path) -> Result<String, Failure> {
    use std::io::Read as _;
    let shown = path.display();
    let unusable = |why: std::io::Error| Failure::usage(format!("{shown}: {why}"));
    let file = std::fs::File::open(path).map_err(unusable)?;
    let about = file.metadata().map_err(unusable)?;
    if !about.is_file() || about.len() > TOKEN_FILE_MAX {
        return Err(Failure::usage(format!("{shown}: it is no token file")));
    }
    refuse_if_shared(path, &about)?;
    let mut text = String::new();
    file.take(TOKEN_FILE_MAX)
        .read_to_string(&mut text)
        .map_err(unusable)?;
    Ok(text)
}

#[cfg(unix)]
fn refuse_if_shared(path: &Path, about: &std::fs::Metadata) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    if about.permissions().mode() & FORBIDDEN_MODE == 0 {
        return Ok(());
    }
    let shown = path.display();
    Err(
        Failure::usage(format!("{shown}: others may read it")).fix(format!(
            "revoke the token if they did; then: chmod 600 {shown}"
        )),
    )
}

#[cfg(not(unix))]
fn refuse_if_shared(_: &Path, _: &std::fs::Metadata) -> Result<(), Failure> {
    Ok(())
}

/// A text as one value of a query.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        query.append_pair(name, value);
    }
    query.finish()
}

/// Part of an answer as text, for tables; empty where it is absent.
pub(super) fn cell(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
