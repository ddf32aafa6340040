//! Which servers, ways to them and schemas are taken, and which are refused.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use estop::clock::Clock;
use estop::domain::run::RunState;
use estop::store::{Entry, Place, ServerPlace, Store};
use futures_util::future::join_all;
use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{LEASE_OVER, agents};
use crate::cluster::{Cluster, Database, ROLE};
use crate::world::{Setting, World, invoice_bot};

/// Longest that anybody waits for a server that does not speak as it should.
const PATIENCE: Duration = Duration::from_secs(12);

/// Why the store cannot be opened there; empty where it can.
async fn opened(place: &Place) -> String {
    let opened = Store::open(place, Entry::Visit, Clock::system()).await;
    opened.map_or_else(|error| error.to_string(), |_| String::new())
}

fn read(address: &str) -> ServerPlace {
    match Place::read(address, Path::new("/")).unwrap() {
        Place::Server(server) => server,
        Place::File(file) => panic!("{}", file.display()),
    }
}

#[tokio::test]
async fn d13_a_server_that_does_not_keep_what_it_says_is_refused() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let name = &world.database().name;

    let set = format!("alter role estop in database {name} set synchronous_commit = off");
    world.database().tell(&set);
    let forgets = world.refused().await;
    world.database().tell(&set.replace("off", "on"));
    let (_another, _door) = world.another().await;

    assert!(forgets.contains("synchronous_commit is `off`"), "{forgets}");
}

#[tokio::test]
async fn d02_a_superuser_is_refused() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let database = world.database();
    database.tell("create role boss superuser login");
    let address = database.address().replace("user=estop", "user=boss");
    let place = Place::read(&address, Path::new("/")).unwrap();

    let opened = Store::open(&place, Entry::Visit, world.clock.clone()).await;

    database.tell("drop role boss");
    let refused = opened.map(drop).unwrap_err().to_string();
    assert!(refused.contains("superuser"), "{refused}");
}

#[tokio::test]
async fn a_newer_schema_is_worked_on_beside_a_newer_service_unless_it_says_no() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    world.database().tell(
        "alter table run add column later text; \
         insert into migration values (900, 'later', '\\x00', 25)",
    );
    let (second, door) = world.another().await;
    let status = world.detect_through(&door, agents()[1]).await;
    world.pass(LEASE_OVER).await;
    world.settle().await;
    drop(second);
    world
        .database()
        .tell("insert into migration values (901, 'much later', '\\x00', 900)");
    let refused = world.refused().await;

    assert_eq!(status, StatusCode::ACCEPTED);
    let runs = world.runs().await;
    assert!(runs.iter().all(|run| run.state == RunState::Contained));
    assert!(refused.contains("step 901"), "{refused}");
}

/// A schema as the version before left it.
const BACK_TO_25: &str = "drop index step_entity, evidence_due, hold_due; \
    create index step_entity on step (entity_id, action); \
    create index evidence_due on evidence (state, due_at); \
    create index hold_due on hold (until) where released_at is null and over_at is null; \
    delete from migration where number > 25";

#[tokio::test]
async fn d16_a_filled_schema_of_the_version_before_is_brought_up_to_date_beside_its_service() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let indexes =
        "select indexname, indexdef from pg_indexes where schemaname = 'public' order by 1";
    let ours = world.database().tell(indexes);
    world.database().tell(BACK_TO_25);
    let theirs = world.database().tell(indexes);
    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    let before = world.runs().await;

    let (newer, door) = world.another().await;
    let migrated = world.database().tell(indexes);
    let status = world.detect_through(&door, agents()[1]).await;
    world.detect_agent(agents()[2]).await;
    world.pass(LEASE_OVER).await;
    world.settle().await;
    drop(newer);

    assert_ne!(theirs, ours);
    assert_eq!(migrated, ours);
    assert_eq!(status, StatusCode::ACCEPTED);
    let runs = world.runs().await;
    assert_eq!((before.len(), runs.len()), (1, 3));
    assert!(runs.iter().all(|run| run.state == RunState::Contained));
    world.nothing_left_over().await;
}

