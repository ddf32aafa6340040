//! The stage: a simulated tenant on loopback, and this program as a child that serves it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use uuid::Uuid;

use super::NotObserved;
use crate::clock::Clock;
use crate::command::{NewName, create_token};
use crate::domain::order::{Operator, Scope};
use crate::signature::{Secret, sign};
use crate::sim::Entra;
use crate::store::{Entry, Store};
use crate::transport::{Answer, Transport};

/// Longest wait for the child to open its doors.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Everything the story plays on. Dropping it ends the child.
pub(super) struct Stage {
    pub(super) entra: Entra,
    pub(super) clock: Clock,
    pub(super) tenant_url: String,
    pub(super) deliveries_url: String,
    pub(super) control_url: String,
    pub(super) store: Store,
    transport: Transport,
    secret: Secret,
    token: String,
    _service: Played,
    _writing: tokio::task::JoinSet<()>,
    // Behind whoever writes there.
    pub(super) folder: tempdir::Folder,
}

/// A loopback socket for the simulated tenant.
pub(in crate::cli) async fn tenant_door() -> Result<(TcpListener, String), NotObserved> {
    let unusable = |error: std::io::Error| NotObserved(format!("no loopback socket: {error}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(unusable)?;
    let address = listener.local_addr().map_err(unusable)?;
    Ok((listener, format!("http://{address}")))
}

/// The child. It is dead before anything else of the stage goes.
struct Played(Child);

impl Drop for Played {
    fn drop(&mut self) {
        let pid = self.0.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        // Without a number it has ended already.
        if let (Some(pid), Ok(())) = (pid, self.0.start_kill()) {
            let _ = waitpid(Some(pid), WaitOptions::empty());
        }
    }
}

impl Stage {
    pub(super) async fn set(
        entra: &Entra,
        tenant_url: &str,
        clock: &Clock,
    ) -> Result<Self, NotObserved> {
        let folder = tempdir::Folder::make(clock)?;
        let secret = Secret::fresh(clock.random());
        folder.write("demo.key", &secret.reveal())?;
        folder.write("estop.yaml", &configuration(entra, tenant_url))?;
        let mut child = start(folder.path(), &["--as-recommended"], (entra, tenant_url))?;
        let (deliveries_url, control_url) = doors(&mut child, clock).await?;
        let opened =
            Store::open(&folder.path().join("estop.db"), Entry::Visit, clock.clone()).await;
        let (store, writing) = opened.map_err(|error| NotObserved(error.to_string()))?;
        let mut loops = tokio::task::JoinSet::new();
        loops.spawn(writing);
        let token = token(&store, clock).await?;
        let transport = Transport::over_network()
            .map_err(|error| NotObserved(format!("no network client: {error}")))?;
        Ok(Self {
            entra: entra.clone(),
            clock: clock.clone(),
            tenant_url: tenant_url.to_owned(),
            deliveries_url,
            control_url,
            store,
            folder,
            transport,
            secret,
            token,
            _service: Played(child),
            _writing: loops,
        })
    }

    /// Posts a body as a sender would: signed, over HTTP.
    pub(super) async fn post(&self, body: &str) -> Result<Answer, NotObserved> {
        let id = format!("msg_{}", self.clock.uuid().simple());
        let at = self.clock.now().as_seconds();
        let request = http::Request::post(format!("{}v1/ingest/demo", self.deliveries_url))
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", at)
            .header(
                "webhook-signature",
                sign(&self.secret, &id, at, body.as_bytes()),
            )
            .body(Bytes::from(body.to_owned()));
        self.send(request).await
    }

    /// Gives an order as a person's command line would: over the control API, with a token.
    pub(super) async fn order(
        &self,
        path: &str,
        wanted: &serde_json::Value,
    ) -> Result<Answer, NotObserved> {
        let request = http::Request::post(format!("{}{path}", self.control_url))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.token))
            .header("idempotency-key", self.clock.uuid().to_string())
            .body(Bytes::from(wanted.to_string()));
        self.send(request).await
    }

    /// Asks the simulated tenant for a token in an agent's name.
    pub(super) async fn sign_in(&self, agent: Uuid) -> Result<Answer, NotObserved> {
        let request = self
            .entra
            .sign_in_request(agent, &self.tenant_url)
            .ok_or_else(|| NotObserved("the agent is not in the simulated tenant".to_owned()))?;
        self.send(Ok(request)).await
    }

    async fn send(
        &self,
        request: Result<http::Request<Bytes>, http::Error>,
    ) -> Result<Answer, NotObserved> {
        let request = request.map_err(|error| NotObserved(error.to_string()))?;
        let sent = self.transport.send(request).await;
        sent.map_err(|failure| NotObserved(format!("no answer: {failure}")))
    }
}

