//! The real binary, started as a platform would start it: in a folder of its own, beside a
//! simulated tenant on loopback, with the machine's own clock.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use estop::clock::Clock;
use estop::command::{NewName, at_the_machine, create_token};
use estop::domain::order::Scope;
use estop::listener;
use estop::signature::{Secret, sign};
use estop::sim::{Entra, INVOICE_BOT, Limits};
use estop::store::{Entry, Place, Store};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::cluster::Database;

/// Longest wait for a program to open its doors or to end.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long a sender waits for its answer before it sends again.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// A folder with a configuration and a key, and the tenant they are for.
pub struct Site {
    pub clock: Clock,
    pub entra: Entra,
    tenant_url: String,
    folder: tempfile::TempDir,
    secret: Secret,
    /// Where the store is not in a file: see `ESTOP_TEST_STORE`.
    database: Option<Database>,
    _tenant: JoinSet<()>,
}

impl Site {
    /// Contoso without limits, and a configuration that contains at once.
    pub async fn new() -> Self {
        Self::stored(Database::if_wanted()).await
    }

    /// The same in a file, whatever others are stored in.
    pub async fn in_file() -> Self {
        Self::stored(None).await
    }

    /// The same, for several services; none where this machine has no PostgreSQL.
    pub async fn shared() -> Option<Self> {
        Some(Self::stored(Some(Database::fresh()?)).await)
    }

    async fn stored(database: Option<Database>) -> Self {
        let clock = Clock::system();
        let entra = Entra::contoso(clock.clone());
        entra.set_limits(Limits::off());
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tenant_url = format!("http://{}", door.local_addr().unwrap());
        let mut tenant = JoinSet::new();
        tenant.spawn(listener::serve(
            door,
            entra.router(),
            listener::Limits::default(),
            clock.clone(),
            CancellationToken::new(),
        ));
        let site = Self {
            secret: Secret::fresh(clock.random()),
            folder: tempfile::tempdir().unwrap(),
            clock,
            entra,
            tenant_url,
            database,
            _tenant: tenant,
        };
        site.write("lab.key", &site.secret.reveal());
        site.write("estop.yaml", &site.configuration());
        site
    }

    /// The configuration every test starts from.
    pub fn configuration(&self) -> String {
        let (tenant, url) = (self.entra.tenant().id, &self.tenant_url);
        let store = self.store();
        // Without an inventory every strike looks first, whatever was listed before the crash; and
        // nothing is asked beside it for the evidence.
        format!(
            "listen: 127.0.0.1:0\ncontrol: {{ listen: 127.0.0.1:0 }}\nstore: \"{store}\"\n\
             mode: enforce\nprotected: []\ncaps: {{ tenant: 100, source: 100 }}\n\
             inventory: {{ every: 0s }}\ndrift: {{ every: 0s }}\nevidence: {{ within: 0s }}\n\
             tenant: {{ id: {tenant}, credential: managed_identity, \
             graph_url: \"{url}\", login_url: \"{url}\" }}\n\
             sources:\n  lab:\n    reader: estop\n    \
             verify: {{ standard_webhooks: {{ secret_files: [lab.key] }} }}\n"
        )
    }

    /// Where its configuration says that it stores.
    fn store(&self) -> String {
        let file = || "sqlite:estop.db".to_owned();
        self.database.as_ref().map_or_else(file, Database::address)
    }

    /// Where it is stored, in a server.
    pub fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    /// Do several services share its store?
    pub fn is_shared(&self) -> bool {
        self.database.is_some()
    }

    /// Writes a file that only its owner may read.
    pub fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The key that its deliveries are signed with, as it stands in the file.
    pub fn key_text(&self) -> String {
        self.secret.reveal().to_string()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the service, with these variables beside the platform's own.
    pub fn start(&self, variables: &[(&str, &str)]) -> Program {
        self.start_with(&["--as-recommended"], variables)
    }

    /// Starts the service with the playbooks its configuration names.
    pub fn start_as_written(&self) -> Program {
        self.start_with(&[], &[])
    }

    /// The same as `start` with no more than so many open files, sockets among them.
    pub fn start_within(&self, files: usize) -> Program {
        let mut shell = Command::new("sh");
        let script = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_estop")]);
        shell.args(["serve", "--as-recommended"]);
        self.spawn(self.at_home(shell), &[])
    }

    fn start_with(&self, options: &[&str], variables: &[(&str, &str)]) -> Program {
        let mut command = self.types(&["serve"]);
        command.args(options);
        self.spawn(command, variables)
    }

    fn spawn(&self, mut command: Command, variables: &[(&str, &str)]) -> Program {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join("serve.log"))
            .unwrap();
        let child = command
            .env("RUST_LOG", "info")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Program {
            child,
            clock: self.clock.clone(),
            deliveries: None,
            control: None,
        }
    }

    /// This program with other words, in the environment that the service has.
    pub fn types(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_estop"));
        command.args(words);
        self.at_home(command)
    }

    /// With the variables that lead to this site.
    pub fn at_home(&self, mut command: Command) -> Command {
        command
            .env("ESTOP_CONFIG", self.folder.path().join("estop.yaml"))
            .env(
                "IDENTITY_ENDPOINT",
                format!("{}/msi/token", self.tenant_url),
            )
            .env(
                "IDENTITY_HEADER",
                &self.entra.tenant().client.identity_header,
            )
            // Everything is on loopback, whatever proxy the machine has.
            .env("NO_PROXY", "*")
            .env("no_proxy", "*")
            .stdin(Stdio::null());
        command
    }

