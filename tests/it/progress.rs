//! Many at once from the command line: shown first, followed to the end, counted, and stopped by a
//! person.

use std::io::Cursor;
use std::process::Stdio;
use std::time::Duration;

use clap::Parser as _;
use estop::cli::{Cli, Ends, Errand, Exit, Room, Terminal};
use estop::command::{NewName, at_the_machine, create_token};
use estop::config::Environment;
use estop::domain::order::Scope;
use estop::sim::{Entra, Fault, On, Tenant, What};
use estop::transport::{Failure, Transport};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::process::Command;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::paper::Paper;
use crate::power::{DAY, Desk};
use crate::program::{Program, Site};
use crate::world::Setting;

const NOBODY: Ends = Ends {
    input: false,
    output: false,
    talk: false,
};
const PERSON: Ends = Ends {
    input: true,
    output: true,
    talk: true,
};

/// What a command wrote, and how it ended.
struct Said {
    exit: Exit,
    output: String,
    talk: String,
}

/// A tenant with one more blueprint, of so many agents.
fn fleet(count: usize) -> (Setting, Vec<Uuid>) {
    let mut tenant = Tenant::contoso();
    let ids = fill(&mut tenant, count);
    let setting = Setting {
        tenant,
        ..Setting::default()
    };
    (setting, ids)
}

fn fill(tenant: &mut Tenant, count: usize) -> Vec<Uuid> {
    let blueprint = tenant.add_blueprint("Fleet");
    (0..count)
        .map(|number| tenant.add_agent(&format!("fleet-{number:03}"), blueprint))
        .collect()
}

/// Runs a command against this desk's control API while its clock goes on.
async fn estop(desk: &Desk, words: &[&str], (ends, typed): (Ends, &str)) -> Said {
    let (output, talk) = (Paper::default(), Paper::default());
    let token = desk.world.folder.path().join("soc.token");
    private(&token, &desk.token);
    let api = desk.api.clone();
    let transport = Transport::in_process(move |request| {
        let api = api.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let request = http::Request::from_parts(parts, axum::body::Body::from(body));
            let lost = |why: String| Failure::Lost(why);
            let reply = api
                .oneshot(request)
                .await
                .map_err(|why| lost(why.to_string()))?;
            let (parts, body) = reply.into_parts();
            let body = body.collect().await.map_err(|why| lost(why.to_string()))?;
            Ok(http::Response::from_parts(parts, body.to_bytes()))
        })
    });
    let mut room = Room {
        terminal: Terminal::of(
            Cursor::new(typed.to_owned()),
            output.clone(),
            talk.clone(),
            ends,
        ),
        environment: Environment::default(),
        clock: desk.world.clock.clone(),
        transport: Some(transport),
    };
    let file = token.display().to_string();
    let mut all = vec!["estop"];
    all.extend(words);
    all.extend(["--token-file", &file]);
    let cli = Cli::try_parse_from(all).unwrap();
    let running = estop::cli::run(cli, &mut room);
    tokio::pin!(running);
    let errand = loop {
        tokio::select! {
            biased;
            errand = &mut running => break errand,
            () = desk.world.pass(Duration::from_millis(100)) => {}
        }
    };
    let Errand::Done(exit) = errand else {
        panic!("the command was not over");
    };
    Said {
        exit,
        output: output.text(),
        talk: talk.text(),
    }
}

