//! `estop serve` as a platform sees it: it starts or refuses, it dies and is started again, and it
//! ends when asked.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use estop::domain::run::{Run, RunState};
use estop::signature::Secret;
use estop::sim::{Fault, On, What};
use estop::store::{RunFilter, Store};

use crate::cluster::is_only_for_sqlite;
use crate::program::{Program, Site, exchange};

/// How often a test looks at what it waits for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long it looks before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Workers look for due runs every second.
const TWO_LOOKS: Duration = Duration::from_millis(2100);

async fn only_run(store: &Store) -> Run {
    let filter = RunFilter {
        limit: 2,
        ..RunFilter::default()
    };
    let mut runs = store.runs(filter).await.unwrap();
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs.remove(0)
}

/// Waits until there is a run: what was taken is read a moment later.
async fn begun(site: &Site, store: &Store) {
    let filter = || RunFilter {
        limit: 1,
        ..RunFilter::default()
    };
    let looking = async {
        while store.runs(filter()).await.unwrap().is_empty() {
            site.clock.sleep(LOOK_EVERY).await;
        }
    };
    let found = site.clock.within(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("nothing began:\n{}", site.log()));
}

/// Looks at the only run until it is as wanted.
async fn until(site: &Site, store: &Store, wanted: impl Fn(&Run) -> bool) -> Run {
    let looking = async {
        loop {
            let run = only_run(store).await;
            if wanted(&run) {
                return run;
            }
            site.clock.sleep(LOOK_EVERY).await;
        }
    };
    let found = site.clock.within(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("it did not come to that:\n{}", site.log()))
}

/// Looks at the only run for as long as the workers need to look twice; answers the last state.
async fn stays(site: &Site, store: &Store, state: RunState) -> RunState {
    let since = site.clock.elapsed();
    loop {
        let now = only_run(store).await.state;
        if now != state || site.clock.elapsed().saturating_sub(since) > TWO_LOOKS {
            return now;
        }
        site.clock.sleep(LOOK_EVERY).await;
    }
}

#[tokio::test]
async fn a_run_that_was_left_behind_waits_until_we_know_who_we_are() {
    let site = Site::new().await;
    let disable = On::request("PATCH", "agentIdentity$");
    site.entra
        .push_fault(Fault::new(disable, What::HoldRequest));
    let mut first = site.start(&[]);
    let address = first.doors().await.unwrap();
    let delivery = site.signed("msg_1", &site.detection());
    let taken = exchange(&site.clock, &address, &delivery).await.unwrap();
    assert_eq!(taken.status, 202);
    site.entra.until_held(1).await;
    first.kill().await;
    site.entra.release();

    let token = On::request("GET", "msi/token");
    site.entra
        .push_fault(Fault::new(token.always(), What::HoldReply));
    let mut second = site.start(&[]);
    second.doors().await.unwrap();
    site.entra.until_held(1).await;
    let visit = site.visit().await;
    let blind = stays(&site, &visit.store, RunState::Running).await;
    site.entra.clear_faults();
    site.entra.release();
    let ended = until(&site, &visit.store, |run| run.ended_at.is_some()).await;

    assert_eq!(blind, RunState::Running, "{}", site.log());
    assert_eq!(ended.state, RunState::Contained);
    visit.leave().await;
    assert_eq!(second.ask_to_stop().await.code(), Some(0));
}

#[tokio::test]
async fn e10_asked_to_stop_it_finishes_what_is_in_flight() {
    let site = Site::new().await;
    let disable = On::request("PATCH", "agentIdentity$");
    site.entra.push_fault(Fault::new(disable, What::HoldReply));
    let mut program = site.start(&[]);
    let address = program.doors().await.unwrap();
    let delivery = site.signed("msg_1", &site.detection());
    let taken = exchange(&site.clock, &address, &delivery).await.unwrap();
    assert_eq!(taken.status, 202);
    site.entra.until_held(1).await;

    let stopping = async {
        while !site.log().contains("asked to stop") {
            site.clock.sleep(LOOK_EVERY).await;
        }
        site.entra.release();
    };
    let (ended, ()) = tokio::join!(program.ask_to_stop(), stopping);

    assert_eq!(ended.code(), Some(0));
    let visit = site.visit().await;
    let run = only_run(&visit.store).await;
    assert_eq!(run.state, RunState::Contained, "{}", site.log());
    assert_eq!(visit.store.free_leases().await.unwrap(), 0);
}