#[tokio::test]
async fn d16_services_that_start_at_once_on_an_empty_database_agree() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let place = Place::Server(read(&database.address()));

    let said = join_all((0..4).map(|_| opened(&place))).await;

    assert_eq!(said, [""; 4]);
    assert_eq!(database.tell("select count(*) from migration"), "2\n");
}

#[tokio::test]
async fn d16_a_schema_that_is_another_than_ours_is_refused_and_left_alone() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    world
        .database()
        .tell("update migration set digest = '\\x00' where number = 25");

    let refused = world.refused().await;

    assert!(refused.contains("another than ours"), "{refused}");
    let count = world.database().tell("select count(*) from migration");
    assert_eq!(count, "2\n");
}

#[tokio::test]
async fn d13_a_server_that_only_follows_another_is_refused() {
    let Some(cluster) = Cluster::of_its_own() else {
        return;
    };
    let database = Database::on(Arc::clone(&cluster));
    let place = Place::Server(read(&database.address()));
    let leads = opened(&place).await;

    cluster.put("standby.signal", "");
    cluster.restart();
    let follows = opened(&place).await;

    assert_eq!(leads, "");
    assert!(follows.contains("name the primary"), "{follows}");
    // So that it can be dropped.
    cluster.remove("standby.signal");
    cluster.restart();
}

/// A server with a certificate for `localhost`, which lets nobody in without TLS and the password.
struct Closed {
    database: Database,
    folder: tempfile::TempDir,
    port: u16,
}

const PASSWORD: &str = "not-a-real-password";

impl Closed {
    fn begin() -> Option<Self> {
        let cluster = Cluster::of_its_own()?;
        let folder = tempfile::tempdir().unwrap();
        for name in ["ours", "strange"] {
            certificates(&folder.path().join(name));
        }
        for name in ["server.crt", "server.key"] {
            let text = std::fs::read_to_string(folder.path().join("ours").join(name));
            cluster.put(name, &text.unwrap());
        }
        cluster.put(
            "pg_hba.conf",
            "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n\
             hostssl all all ::1/128 scram-sha-256\n",
        );
        cluster.tell("postgres", "alter system set ssl = on");
        cluster.restart();
        cluster.tell(
            "postgres",
            &format!("alter role {ROLE} password '{PASSWORD}'"),
        );
        let port = cluster.port;
        let closed = Self {
            database: Database::on(cluster),
            folder,
            port,
        };
        closed.write("right", PASSWORD);
        closed.write("wrong", "another-password");
        Some(closed)
    }

    fn write(&self, name: &str, text: &str) {
        write_private(&self.folder.path().join(name), &format!("{text}\n"));
    }

