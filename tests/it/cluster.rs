//! A real PostgreSQL of this machine, started once for all tests of this program and stopped with
//! it. Every world gets a database of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use estop::clock::Clock;
use estop::store::{Entry, Place, Store};

/// Names what of this machine the tests must not do without.
const REQUIRE: &str = "ESTOP_TEST_REQUIRE";
/// Says what the worlds of all tests are stored in.
const STORE: &str = "ESTOP_TEST_STORE";
/// The role that the service is in every database.
pub const ROLE: &str = "estop";

/// The database that those of most worlds are copies of.
const TEMPLATE: &str = "opened_once";

/// Starts the server, and ends it when our end of the pipe closes, however we end.
const KEEPER: &str = r#"
set -e
trap : INT TERM HUP
"$1/initdb" -D "$2/data" -U postgres -A trust -E UTF8 --no-sync --data-checksums >"$2/log" 2>&1
echo "unix_socket_directories = '$2'" >>"$2/data/postgresql.conf"
printf '%s\n' "listen_addresses = '127.0.0.1'" "port = $3" 'max_connections = 400' \
    'shared_buffers = 64MB' 'max_wal_size = 256MB' >>"$2/data/postgresql.conf"
"$1/pg_ctl" -D "$2/data" -l "$2/log" -w start >/dev/null 2>&1
echo ready
read -r _ || true
"$1/pg_ctl" -D "$2/data" -m immediate -w stop >/dev/null 2>&1 || true
rm -rf "$2/data" "$2/log"
"#;

/// The server.
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    pub port: u16,
    /// Is there a database that a service has given its schema?
    has_template: OnceLock<()>,
    _keeper: Child,
}

/// Starts the pooler once it takes connections, and ends it when our end of the pipe closes.
const POOLING: &str = r#"
"$1" -q "$2/pooler-$3.ini" >"$2/pooler-$3.log" 2>&1 &
pooler=$!
until (exec 3<>"/dev/tcp/127.0.0.1/$3") 2>/dev/null; do
  kill -0 $pooler 2>/dev/null || exit 1
  sleep 0.05
done
echo ready
read -r _ || true
kill $pooler 2>/dev/null || true
"#;

/// A pooler before the server.
pub struct Pooler {
    pub port: u16,
    _keeper: Child,
}

impl Pooler {
    /// One that lends its connections so: `session` or `transaction`. None where the machine has no
    /// pgbouncer, which is said.
    pub fn before(cluster: &Cluster, mode: &str) -> Option<Self> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].map(Path::new);
        let Some(program) = program.into_iter().find(|program| program.is_file()) else {
            lacks("pooler", "pgbouncer");
            return None;
        };
        let (folder, port) = (&cluster.folder, free_port());
        let written = format!(
            "[databases]\n* = host={} port={} user={ROLE}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n\
             default_pool_size = 20\n",
            folder.display(),
            cluster.port
        );
        std::fs::write(folder.join(format!("pooler-{port}.ini")), written).unwrap();
        let mut keeper = as_somebody(folder);
        keeper.args(["bash", "-c", POOLING, "pooling"]);
        keeper.arg(program).arg(folder).arg(port.to_string());
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = keeper.spawn().unwrap();
        let mut said = String::new();
        let mut out = std::io::BufReader::new(keeper.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut out, &mut said).unwrap();
        let log = || std::fs::read_to_string(folder.join(format!("pooler-{port}.log")));
        assert_eq!(said, "ready\n", "pgbouncer did not start: {:?}", log());
        Some(Self {
            port,
            _keeper: keeper,
        })
    }
}

/// A database in it, dropped with its world.
pub struct Database {
    pub name: String,
    cluster: Arc<Cluster>,
    /// Where it is reached instead of at its socket: a port of this machine.
    way: Option<u16>,
}

impl Cluster {
    /// The one of this program. None where the machine has no PostgreSQL, which is said, and is a
    /// failure where it is required.
    pub fn get() -> Option<Arc<Self>> {
        static CLUSTER: OnceLock<Option<Arc<Cluster>>> = OnceLock::new();
        CLUSTER.get_or_init(Self::of_its_own).clone()
    }

    /// One beside it, for a test that ends the server or makes another of it.
    pub fn of_its_own() -> Option<Arc<Self>> {
        Self::start().map(Arc::new)
    }