#[tokio::test]
async fn asked_to_stop_without_a_token_it_does_not_wait_for_one() {
    let site = Site::new().await;
    let token = On::request("GET", "msi/token");
    site.entra
        .push_fault(Fault::new(token.always(), What::HoldReply));
    let mut program = site.start(&[]);
    program.doors().await.unwrap();
    site.entra.until_held(1).await;

    let asked = site.clock.elapsed();
    let ended = program.ask_to_stop().await;

    let took = site.clock.elapsed().saturating_sub(asked);
    assert_eq!(ended.code(), Some(0));
    assert!(took < Duration::from_secs(10), "it took {took:?}");
}

#[tokio::test]
async fn d11_a_second_service_on_one_store_is_refused() {
    if is_only_for_sqlite("a store that only one works on") {
        return;
    }
    let site = Site::new().await;
    let mut first = site.start(&[]);
    let address = first.doors().await.unwrap();

    let mut second = site.start(&[]);
    let ended = second.ended().await;

    assert_eq!(ended.code(), Some(78), "{}", site.log());
    assert_eq!(second.doors().await, None);
    let delivery = site.signed("msg_1", &site.detection());
    let taken = exchange(&site.clock, &address, &delivery).await.unwrap();
    assert_eq!(taken.status, 202);
    assert_eq!(taken.member("state").as_deref(), Some("received"));
    assert!(taken.header("location").is_some());
    assert_eq!(first.ask_to_stop().await.code(), Some(0));
}

/// A secret as it should be, in its text form.
fn fresh(site: &Site) -> String {
    Secret::fresh(site.clock.random()).reveal()
}

/// A way to get the secrets wrong.
struct Mistake {
    name: &'static str,
    make: fn(&Site),
}