    /// The same, spoken to a control API with a token.
    pub fn types_at(&self, control: &str, token: &str, words: &[&str]) -> Command {
        self.write("typed.token", token);
        let mut command = self.types(words);
        command
            .env("ESTOP_SERVER", control)
            .env("ESTOP_TOKEN_FILE", self.folder.path().join("typed.token"));
        command
    }

    /// A token that may respond.
    pub async fn token(&self, store: &Store) -> String {
        let name = NewName::new("typed").unwrap();
        let life = Duration::from_secs(3600);
        let who = at_the_machine("dana");
        let made = create_token((store, &self.clock), &who, (name, Scope::Respond), life).await;
        made.unwrap().text
    }

    /// Everything the programs of this site have said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("serve.log")).unwrap_or_default()
    }

    /// Enters the store as a command beside the service would.
    pub async fn visit(&self) -> Visit {
        let place = Place::read(&self.store(), self.folder.path()).unwrap();
        let opened = Store::open(&place, Entry::Visit, self.clock.clone()).await;
        let (store, writing) = opened.unwrap();
        let mut writer = JoinSet::new();
        writer.spawn(writing);
        Visit { store, writer }
    }

    /// A detection that asks for the containment of an agent with a user account.
    pub fn detection(&self) -> String {
        self.detection_about(INVOICE_BOT)
    }

    /// The same about this agent.
    pub fn detection_about(&self, agent: Uuid) -> String {
        let detection = serde_json::json!({
            "type": "threatIntelligenceAccount", "severity": "high",
            "detection_id": self.clock.uuid().to_string(),
            "detected_at": self.clock.now().to_string(),
            "entities": [{ "kind": "agent", "id": agent.to_string() }],
        });
        detection.to_string()
    }

    /// A delivery under this id, signed now.
    pub fn signed(&self, id: &str, body: &str) -> String {
        let at = self.clock.now().as_seconds();
        let signature = sign(&self.secret, id, at, body.as_bytes());
        format!(
            "POST /v1/ingest/lab HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nwebhook-id: {id}\r\n\
             webhook-timestamp: {at}\r\nwebhook-signature: {signature}\r\n\r\n{body}",
            body.len()
        )
    }
}

/// The store while a test looks into it.
pub struct Visit {
    pub store: Store,
    writer: JoinSet<()>,
}

impl Visit {
    /// Lets go of the store: what follows finds it as if nobody had looked.
    pub async fn leave(self) {
        let Self { store, mut writer } = self;
        drop(store);
        while writer.join_next().await.is_some() {}
    }
}

/// A started service.
pub struct Program {
    child: Child,
    clock: Clock,
    deliveries: Option<String>,
    control: Option<String>,
}

impl Program {
    /// Where it takes orders, once its doors are open.
    pub fn control(&self) -> Option<String> {
        self.control.clone()
    }

    /// Waits until it says where it takes deliveries, as `host:port`. `None` when it ended first.
    pub async fn doors(&mut self) -> Option<String> {
        if let Some(said) = self.child.stdout.take() {
            let mut lines = BufReader::new(said).lines();
            let line = self.clock.within(PATIENCE, lines.next_line()).await;
            let line = line.expect("it says where it is, or ends").ok().flatten();
            let url = line
                .as_deref()
                .and_then(|line| {
                    line.split_whitespace()
                        .find_map(|word| word.strip_prefix("http://"))
                })
                .map(|url| url.trim_end_matches('/').to_owned());
            self.deliveries = url;
            let mut urls = line.as_deref().unwrap_or_default().split_whitespace();
            let last = urls.rfind(|word| word.starts_with("http://"));
            self.control = last.map(|url| url.trim_end_matches('/').to_owned());
        }
        self.deliveries.clone()
    }

    /// How it ended, if it has.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = self.clock.within(PATIENCE, self.child.wait()).await;
        ended.expect("it ends").unwrap()
    }

    /// `kill -9`, and waits until it is gone.
    pub async fn kill(&mut self) -> ExitStatus {
        self.child.start_kill().unwrap();
        self.ended().await
    }

    /// Asks it to stop, as a platform does.
    pub async fn ask_to_stop(&mut self) -> ExitStatus {
        self.signal("TERM").await;
        self.ended().await
    }

    /// Sends it a signal, while it runs.
    pub async fn signal(&self, name: &str) {
        if let Some(pid) = self.child.id() {
            let asked = Command::new("sh")
                .args(["-c", &format!("kill -{name} {pid}")])
                .status()
                .await;
            assert!(asked.unwrap().success());
        }
    }
}

/// What a server answered: its status and everything after it.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub text: String,
}

impl Answer {
    /// A header of the answer.
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next()?;
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// A member of the JSON body.
    pub fn member(&self, name: &str) -> Option<String> {
        let (_, body) = self.text.split_once("\r\n\r\n")?;
        let json: serde_json::Value = serde_json::from_str(body).ok()?;
        json[name].as_str().map(str::to_owned)
    }
}

/// One request on a connection of its own; `None` when no whole answer came in time.
pub async fn exchange(clock: &Clock, address: &str, request: &str) -> Option<Answer> {
    let talk = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let status = text.split(' ').nth(1)?.parse().ok()?;
        text.contains("\r\n\r\n").then_some(Answer { status, text })
    };
    clock.within(ANSWER_LIMIT, talk).await.ok().flatten()
}