    fn start() -> Option<Self> {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let Some(programs) = programs() else {
            lacks("postgres", "PostgreSQL (initdb, pg_ctl, psql)");
            return None;
        };
        let memory = Path::new("/dev/shm");
        let within = if memory.is_dir() {
            memory
        } else {
            Path::new("/tmp")
        };
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = within.join(format!("estop-pg-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let port = free_port();
        let mut keeper = as_somebody(&folder);
        keeper.args(["bash", "-c", KEEPER, "keeper"]);
        keeper.arg(&programs).arg(&folder).arg(port.to_string());
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = keeper.spawn().unwrap();
        let mut said = String::new();
        let mut out = std::io::BufReader::new(keeper.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut out, &mut said).unwrap();
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert_eq!(said, "ready\n", "PostgreSQL did not start: {}", log());
        let cluster = Self {
            programs,
            folder,
            port,
            has_template: OnceLock::new(),
            _keeper: keeper,
        };
        cluster.tell("postgres", &format!("create role {ROLE} login"));
        Some(cluster)
    }

    /// The address of one of its databases for this role.
    fn address_of(&self, database: &str, role: &str) -> String {
        let (folder, port) = (self.folder.display(), self.port);
        format!("postgres:///{database}?host={folder}&port={port}&user={role}")
    }

    /// Says something to it as its superuser, and answers what it says.
    pub fn tell(&self, database: &str, words: &str) -> String {
        let ended = self.say(database, words);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{words}: {said}");
        String::from_utf8(ended.stdout).unwrap()
    }

    fn say(&self, database: &str, words: &str) -> Output {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args([
            "-U",
            "postgres",
            "-d",
            database,
            "-qAtX",
            "-v",
            "ON_ERROR_STOP=1",
        ]);
        psql.arg("-h").arg(&self.folder);
        psql.args(["-p", &self.port.to_string()]);
        psql.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut psql = psql.spawn().unwrap();
        psql.stdin
            .take()
            .unwrap()
            .write_all(words.as_bytes())
            .unwrap();
        psql.wait_with_output().unwrap()
    }
}

impl Cluster {
    /// Ends it as a power cut would, and starts it again.
    pub fn restart(&self) {
        let mut control = as_somebody(&self.folder);
        control.arg(self.programs.join("pg_ctl"));
        control.arg("-D").arg(self.folder.join("data"));
        control.arg("-l").arg(self.folder.join("log"));
        control.args(["-m", "immediate", "-w", "restart"]);
        control.stdin(Stdio::null()).stdout(Stdio::null());
        let ended = control.stderr(Stdio::null()).status().unwrap();
        assert!(ended.success(), "PostgreSQL did not come back");
    }

    /// Takes a file out of its folder of data.
    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.join("data").join(name)).unwrap();
    }

    /// Puts a file of its own into its folder of data.
    pub fn put(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.folder.join("data").join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        if is_root() {
            give_to_postgres(&path);
        }
    }
}

impl Database {
    /// An empty one, where there is a PostgreSQL.
    pub fn fresh() -> Option<Self> {
        Cluster::get().map(Self::on)
    }

    /// An empty one on this server.
    pub fn on(cluster: Arc<Cluster>) -> Self {
        Self::made(cluster, "")
    }

    /// A copy of one that a service has opened once, and nothing else: a tenth of a second instead
    /// of three tenths, for those that are not about the making of the schema.
    fn copied(cluster: Arc<Cluster>) -> Self {
        cluster.has_template.get_or_init(|| migrate(&cluster));
        Self::made(cluster, &format!("template {TEMPLATE} strategy file_copy"))
    }