const MISTAKES: [Mistake; 18] = [
    Mistake {
        name: "the file is missing",
        make: |site| std::fs::remove_file(site.folder().join("lab.key")).unwrap(),
    },
    Mistake {
        name: "it is empty",
        make: |site| site.write("lab.key", "\n"),
    },
    Mistake {
        name: "23 bytes",
        make: |site| site.write("lab.key", "whsec_cTZ2TDh5UmsyV25QczVaYkY3bUhkOUE="),
    },
    Mistake {
        name: "no prefix",
        make: |site| site.write("lab.key", fresh(site).trim_start_matches("whsec_")),
    },
    Mistake {
        name: "not base64",
        make: |site| site.write("lab.key", &fresh(site).replace('=', "!")),
    },
    Mistake {
        name: "one byte, repeated",
        make: |site| site.write("lab.key", &Secret::fresh([7; 32]).reveal()),
    },
    Mistake {
        name: "a published example",
        make: |site| site.write("lab.key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    },
    Mistake {
        name: "others may read it",
        make: |site| {
            let open = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(site.folder().join("lab.key"), open).unwrap();
        },
    },
    Mistake {
        name: "no file is named",
        make: |site| rewrite(site, "[lab.key]", "[]"),
    },
    Mistake {
        name: "the same file twice",
        make: |site| rewrite(site, "[lab.key]", "[lab.key, lab.key]"),
    },
    Mistake {
        name: "two sources share a secret",
        make: |site| {
            let verify = "verify: { standard_webhooks: { secret_files: [lab.key] } }\n";
            let twice = format!("{verify}  other:\n    reader: estop\n    {verify}");
            rewrite(site, verify, &twice);
        },
    },
    Mistake {
        name: "a source's secret is the client secret, too",
        make: |site| {
            site.write("client.secret", &site.key_text());
            rewrite(
                site,
                "credential: managed_identity",
                "client_id: 7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0, \
                 credential: { client_secret_file: client.secret }",
            );
        },
    },
    Mistake {
        name: "a source's secret is the key of status addresses, too",
        make: |site| {
            rewrite(
                site,
                "protected: []",
                "protected: []\nticket_key_file: lab.key",
            )
        },
    },
    Mistake {
        name: "a source's secret is the secret of a page, too",
        make: |site| {
            site.write("page.key", &format!("{}\n", site.key_text()));
            rewrite(
                site,
                "protected: []",
                "protected: []\npage: { oncall: { webhook: { url: \"https://x.example/\", \
                 secret_file: page.key } } }",
            );
        },
    },
    Mistake {
        name: "a source's secret is a key of the store, too",
        make: |site| {
            let bytes: [u8; 32] = site.clock.random();
            let text = Secret::fresh(bytes).reveal().to_string();
            site.write("lab.key", &text);
            site.write("store.keys", text.trim_start_matches("whsec_"));
            rewrite(
                site,
                "protected: []",
                "protected: []\nstore_key_file: store.keys",
            );
        },
    },
    Mistake {
        name: "nothing verifies a source",
        make: |site| {
            rewrite(
                site,
                "verify: { standard_webhooks: { secret_files: [lab.key] } }",
                "",
            )
        },
    },
    Mistake {
        name: "others may read the key of status addresses",
        make: |site| {
            site.write("tickets.key", &fresh(site));
            let open = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(site.folder().join("tickets.key"), open).unwrap();
            rewrite(
                site,
                "protected: []",
                "protected: []\nticket_key_file: tickets.key",
            );
        },
    },
    Mistake {
        name: "others may read what a collector of traces wants to see",
        make: |site| {
            site.write("collector.headers", "X-Key: a\n");
            let open = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(site.folder().join("collector.headers"), open).unwrap();
            rewrite(
                site,
                "protected: []",
                "protected: []\ntraces: { otlp: \"https://x.example/v1/traces\", \
                 headers_file: collector.headers }",
            );
        },
    },
];

fn rewrite(site: &Site, from: &str, to: &str) {
    let written = site.configuration();
    assert!(written.contains(from));
    site.write("estop.yaml", &written.replace(from, to));
}

/// Knocks on a door until it opens or the program behind it has ended; did it open?
async fn ever_opened(site: &Site, program: &mut Program, door: SocketAddr) -> bool {
    let knocking = async {
        while program.has_ended().is_none() {
            if tokio::net::TcpStream::connect(door).await.is_ok() {
                return true;
            }
            site.clock.sleep(Duration::from_millis(1)).await;
        }
        false
    };
    site.clock.within(PATIENCE, knocking).await.unwrap()
}

#[tokio::test]
async fn w07_f01_no_bad_secret_ever_opens_a_door() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let door = free.local_addr().unwrap();
    drop(free);

    for Mistake { name, make } in MISTAKES {
        let site = Site::new().await;
        make(&site);
        let mut program = site.start(&[("ESTOP_LISTEN", &door.to_string())]);
        let opened = ever_opened(&site, &mut program, door).await;

        assert!(!opened, "{name}:\n{}", site.log());
        let ended = program.ended().await;
        assert_eq!(ended.code(), Some(78), "{name}:\n{}", site.log());
        assert_eq!(program.doors().await, None, "{name}");
    }
}

#[tokio::test]
async fn w07_a_secret_that_opens_two_doors_is_refused_by_name() {
    let site = Site::new().await;
    site.write("tickets.key", &site.key_text());
    rewrite(
        &site,
        "protected: []",
        "protected: []\nticket_key_file: tickets.key",
    );

    let ended = site.start(&[]).ended().await;

    assert_eq!(ended.code(), Some(78));
    let log = site.log();
    for named in ["`lab`", "lab.key", "`ticket_key_file`", "tickets.key"] {
        assert!(log.contains(named), "{named}: {log}");
    }
    assert!(!log.contains(&site.key_text()), "{log}");
}

#[tokio::test]
async fn l04_the_door_for_senders_shows_no_figures_and_takes_no_orders() {
    let site = Site::new().await;
    let mut program = site.start(&[]);
    let door = program.doors().await.expect("it serves");

    for path in [
        "/metrics",
        "/debug",
        "/debug/pprof",
        "/v1/runs",
        "/v1/mode",
        "/readyz",
    ] {
        let asked = format!("GET {path} HTTP/1.1\r\nhost: {door}\r\nconnection: close\r\n\r\n");
        let answer = exchange(&site.clock, &door, &asked).await.unwrap();

        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
        assert!(!answer.text.contains("estop_"), "{path}: {}", answer.text);
    }
}

/// Most connections a stranger opens; more than there are descriptors.
const HELD: usize = 400;

#[tokio::test]
async fn w29_out_of_descriptors_it_neither_spins_nor_dies_and_comes_back() {
    let site = Site::new().await;
    let mut program = site.start_within(256);
    let door = program.doors().await.expect("it serves");
    let mut held = Vec::new();
    for _ in 0..HELD {
        held.extend(tokio::net::TcpStream::connect(&door).await.ok());
    }
    let noticed = async {
        while !site.log().contains("could not be accepted") {
            site.clock.sleep(LOOK_EVERY).await;
        }
    };
    let noticed = site.clock.within(PATIENCE, noticed).await;
    assert!(noticed.is_ok(), "{}", site.log());

    drop(held);

    let delivery = site.signed("msg_1", &site.detection());
    let taken = async {
        loop {
            let answer = exchange(&site.clock, &door, &delivery).await;
            if answer.is_some_and(|answer| answer.status == 202) {
                return;
            }
            site.clock.sleep(LOOK_EVERY).await;
        }
    };
    let taken = site.clock.within(PATIENCE, taken).await;
    assert!(taken.is_ok(), "{}", site.log());
    let lines = site.log();
    assert!(
        lines.matches("could not be accepted").count() <= 10,
        "{lines}"
    );
    assert!(program.ask_to_stop().await.success());
}

/// Everything on this machine is spoken to straight: the tenant, the platform's identity endpoint
/// and, from the command line, the control API.
#[tokio::test]
async fn f04_a_proxy_of_the_environment_sees_nothing_that_stays_on_this_machine() {
    let site = Site::new().await;
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let keys = site.folder().join("tls.keys");
    let mut hostile = vec![
        ("NO_PROXY", ""),
        ("no_proxy", ""),
        ("RUST_LOG", "trace"),
        ("SSLKEYLOGFILE", keys.to_str().unwrap()),
    ];
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        hostile.push((name, url.as_str()));
    }

    let mut program = site.start(&hostile);
    let address = program.doors().await.unwrap();
    let delivery = site.signed("msg_1", &site.detection());
    let taken = exchange(&site.clock, &address, &delivery).await.unwrap();
    assert_eq!(taken.status, 202);
    let visit = site.visit().await;
    begun(&site, &visit.store).await;
    let ended = until(&site, &visit.store, |run| run.ended_at.is_some()).await;
    let token = site.token(&visit.store).await;
    let control = program.control().unwrap();
    let mut list = site.types_at(&control, &token, &["runs", "list"]);
    let listed = list.envs(hostile).output().await.unwrap();

    assert_eq!(ended.state, RunState::Contained, "{}", site.log());
    let said = String::from_utf8_lossy(&listed.stdout);
    assert!(said.contains("contained"), "{said} {listed:?}");
    assert!(proxy.accept().is_err(), "the proxy was asked");
    assert!(!keys.exists(), "keys of TLS were written down");
    let log = site.log();
    for secret in [token.as_str(), &site.key_text(), "Bearer ey"] {
        assert!(!log.contains(secret), "a secret stands in the log");
    }
    visit.leave().await;
    assert_eq!(program.ask_to_stop().await.code(), Some(0));
}
