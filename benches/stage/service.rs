//! The service as a child: the real program, or its parts with Graph's budgets taken off.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use estop::app::{Parts, Playbooks, Service, serve};
use estop::config::{Config, Overrides};
use estop::graph::{Budget, Budgets};
use estop::signature::Secret;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::tenant::Far;

/// The playbook of the strike: one disable and its proof, nothing beside them.
const STOP: &str = "playbook: bench-stop\nsummary: Stop the agent.\nowner: bench\n\
     trigger:\n  detection: [threatIntelligenceAccount]\nentity: agent\nmode: enforce\n\
     steps:\n  - disable_agent\nnotify: []\n";

/// A child that listens. Dropping it ends it.
pub struct Served {
    /// `host:port` of its door for deliveries.
    pub address: String,
    /// Its folder.
    pub folder: tempfile::TempDir,
    child: Child,
}

impl Served {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Ends it, and gives back its folder.
    pub async fn end(mut self) -> tempfile::TempDir {
        self.child.kill().await.unwrap();
        self.folder
    }
}

/// Which program is started.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `estop serve`.
    Real,
    /// The same parts without Graph's budgets, which a hundred kills a second exceed already.
    Unthrottled,
    /// The bare floor.
    Floor,
    /// The floor that has what it takes on disk before anything follows from it.
    Keeping,
}

/// Starts a child on an empty folder. `mode` is the service's mode: `off`, `observe`, `enforce`.
pub async fn start(program: Program, mode: &str, far: &Far, secret: &Secret) -> Served {
    start_on(&Ground::default(), program, mode, (far, secret)).await
}

/// What a service finds when it starts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ground {
    /// So many detections in its store.
    pub rows: u64,
    /// One more playbook, by the name of `bench-look`.
    pub playbook: Option<&'static str>,
}

/// The same on such a ground.
pub async fn start_on(
    ground: &Ground,
    program: Program,
    mode: &str,
    (far, secret): (&Far, &Secret),
) -> Served {
    let folder = super::machine::folder();
    if ground.rows > 0 {
        super::stock::fill(&folder.path().join("estop.db"), ground.rows).await;
    }
    write(folder.path(), "bench.key", &secret.reveal());
    write(folder.path(), "estop.yaml", &configuration(mode, far));
    std::fs::create_dir(folder.path().join("playbooks")).unwrap();
    write(folder.path(), "playbooks/bench-stop.yaml", STOP);
    if let Some(playbook) = ground.playbook {
        write(folder.path(), "playbooks/bench-look.yaml", playbook);
    }
    let mut child = command(program, folder.path(), far, secret)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(Duration::from_secs(30), said.next_line());
    let line = line.await.unwrap().unwrap().unwrap_or_default();
    let address = line
        .split_whitespace()
        .find_map(|word| word.strip_prefix("http://"))
        .unwrap_or_else(|| panic!("the child did not start: {}", log(folder.path())));
    Served {
        address: address.trim_end_matches([',', '/']).to_owned(),
        folder,
        child,
    }
}

fn command(program: Program, folder: &Path, far: &Far, secret: &Secret) -> Command {
    let mut command = match program {
        Program::Real => {
            let mut command = Command::new(program_file());
            command
                .arg("serve")
                .arg("--config")
                .arg(folder.join("estop.yaml"));
            command
        }
        Program::Unthrottled | Program::Floor | Program::Keeping => {
            Command::new(std::env::current_exe().unwrap())
        }
    };
    let role = match program {
        Program::Real => "",
        Program::Unthrottled => "service",
        Program::Floor => "floor",
        Program::Keeping => "keeping floor",
    };
    command
        .env("ESTOP_BENCH_ROLE", role)
        .env("ESTOP_BENCH_CONFIG", folder.join("estop.yaml"))
        .env("ESTOP_BENCH_SECRET", secret.reveal())
        .env("ESTOP_BENCH_GRAPH", &far.url)
        .env("ESTOP_BENCH_TOKEN", &far.access_token)
        .env("IDENTITY_ENDPOINT", format!("{}/msi/token", far.url))
        .env("IDENTITY_HEADER", &far.identity_header)
        .env("NO_PROXY", "*")
        .env("no_proxy", "*")
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(folder.join("serve.log")).unwrap())
        .kill_on_drop(true);
    command
}

/// The program under measurement; `ESTOP_BENCH_PROGRAM` names another, to compare two builds.
pub fn program_file() -> std::ffi::OsString {
    std::env::var_os("ESTOP_BENCH_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_estop").into())
}

/// What the child logged, for the one who reads a failed bench.
pub fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("serve.log")).unwrap_or_default()
}

fn configuration(mode: &str, far: &Far) -> String {
    // The caps are opened, since a flood of strikes is what they are there to hold back.
    format!(
        "listen: 127.0.0.1:0\ncontrol: {{ listen: 127.0.0.1:0 }}\nstore: sqlite:estop.db\n\
         mode: {mode}\nprotected: []\nplaybooks: playbooks\n\
         caps: {{ tenant: 10000, source: 10000, window: 1s, fleet_percent: 100 }}\n\
         limits: {{ connections: 4096, connections_per_address: 4096 }}\n\
         inventory: {{ every: {} }}\n\
         tenant:\n  id: {}\n  credential: managed_identity\n  graph_url: {url}\n  login_url: {url}\n\
         sources:\n  bench:\n    reader: sentinel\n    \
         verify: {{ standard_webhooks: {{ secret_files: [bench.key] }} }}\n",
        far.listed_every,
        far.tenant,
        url = far.url
    )
}

/// A file that only we may read.
pub fn write(folder: &Path, name: &str, text: &str) {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(folder.join(name))
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// The child's side of [`Program::Unthrottled`].
pub async fn serve_unthrottled() {
    let path = std::env::var("ESTOP_BENCH_CONFIG").unwrap();
    let config = Config::read(Path::new(&path), &Overrides::default()).unwrap();
    let mut parts = Parts::real(config, Playbooks::AsWritten).unwrap();
    let open = Budget {
        turns: 1_000_000,
        window: Duration::from_secs(1),
    };
    parts.budgets = Budgets {
        directory_writes: open,
        directory_reads: open,
        ..Budgets::default()
    };
    let service = Service::start(parts).await.unwrap();
    let announce = |at: &estop::app::Announced| println!("{}", at.deliveries.as_ref().unwrap());
    serve(service, announce, std::future::pending())
        .await
        .unwrap();
}