    fn made(cluster: Arc<Cluster>, as_what: &str) -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("world_{}", MADE.fetch_add(1, Ordering::Relaxed));
        let make = format!("create database {name} owner {ROLE} {as_what}");
        cluster.tell("postgres", &make);
        Self {
            name,
            cluster,
            way: None,
        }
    }

    /// The same, reached at this port of this machine.
    pub fn by_way_of(mut self, port: u16) -> Self {
        self.way = Some(port);
        self
    }

    /// One that no service has worked on, where all worlds are to be stored in one.
    pub fn if_wanted() -> Option<Self> {
        let cluster = is_wanted().then(Cluster::get).flatten();
        cluster.map(Self::copied)
    }

    /// Its address.
    pub fn address(&self) -> String {
        if let Some(port) = self.way {
            return format!("postgres://{ROLE}@127.0.0.1:{port}/{}", self.name);
        }
        self.address_as(ROLE)
    }

    /// Its address for another role.
    pub fn address_as(&self, role: &str) -> String {
        self.cluster.address_of(&self.name, role)
    }

    /// What it says when this role says something; empty where it is done.
    pub fn answers(&self, role: &str, words: &str) -> String {
        let words = format!("set role {role};\n{words}");
        let ended = self.cluster.say(&self.name, &words);
        String::from_utf8(ended.stderr).unwrap()
    }

    /// Its line in a configuration.
    pub fn line(&self) -> String {
        format!("store: \"{}\"\n", self.address())
    }

    /// Says something to it as its superuser, and answers what it says.
    pub fn tell(&self, words: &str) -> String {
        self.cluster.tell(&self.name, words)
    }

    /// Lets no service in, and cuts every connection that is there.
    pub fn shut(&self) {
        let shut = format!("alter database {} with allow_connections false", self.name);
        self.cluster.tell("postgres", &shut);
        let cut = format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}'",
            self.name
        );
        self.cluster.tell("postgres", &cut);
    }

    /// Lets services in again.
    pub fn open(&self) {
        let open = format!("alter database {} with allow_connections true", self.name);
        self.cluster.tell("postgres", &open);
    }

    /// Cuts every connection of services to it.
    pub fn cut(&self) {
        self.tell(
            "select pg_terminate_backend(pid) from pg_stat_activity \
             where datname = current_database() and pid <> pg_backend_pid()",
        );
    }
}

/// Makes the database that others are copies of, as a service does, and leaves it.
fn migrate(cluster: &Cluster) {
    cluster.tell(
        "postgres",
        &format!("create database {TEMPLATE} owner {ROLE}"),
    );
    let address = cluster.address_of(TEMPLATE, ROLE);
    // A world is made by somebody whose runtime must not wait.
    let opening = std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(async {
            let place = Place::read(&address, Path::new("/")).unwrap();
            let opened = Store::open(place, Entry::Visit, Clock::system()).await;
            drop(opened.unwrap());
        });
    });
    opening.join().unwrap();
    cluster.tell(
        "postgres",
        &format!(
            "alter database {TEMPLATE} with allow_connections false;
             select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '{TEMPLATE}'"
        ),
    );
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("drop database {} with (force)", self.name);
        self.cluster.tell("postgres", &drop);
    }
}

/// Is a test about what only SQLite has, such as its file, where all worlds are to be stored in
/// PostgreSQL? Then it says so, and is over.
pub fn is_only_for_sqlite(about: &str) -> bool {
    let skipped = is_wanted();
    if skipped {
        say(&format!("NOT TESTED in PostgreSQL: it is about {about}"));
    }
    skipped
}

/// Says that this machine lacks something that tests need, which is a failure where it is required.
fn lacks(what: &str, program: &str) {
    let required = variable(REQUIRE).is_some_and(|named| named.contains(what));
    assert!(
        !required,
        "{REQUIRE} names {what}, and this machine has none"
    );
    say(&format!("NOT TESTED: this machine has no {program}"));
}

fn say(words: &str) {
    // Whoever cannot be told misses only that.
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// Are all worlds to be stored in PostgreSQL?
pub fn is_wanted() -> bool {
    match variable(STORE).as_deref() {
        Some("postgres") => true,
        Some(other) => panic!("{STORE} is `{other}`; only postgres is known"),
        None => false,
    }
}

/// A variable of the environment.
#[allow(clippy::disallowed_methods, reason = "the tests are their own roof")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A port that nobody listens at.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The folder of its programs: the newest of Debian's, else where `initdb` is found.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok();
    let mut folders: Vec<PathBuf> = versions
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .collect();
    folders.sort();
    folders.reverse();
    let path = variable("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    folders.into_iter().find(|folder| {
        let has = |program| folder.join(program).is_file();
        has("initdb") && has("pg_ctl") && has("psql")
    })
}

/// PostgreSQL refuses to run as root: then it runs as the user its package made.
fn as_somebody(folder: &Path) -> Command {
    if !is_root() {
        return Command::new("env");
    }
    give_to_postgres(folder);
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

fn give_to_postgres(path: &Path) {
    let owned = Command::new("chown").arg("postgres").arg(path).status();
    assert!(
        owned.unwrap().success(),
        "there is no user `postgres` to run it as"
    );
}