fn private(path: &std::path::Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn list(desk: &Desk, ids: &[Uuid]) -> String {
    let path = desk.world.folder.path().join("storm.txt");
    let text: String = ids.iter().map(|id| format!("{id}\n")).collect();
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn enabled(entra: &Entra, ids: &[Uuid]) -> usize {
    let is_enabled = |id: &&Uuid| entra.agent(**id).unwrap().account_enabled;
    ids.iter().filter(is_enabled).count()
}

#[tokio::test]
async fn a_list_of_agents_is_contained_and_counted() {
    let (setting, ids) = fleet(12);
    let desk = Desk::with(setting).await;
    let file = list(&desk, &ids);
    let words = [
        "contain",
        "--file",
        &file,
        "--reason",
        "storm",
        "--confirm",
        "CONTAIN 12",
    ];

    let said = estop(&desk, &words, (NOBODY, "")).await;

    assert_eq!(said.exit, Exit::Done, "{}{}", said.output, said.talk);
    assert!(
        said.output.starts_with("12 of 12 contained"),
        "{}",
        said.output
    );
    assert_eq!(enabled(&desk.world.entra, &ids), 0);
    assert_eq!(desk.world.runs().await.len(), 12);
}

#[tokio::test]
async fn a_blueprint_s_agents_are_contained_and_not_the_blueprint() {
    let (setting, ids) = fleet(3);
    let desk = Desk::with(setting).await;
    let tenant = desk.world.entra.tenant();
    let fleet = tenant
        .blueprints
        .values()
        .find(|it| it.display_name == "Fleet");
    let principal = fleet.unwrap().ids.principal;
    let id = principal.to_string();

    let words = ["contain", "--agents", &id, "--reason", "storm", "--yes"];
    let said = estop(&desk, &words, (NOBODY, "")).await;

    assert_eq!(said.exit, Exit::Done, "{}{}", said.output, said.talk);
    assert_eq!(enabled(&desk.world.entra, &ids), 0);
    let blueprint = desk.world.entra.blueprint(principal).unwrap();
    assert!(blueprint.account_enabled);
}

#[tokio::test]
async fn more_than_ten_want_the_count_typed() {
    let (setting, ids) = fleet(11);
    let desk = Desk::with(setting).await;
    let file = list(&desk, &ids);
    let words = ["contain", "--file", &file, "--reason", "storm", "--yes"];

    let unasked = estop(&desk, &words, (NOBODY, "")).await;
    let wrong = estop(&desk, &words, (PERSON, "CONTAIN 12\n")).await;

    assert_eq!(unasked.exit, Exit::Guarded);
    assert!(
        unasked.talk.contains("--confirm \"CONTAIN 11\""),
        "{}",
        unasked.talk
    );
    assert_eq!(wrong.exit, Exit::Guarded);
    assert_eq!(enabled(&desk.world.entra, &ids), 11);
}

#[tokio::test]
async fn what_was_not_done_is_named_and_the_exit_code_says_partial() {
    let (setting, ids) = fleet(3);
    let desk = Desk::with(setting).await;
    let stranger = Uuid::from_u128(0x77);
    let file = list(&desk, &[ids[0], stranger, ids[1]]);
    let words = ["contain", "--file", &file, "--reason", "storm", "--yes"];

    let said = estop(&desk, &words, (NOBODY, "")).await;

    assert_eq!(said.exit, Exit::Partial, "{}", said.output);
    assert!(
        said.output.starts_with("2 of 3 contained  refused 1"),
        "{}",
        said.output
    );
    assert!(
        said.output.contains(&stranger.to_string()),
        "{}",
        said.output
    );
    assert_eq!(enabled(&desk.world.entra, &ids), 1);
}

#[tokio::test]
async fn in_observe_mode_nobody_of_many_is_touched() {
    let (mut setting, ids) = fleet(2);
    setting.yaml = setting.yaml.replace("mode: enforce", "mode: observe");
    let desk = Desk::with(setting).await;
    let file = list(&desk, &ids);
    let words = ["contain", "--file", &file, "--reason", "storm", "--yes"];

    let said = estop(&desk, &words, (NOBODY, "")).await;

    assert_eq!(said.exit, Exit::Guarded, "{}", said.output);
    assert_eq!(desk.world.runs().await.len(), 0);
}

#[tokio::test]
async fn a_terminal_sees_a_bar_and_others_a_line_every_few_seconds() {
    let (setting, ids) = fleet(2);
    let desk = Desk::with(setting).await;
    // No reads: the proofs take a minute, and there is time to look at.
    let reads = On::request("GET", "agentIdentity$").after(16).times(400);
    let down = What::Status {
        status: 503,
        code: "serviceNotAvailable".to_owned(),
    };
    let file = list(&desk, &ids);
    let words = [
        "contain", "--file", &file, "--reason", "storm", "--yes", "--wait", "20s",
    ];

    desk.world.entra.push_fault(Fault::new(reads, down));
    let person = estop(&desk, &words, (PERSON, "")).await;
    let pipe = estop(&desk, &words, (NOBODY, "")).await;

    assert!(
        person.talk.contains("....]") && person.talk.contains("\u{1b}[K"),
        "{:?}",
        person.talk
    );
    let lines = pipe
        .talk
        .lines()
        .filter(|line| line.contains("of 2 contained"));
    assert!((1..=5).contains(&lines.count()), "{}", pipe.talk);
    assert!(!pipe.talk.contains('\u{1b}'), "{:?}", pipe.talk);
}

#[tokio::test]
async fn json_is_one_document_a_line_and_ends_with_the_summary() {
    let (setting, ids) = fleet(2);
    let desk = Desk::with(setting).await;
    let file = list(&desk, &ids);
    let words = [
        "contain", "--file", &file, "--reason", "storm", "--yes", "--json",
    ];

    let said = estop(&desk, &words, (NOBODY, "")).await;

    let documents: Vec<Value> = said
        .output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let last = documents.last().unwrap();
    assert_eq!(last["event"], "summary", "{}", said.output);
    assert_eq!(last["counts"]["contained"], 2);
    assert_eq!(last["exit_code"], 0);
}

/// The real program, because only a process gets a signal of its own.
#[tokio::test]
async fn one_ctrl_c_finishes_what_is_in_flight_and_names_what_was_not_done() {
    let site = Site::new().await;
    let mut ids = Vec::new();
    site.entra.foreign_write(|tenant| ids = fill(tenant, 40));
    let mut service = site.start(&[]);
    let control = control(&site, &mut service).await;
    token_file(&site).await;
    let list: String = ids.iter().map(|id| format!("{id}\n")).collect();
    site.write("storm.txt", &list);
    site.entra.set_latency(Duration::from_millis(400));

    let mut command = Command::new(env!("CARGO_BIN_EXE_estop"));
    command
        .args(["contain", "--file", "storm.txt", "--reason", "storm"])
        .args(["--confirm", "CONTAIN 40", "--server", &control])
        .args(["--token-file", "soc.token"])
        .current_dir(site.folder())
        .env("NO_PROXY", "*")
        .env("no_proxy", "*")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let child = command.spawn().unwrap();
    let pid = child.id().unwrap();
    let struck = || site.entra.journal().iter().any(|it| it.method == "PATCH");
    for _ in 0..2_000 {
        if struck() {
            break;
        }
        site.clock.sleep(Duration::from_millis(10)).await;
    }
    let asked = Command::new("sh")
        .args(["-c", &format!("kill -INT {pid}")])
        .status();
    assert!(asked.await.unwrap().success());
    let ended = site
        .clock
        .within(Duration::from_secs(60), child.wait_with_output())
        .await;

    let ended = ended.expect("it ends").unwrap();
    let talk = String::from_utf8(ended.stderr).unwrap();
    let output = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{talk}{output}");
    assert!(talk.contains("in flight, not starting"), "{talk}");
    let left = output
        .lines()
        .filter(|line| line.ends_with("not started"))
        .count();
    assert!(left > 0, "{talk}{output}");
    assert_eq!(enabled(&site.entra, &ids), left, "{output}");
    assert_eq!(service.ask_to_stop().await.code(), Some(0));
}

/// Where the control API is: it stands in the same line as the door for deliveries.
async fn control(site: &Site, service: &mut Program) -> String {
    service.doors().await.unwrap();
    let marker = "orders on ";
    for _ in 0..500 {
        let log = site.log();
        if let Some((_, rest)) = log.split_once(marker) {
            let end = rest.find(|c: char| c == '"' || c.is_whitespace());
            return rest[..end.unwrap_or(rest.len())].to_owned();
        }
        site.clock.sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not say where:\n{}", site.log());
}

async fn token_file(site: &Site) {
    let visit = site.visit().await;
    let tools = (&visit.store, &site.clock);
    let name = NewName::new("soc").unwrap();
    let who = at_the_machine("dana");
    let created = create_token(tools, &who, (name, Scope::Respond), 30 * DAY).await;
    site.write("soc.token", &created.unwrap().text);
    visit.leave().await;
}