/// A token for the person in the story, made as `estop token create` makes it.
async fn token(store: &Store, clock: &Clock) -> Result<String, NotObserved> {
    let missing = || NotObserved("no token could be made".to_owned());
    let who = Operator {
        name: "local:demo".to_owned(),
        scope: Scope::Respond,
        person: None,
    };
    let named = (NewName::new("demo").ok_or_else(missing)?, Scope::Respond);
    let created = create_token((store, clock), &who, named, Duration::from_secs(3600)).await;
    created.map(|created| created.text).map_err(|_| missing())
}

/// Without an inventory every strike looks first, so that the story ends the same each time.
fn configuration(entra: &Entra, tenant_url: &str) -> String {
    let tenant = entra.tenant().id;
    format!(
        "# Written by `estop demo`.\n\
         listen: 127.0.0.1:0\ncontrol: {{ listen: 127.0.0.1:0 }}\nstore: sqlite:estop.db\n\
         mode: enforce\nprotected: []\ninventory: {{ every: 0s }}\n\
         tenant:\n  id: {tenant}\n  credential: managed_identity\n  \
         graph_url: {tenant_url}\n  login_url: {tenant_url}\n\
         sources:\n  demo:\n    reader: sentinel\n    \
         verify: {{ standard_webhooks: {{ secret_files: [demo.key] }} }}\n"
    )
}

/// This program as a service on what lies in the folder, beside the simulated tenant.
pub(in crate::cli) fn start(
    folder: &Path,
    options: &[&str],
    (entra, tenant_url): (&Entra, &str),
) -> Result<Child, NotObserved> {
    let program = std::env::current_exe()
        .map_err(|error| NotObserved(format!("this program cannot find itself: {error}")))?;
    Command::new(program)
        .arg("serve")
        .args(options)
        .arg("--config")
        .arg(folder.join("estop.yaml"))
        // Nothing that is set for a real service may reach into the story.
        .env_clear()
        .env("IDENTITY_ENDPOINT", format!("{tenant_url}/msi/token"))
        .env("IDENTITY_HEADER", &entra.tenant().client.identity_header)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log_file(folder)?)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| NotObserved(format!("the service could not be started: {error}")))
}

fn log_file(folder: &Path) -> Result<std::fs::File, NotObserved> {
    std::fs::File::create(folder.join("serve.log"))
        .map_err(|error| NotObserved(format!("no log file: {error}")))
}

/// Where the child says that it can be reached, within its time.
pub(in crate::cli) async fn doors(
    child: &mut Child,
    clock: &Clock,
) -> Result<(String, String), NotObserved> {
    let announced = clock.within(START_LIMIT, announcement(child)).await;
    announced
        .map_err(|_| NotObserved(format!("the service did not start within {START_LIMIT:?}")))?
}

/// The first line the child says is where it can be reached.
async fn announcement(child: &mut Child) -> Result<(String, String), NotObserved> {
    let early = || NotObserved("the service ended before it opened its doors".to_owned());
    let said = child.stdout.take().ok_or_else(early)?;
    let line = BufReader::new(said)
        .lines()
        .next_line()
        .await
        .ok()
        .flatten()
        .ok_or_else(early)?;
    let mut urls = line
        .split_whitespace()
        .filter(|word| word.starts_with("http://"));
    match (urls.next(), urls.next()) {
        (Some(deliveries), Some(control)) => Ok((
            deliveries.trim_end_matches(',').to_owned(),
            control.to_owned(),
        )),
        _ => Err(NotObserved(format!(
            "the service said `{line}` instead of its addresses"
        ))),
    }
}

/// A folder of our own that goes when the demo ends.
pub(super) mod tempdir {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    use std::path::{Path, PathBuf};

    use super::super::NotObserved;
    use crate::clock::Clock;

    pub(in super::super) struct Folder(PathBuf);

    impl Folder {
        pub(super) fn make(clock: &Clock) -> Result<Self, NotObserved> {
            let name = format!("estop-demo-{}", clock.uuid().simple());
            let path = std::env::temp_dir().join(name);
            std::fs::create_dir(&path)
                .map_err(|error| NotObserved(format!("no temporary folder: {error}")))?;
            Ok(Self(path))
        }

        pub(in super::super) fn path(&self) -> &Path {
            &self.0
        }

        pub(super) fn write(&self, name: &str, text: &str) -> Result<(), NotObserved> {
            let mut options = std::fs::OpenOptions::new();
            let written = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(self.0.join(name))
                .and_then(|mut file| file.write_all(text.as_bytes()));
            written.map_err(|error| NotObserved(format!("{name} could not be written: {error}")))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            // What is left behind is a temporary folder; the system clears it.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}