    /// The way to it by this host, believing this authority, with the password of this file.
    fn place(&self, host: &str, authority: &str, password: &str) -> Place {
        let (port, name) = (self.port, &self.database.name);
        let address = format!("postgres://{ROLE}@{host}:{port}/{name}?sslmode=verify-full");
        Place::Server(ServerPlace {
            ca_file: Some(self.file(&format!("{authority}/ca.pem"))),
            password_file: Some(self.file(password)),
            ..read(&address)
        })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// An authority, and a key with its certificate for `localhost`, into this folder.
fn certificates(folder: &Path) {
    const MAKE: &str = "set -e; mkdir \"$0\"; cd \"$0\"; \
        new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'; \
        openssl req -x509 $new -keyout ca.key -out ca.pem -subj \"/CN=${0##*/}\" -days 2; \
        openssl req $new -keyout server.key -out server.csr -subj /CN=localhost; \
        echo 'subjectAltName=DNS:localhost' >names; \
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
            -extfile names -out server.crt";
    let made = Command::new("bash").args(["-c", MAKE]).arg(folder).output();
    let made = made.unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "openssl: {said}");
}

#[tokio::test]
async fn d15_the_way_is_closed_by_a_certificate_for_exactly_this_host() {
    let Some(closed) = Closed::begin() else {
        return;
    };

    let right = opened(&closed.place("localhost", "ours", "right")).await;
    let wrong_host = opened(&closed.place("127.0.0.1", "ours", "right")).await;
    let wrong_authority = opened(&closed.place("localhost", "strange", "right")).await;
    let wrong_password = opened(&closed.place("localhost", "ours", "wrong")).await;

    assert_eq!(right, "");
    assert!(wrong_host.contains("not valid for name"), "{wrong_host}");
    assert!(
        wrong_authority.contains("UnknownIssuer"),
        "{wrong_authority}"
    );
    assert!(
        wrong_password.contains("password authentication failed"),
        "{wrong_password}"
    );
    assert!(!wrong_password.contains("another-password"));
}

#[tokio::test]
async fn d15_a_server_without_tls_is_refused_where_it_is_demanded() {
    let (Some(database), Some(cluster)) = (Database::fresh(), Cluster::get()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    certificates(&folder.path().join("ours"));
    let (port, name) = (cluster.port, &database.name);
    let address = format!("postgres://{ROLE}@localhost:{port}/{name}?sslmode=verify-full");
    let place = Place::Server(ServerPlace {
        ca_file: Some(folder.path().join("ours/ca.pem")),
        ..read(&address)
    });

    let refused = opened(&place).await;

    assert!(refused.contains("does not support TLS"), "{refused}");
}

/// What a hostile server says to whoever greets it.
const HOSTILE: [(&str, &[u8]); 6] = [
    ("silent", b""),
    ("noise", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    ("a message that never ends", b"R\xff\xff\xff\xff"),
    ("a message shorter than its length", b"R\0\0\0\x03"),
    (
        "a greeting without its end",
        b"R\0\0\0\x08\0\0\0\0K\0\0\0\x05\0",
    ),
    ("an unknown way to prove oneself", b"R\0\0\0\x08\0\0\0\x63"),
];

#[tokio::test]
async fn d15_a_hostile_server_is_given_up_in_time() {
    for (name, words) in HOSTILE {
        let (place, _server) = hostile(move |_| words.to_vec()).await;
        let given_up = Clock::system().within(PATIENCE, opened(&place)).await;
        assert!(given_up.is_ok_and(|said| !said.is_empty()), "{name}");
    }
}

/// A file that only we may read, as a password must be.
fn write_private(file: &Path, text: &str) {
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn d15_a_server_that_wants_endless_work_for_the_password_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    write_private(&file, PASSWORD);
    let (place, _server) = hostile(|heard| {
        // It offers SCRAM, and answers the client's nonce by a count of rounds that takes for ever.
        let text = String::from_utf8_lossy(heard);
        match text.split_once(",r=") {
            None => message(10, b"SCRAM-SHA-256\0\0"),
            Some((_, nonce)) => {
                let words = format!("r={nonce}more,s=c2FsdHNhbHQ=,i=4294967295");
                message(11, words.as_bytes())
            }
        }
    })
    .await;
    let Place::Server(server) = place else {
        unreachable!("it is a server");
    };
    let place = Place::Server(ServerPlace {
        password_file: Some(file),
        ..server
    });

    let given_up = Clock::system().within(PATIENCE, opened(&place)).await;

    assert!(given_up.is_ok_and(|said| !said.is_empty()));
}

/// A message about how to prove oneself.
fn message(kind: u32, rest: &[u8]) -> Vec<u8> {
    let length = u32::try_from(rest.len() + 8).unwrap();
    let mut message = vec![b'R'];
    message.extend(length.to_be_bytes());
    message.extend(kind.to_be_bytes());
    message.extend(rest);
    message
}

/// A server that answers whatever it hears so, and then waits.
async fn hostile(
    answer: impl Fn(&[u8]) -> Vec<u8> + Clone + Send + 'static,
) -> (Place, JoinSet<()>) {
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = door.local_addr().unwrap().port();
    let mut server = JoinSet::new();
    server.spawn(async move {
        let mut visits = JoinSet::new();
        while let Ok((mut visitor, _)) = door.accept().await {
            let answer = answer.clone();
            visits.spawn(async move {
                let mut heard = [0; 4096];
                while let Ok(length @ 1..) = visitor.read(&mut heard).await {
                    let _ = visitor.write_all(&answer(&heard[..length])).await;
                }
            });
        }
    });
    let address = format!("postgres://{ROLE}@127.0.0.1:{port}/estop");
    (Place::Server(read(&address)), server)
}
