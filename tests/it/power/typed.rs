//! The command line, typed against a whole service: words in, data and exit codes out.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Body;
use clap::Parser as _;
use estop::cli::{Cli, Ends, Errand, Exit, Room, Terminal, run};
use estop::config::Environment;
use estop::sim::{Fault, On, What};
use estop::transport::{Failure, Transport};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::Desk;
use crate::cluster::is_only_for_sqlite;
use crate::paper::Paper;
use crate::world::{Setting, invoice_bot};

/// How a command ended, and what it wrote.
#[derive(Debug)]
pub struct Ended {
    pub exit: Exit,
    pub output: String,
    pub talk: String,
}

impl Ended {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.output)
            .unwrap_or_else(|why| panic!("{why}: {} {}", self.output, self.talk))
    }
}

pub(super) const PERSON: Ends = Ends {
    input: true,
    output: true,
    talk: true,
};

impl Desk {
    /// Types a command line where nobody can be asked.
    pub async fn types(&self, words: &[&str]) -> Ended {
        self.types_as(words, "", Ends::default()).await
    }

    /// Types a command line where nobody answers.
    async fn types_at_nobody(&self, words: &[&str]) -> Ended {
        let nobody = Transport::in_process(|_| {
            let gone = Failure::NotSent("connection refused".to_owned());
            Box::pin(std::future::ready(Err(gone)))
        });
        self.types_over(nobody, (words, ""), Ends::default()).await
    }

    /// Types a command line and then `typed`, while the world goes on.
    pub(super) async fn types_as(&self, words: &[&str], typed: &str, ends: Ends) -> Ended {
        self.types_over(self.way(), (words, typed), ends).await
    }

    async fn types_over(
        &self,
        way: Transport,
        (words, typed): (&[&str], &str),
        ends: Ends,
    ) -> Ended {
        let (output, talk) = (Paper::default(), Paper::default());
        let input = Cursor::new(typed.to_owned());
        let mut room = Room {
            terminal: Terminal::of(input, output.clone(), talk.clone(), ends),
            environment: Environment::new([("USER".to_owned(), "dana".to_owned())]),
            clock: self.world.clock.clone(),
            transport: Some(way),
        };
        let token = self.token_file();
        let all = ["estop", "--token-file", token.to_str().unwrap()];
        let cli = Cli::try_parse_from(all.iter().chain(words)).unwrap();
        let errand = tokio::select! {
            errand = run(cli, &mut room) => errand,
            () = self.world.pass(Duration::from_secs(120)) => panic!("{words:?} does not end"),
        };
        let Errand::Done(exit) = errand else {
            panic!("{errand:?}");
        };
        Ended {
            exit,
            output: output.text(),
            talk: talk.text(),
        }
    }

    /// A way to both doors without sockets.
    fn way(&self) -> Transport {
        let (api, door) = (self.api.clone(), self.world.door.clone());
        Transport::in_process(move |request| {
            let ingest = request.uri().port_u16() == Some(8787)
                || request.uri().host() == Some("estop.example");
            let router = if ingest { door.clone() } else { api.clone() };
            Box::pin(async move {
                let reply = router.oneshot(request.map(Body::from)).await.unwrap();
                let (parts, body) = reply.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                Ok(http::Response::from_parts(parts, body))
            })
        })
    }

    fn token_file(&self) -> PathBuf {
        let path = self.world.folder.path().join("soc.token");
        write_private(&path, &self.token);
        path
    }

    pub fn path(&self, name: &str) -> String {
        self.world.folder.path().join(name).display().to_string()
    }
}

pub(super) fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

#[tokio::test]
async fn contain_shows_the_plan_asks_and_proves() {
    let desk = Desk::new().await;
    let bot = invoice_bot().to_string();

    let ended = desk
        .types_as(&["contain", &bot], "y\nleaked token\n", PERSON)
        .await;

    assert_eq!(ended.exit, Exit::Done, "{ended:?}");
    for part in [
        "PLAN  tier 0",
        "stops",
        "not stopped",
        "undo",
        "Contain it? [y/N]",
    ] {
        assert!(ended.talk.contains(part), "{part}: {}", ended.talk);
    }
    let at = |part: &str| ended.talk.find(part).unwrap();
    assert!(at("PLAN  tier 0") < at("not stopped"), "{}", ended.talk);
    assert!(at("not stopped") < at("Contain it?"), "{}", ended.talk);
    assert!(at("undo") < at("Contain it?"), "{}", ended.talk);
    assert!(ended.output.contains("CONTAINED"), "{}", ended.output);
    assert!(ended.output.contains("issued tokens"), "{}", ended.output);
    assert_eq!(desk.world.only_run().await.state.word(), "contained");
}

#[tokio::test]
async fn contain_without_a_terminal_wants_a_yes_and_does_nothing_without() {
    let desk = Desk::new().await;
    let bot = invoice_bot().to_string();

    let missing = desk.types(&["contain", &bot, "--reason", "x"]).await;
    let refused = desk.types_as(&["kill", &bot], "n\n", PERSON).await;
    assert!(desk.world.runs().await.is_empty());
    let given = desk
        .types(&["kill", &bot, "--reason", "x", "--yes", "--json"])
        .await;

    assert_eq!(missing.exit, Exit::Guarded);
    assert_eq!(refused.exit, Exit::Guarded);
    assert_eq!(given.exit, Exit::Done, "{given:?}");
    assert_eq!(given.json()["state"], "contained");
}

#[tokio::test]
async fn a_dry_run_shows_and_does_nothing() {
    let desk = Desk::new().await;
    let bot = invoice_bot().to_string();

    let ended = desk.types(&["contain", &bot, "--dry-run", "--json"]).await;

    assert_eq!(ended.exit, Exit::Done);
    assert_eq!(ended.json()["entity"]["name"], "invoice-bot");
    assert!(desk.world.runs().await.is_empty());
}

#[tokio::test]
async fn undo_puts_back_and_the_verdict_is_a_persons() {
    let desk = Desk::new().await;
    let run = desk.contained("agent", invoice_bot()).await;

    let without = desk.types(&["undo", &run, "--reason", "x", "--yes"]).await;
    let ended = desk
        .types_as(&["undo", &run], "safe\ny\nfalse alarm\n", PERSON)
        .await;

    assert_eq!(without.exit, Exit::Usage, "{without:?}");
    assert_eq!(ended.exit, Exit::Done, "{ended:?}");
    assert!(ended.output.contains("UNDONE"), "{}", ended.output);
}

#[tokio::test]
async fn guards_and_wrong_targets_have_codes_of_their_own() {
    let desk = Desk::with(Setting {
        yaml: "mode: observe\nprotected: []\n".to_owned(),
        ..Setting::default()
    })
    .await;
    let bot = invoice_bot().to_string();
    let nobody = "11111111-2222-4333-8444-555555555555";

    let observed = desk
        .types(&["contain", &bot, "--reason", "x", "--yes"])
        .await;
    let missing = desk
        .types(&["contain", nobody, "--reason", "x", "--yes"])
        .await;
    let set = desk
        .types(&["mode", "set", "enforce", "--reason", "a quiet week"])
        .await;
    let tripped = desk.types(&["brake", "trip", "--reason", "drill"]).await;
    let braked = desk
        .types(&["contain", &bot, "--reason", "x", "--yes"])
        .await;

    assert_eq!(observed.exit, Exit::Guarded, "{observed:?}");
    assert_eq!(missing.exit, Exit::NotFound, "{missing:?}");
    assert!(set.output.contains("enforce"), "{set:?}");
    assert!(tripped.output.contains("TRIPPED"), "{tripped:?}");
    assert_eq!(braked.exit, Exit::Guarded, "{braked:?}");
}

#[tokio::test]
async fn what_there_is_to_see_is_read_as_a_table_and_as_json() {
    let desk = Desk::new().await;
    let run = desk.contained("agent", invoice_bot()).await;
    let kind = "threatIntelligenceAccount";
    let detection = desk.world.detect(kind, "agent", invoice_bot()).await;
    desk.world.settle().await;
    let bot = invoice_bot().to_string();
    let runs = desk.world.runs().await;
    let answered = runs.iter().find(|run| run.detection.is_some());
    let answered = answered.unwrap().id.to_string();
    let why =
        format!("why: respond by agent-threat-intelligence, estop detections show {detection}");

    for (words, part) in [
        (vec!["runs", "list"], run.as_str()),
        (vec!["runs", "show", &run], &bot),
        (vec!["runs", "watch", &run], "CONTAINED"),
        (vec!["detections", "list"], kind),
        (vec!["detections", "show", &detection], "matched"),
        (
            vec!["detections", "show", &detection],
            "when fresh: true     age(detection.detected_at) < duration(\"24h\")",
        ),
        (vec!["runs", "show", &answered], &why),
        (
            vec!["runs", "show", &answered],
            "when fresh: true     age(detection.detected_at) < duration(\"24h\")",
        ),
        (vec!["playbook", "list"], "agent-threat-intelligence"),
        (vec!["audit", "list"], "order.taken"),
        (vec!["mode", "show"], "enforce"),
        (vec!["brake", "status"], "not tripped"),
        (vec!["status"], "ready"),
    ] {
        let table = desk.types(&words).await;
        let json = desk.types(&[&words[..], &["--json"]].concat()).await;

        assert_eq!(table.exit, Exit::Done, "{words:?} {table:?}");
        assert!(table.output.contains(part), "{words:?} {table:?}");
        assert!(json.json().is_object(), "{words:?} {json:?}");
    }
}

#[tokio::test]
async fn a_run_carries_what_was_decided_and_what_every_clause_came_to() {
    let desk = Desk::new().await;
    let kind = "threatIntelligenceAccount";
    desk.world.detect(kind, "agent", invoice_bot()).await;
    desk.world.settle().await;
    let ordered = desk
        .contained("agent", crate::recovery::other_agent())
        .await;
    let runs = desk.world.runs().await;
    let answered = runs.iter().find(|run| run.detection.is_some()).unwrap();

    let shown = desk.get(&format!("/v1/runs/{}", answered.id)).await.body;
    let by_hand = desk.get(&format!("/v1/runs/{ordered}")).await.body;

    let decision = &shown["decision"];
    assert_eq!(decision["verdict"]["verdict"], "respond", "{shown}");
    let weighed = decision["considered"].as_array().unwrap();
    let own = weighed
        .iter()
        .find(|one| one["playbook"] == "agent-threat-intelligence")
        .unwrap();
    assert_eq!(own["when"][0]["name"], "fresh");
    assert_eq!(own["when"][0]["truth"], "true");
    assert!(weighed.len() > 20, "those that did not match are there too");
    assert!(by_hand["decision"].is_null(), "{by_hand}");
}

#[tokio::test]
async fn several_runs_above_a_cap_are_released_in_one_command() {
    let yaml = "mode: enforce\nprotected: []\ncaps: { tenant: 0, source: 0, reserve: 0 }\n";
    let desk = Desk::with(Setting {
        yaml: yaml.to_owned(),
        ..Setting::default()
    })
    .await;
    let agents = [invoice_bot(), crate::recovery::other_agent()];
    for agent in agents {
        desk.world.detect_agent(agent).await;
        desk.world.settle().await;
    }
    let runs = desk.world.runs().await;
    let ids: Vec<String> = runs.iter().map(|run| run.id.to_string()).collect();
    let file = desk.path("ada.credential");
    write_private(Path::new(&file), &desk.lead(1).await);
    let mut words = vec!["runs", "resume"];
    words.extend(ids.iter().map(String::as_str));
    words.extend(["--reason", "it is real"]);

    let by_token = desk.types(&words).await;
    desk.world.settle().await;
    let before = desk.world.writes().len();
    let released = desk
        .types(&[&words[..], &["--token-file", &file]].concat())
        .await;
    desk.world.settle().await;

    assert_eq!(ids.len(), 2);
    assert_eq!(by_token.exit, Exit::NotAllowed, "{by_token:?}");
    assert!(by_token.talk.contains("estop person add"), "{by_token:?}");
    assert_eq!(before, 0);
    assert_eq!(released.exit, Exit::Done, "{released:?}");
    for id in &ids {
        assert!(released.talk.contains(&format!("released {id}")), "{id}");
    }
    for run in desk.world.runs().await {
        assert_eq!(run.state.word(), "contained", "{run:?}");
    }
}

#[tokio::test]
async fn an_export_is_verified_offline_and_a_changed_one_is_named() {
    let desk = Desk::new().await;
    desk.contained("agent", invoice_bot()).await;
    let (file, other) = (desk.path("records.ndjson"), desk.path("changed.ndjson"));

    let exported = desk.types(&["audit", "export", "--out", &file]).await;
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&other, text.replacen("leaked", "leakeD", 1)).unwrap();
    let head = exported.talk.lines().find(|line| line.starts_with("head "));
    let head = head.unwrap().trim_start_matches("head ").to_owned();
    let good = desk
        .types(&["audit", "verify", &file, "--head", &head])
        .await;
    let bad = desk.types(&["audit", "verify", &other]).await;
    let store = desk.world.store();
    let in_store = desk
        .types(&["audit", "verify", "--store", &store, "--head", &head])
        .await;

    assert_eq!(good.exit, Exit::Done, "{good:?}");
    assert!(good.output.contains("chain intact"));
    assert_eq!(bad.exit, Exit::Failed);
    assert!(bad.output.contains("NOT INTACT: record "), "{bad:?}");
    assert_eq!(in_store.exit, Exit::Done, "{in_store:?}");
}

#[tokio::test]
async fn c06_a_token_is_made_listed_and_revoked_beside_a_running_service() {
    let desk = Desk::new().await;
    let store = desk.world.store();
    let out = desk.path("view.token");

    let made = desk
        .types(&[
            "token", "create", "--name", "view", "--scope", "view", "--out", &out, "--store",
            &store, "--json",
        ])
        .await;
    let listed = desk.types(&["token", "list", "--store", &store]).await;
    let uses = async || {
        let words = ["runs", "list", "--token-file", out.as_str()];
        desk.types(&words).await.exit
    };
    let before = uses().await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let revoked = desk
        .types(&["token", "revoke", &id, "--store", &store])
        .await;
    let after = uses().await;

    assert_eq!(made.exit, Exit::Done, "{made:?}");
    assert!(listed.output.contains("view"), "{listed:?}");
    assert_eq!(before, Exit::Done);
    assert_eq!(revoked.exit, Exit::Done, "{revoked:?}");
    assert_eq!(after, Exit::NotAllowed);
    let records = desk.records().await;
    let by = records
        .iter()
        .rfind(|record| record.what == "token.created");
    assert_eq!(by.unwrap().who.0, "local:dana");
}

#[tokio::test]
async fn a_delivery_is_signed_sent_and_followed_and_a_tampered_one_refused() {
    let desk = Desk::new().await;
    let (key, body) = (desk.path("lab.key"), desk.path("detection.json"));
    let detection = serde_json::json!({
        "type": "threatIntelligenceAccount", "severity": "high", "detection_id": "d-1",
        "detected_at": desk.world.clock.now().to_string(),
        "entities": [{ "kind": "agent", "id": invoice_bot() }],
    });
    std::fs::write(&body, detection.to_string()).unwrap();

    for tamper in ["body", "time", "sig"] {
        let words = ["send", "--key", &key, "--tamper", tamper, &body];
        let ended = desk.types(&words).await;
        assert_eq!(ended.exit, Exit::Done, "{tamper}: {ended:?}");
        assert!(ended.output.starts_with("401"), "{ended:?}");
    }
    let words = [
        "send", "--key", &key, "--repeat", "2", "--wait", "60s", &body,
    ];
    let sent = desk.types(&words).await;

    assert_eq!(sent.exit, Exit::Done, "{sent:?}");
    assert!(
        sent.output
            .contains("202 https://estop.example/v1/detections/")
    );
    assert!(sent.output.contains("contained"), "{sent:?}");
    assert_eq!(desk.world.runs().await.len(), 1);
}

#[tokio::test]
async fn signed_headers_verify_and_changed_bodies_do_not() {
    let desk = Desk::new().await;
    let (key, body) = (desk.path("lab.key"), desk.path("body.json"));
    let headers = desk.path("headers.txt");
    std::fs::write(&body, "{}").unwrap();

    let signed = desk.types(&["sign", "--key", &key, &body]).await;
    std::fs::write(&headers, &signed.output).unwrap();
    let words = [
        "verify",
        "--key",
        &key,
        "--headers",
        &headers,
        "--body",
        &body,
    ];
    let genuine = desk.types(&words).await;
    std::fs::write(&body, "{} ").unwrap();
    let changed = desk.types(&words).await;

    assert_eq!(genuine.exit, Exit::Done, "{genuine:?}");
    assert!(genuine.output.contains("lab"));
    assert_eq!(changed.exit, Exit::Failed);
    assert!(
        changed.output.contains("2 bytes were signed and 3 came"),
        "{changed:?}"
    );
}

#[tokio::test]
async fn lint_fails_on_errors_and_on_warnings_where_they_are_denied() {
    let desk = Desk::new().await;
    let broken = desk.path("broken.yaml");
    std::fs::write(&broken, "playbook: other\n").unwrap();

    let clean = desk.types(&["playbook", "lint", "playbooks"]).await;
    let errors = desk.types(&["playbook", "lint", &broken, "--json"]).await;

    assert_eq!(clean.exit, Exit::Done, "{clean:?}");
    assert_eq!(errors.exit, Exit::Failed);
    assert_eq!(errors.json()["faults"][0]["level"], "error");
}

#[tokio::test]
async fn a_refusal_in_json_is_the_problem_itself() {
    let desk = Desk::new().await;

    let missing = "run_00000000000000000000000007";
    let ended = desk.types(&["runs", "show", missing, "--json"]).await;

    assert_eq!(ended.exit, Exit::NotFound);
    assert_eq!(ended.output, "");
    let told: Value = serde_json::from_str(&ended.talk).unwrap();
    assert_eq!(told["done"], "nothing");
}

#[tokio::test]
async fn the_inventory_is_read_as_a_table_and_as_json() {
    let mut tenant = estop::sim::Tenant::contoso();
    let support = tenant
        .blueprints
        .values()
        .find(|it| it.display_name == "Support-Agents");
    let support = support.unwrap().ids.principal;
    tenant.delete(support);
    let desk = Desk::with(Setting {
        yaml: "mode: enforce\nprotected: []\ninventory: { every: 5m }\n".to_owned(),
        tenant,
        ..Setting::default()
    })
    .await;
    crate::inventory::until_listed(&desk.world).await;
    let bot = invoice_bot().to_string();

    let listed = desk.types(&["agents", "list", "--limit", "20"]).await;
    let shown = desk.types(&["agents", "show", &bot]).await;
    let json = desk.types(&["agents", "show", &bot, "--json"]).await;
    let orphans = desk.types(&["agents", "orphans"]).await;
    let nobody = desk
        .types(&["agents", "show", "00000000-0000-4000-8000-000000000001"])
        .await;

    assert_eq!(listed.output.lines().count(), 15, "{listed:?}");
    for part in [
        "invoice-bot  enabled",
        "hangs from",
        "BLAST RADIUS",
        "complete (1 of 1 read)",
    ] {
        assert!(shown.output.contains(part), "{part}: {}", shown.output);
    }
    assert_eq!(json.json()["radius"]["agents"], 1);
    assert!(
        orphans.output.contains("no principal in this tenant"),
        "{}",
        orphans.output
    );
    assert_eq!(nobody.exit, Exit::NotFound, "{nobody:?}");
}

#[tokio::test]
async fn a_dead_server_is_unreachable_and_what_is_not_proved_is_unknown() {
    let desk = Desk::new().await;
    let bot = invoice_bot().to_string();

    let contain = ["contain", &bot, "--reason", "x", "--yes"];
    for words in [&["runs", "list"][..], &["status"], &contain] {
        let ended = desk.types_at_nobody(words).await;

        assert_eq!(ended.exit, Exit::Unreachable, "{words:?} {ended:?}");
        assert_eq!(ended.exit.code(), 9);
        assert!(ended.talk.contains("error: "), "{ended:?}");
    }
    assert!(desk.world.runs().await.is_empty());

    let on = On::request("PATCH", "agentIdentity$").always();
    desk.world.entra.push_fault(Fault::new(on, What::NoEffect));
    let ended = desk.types(&contain).await;

    assert_eq!(ended.exit, Exit::Unknown, "{ended:?}");
    assert_eq!(ended.exit.code(), 7);
    assert!(!ended.output.contains("CONTAINED"), "{ended:?}");
}

#[tokio::test]
async fn a_changed_database_is_found_and_its_first_bad_record_is_named() {
    if is_only_for_sqlite("a file that somebody changed") {
        return;
    }
    let desk = Desk::new().await;
    desk.contained("agent", invoice_bot()).await;
    let file = desk.path("estop.db");
    let store = format!("sqlite:{file}");
    let words = ["audit", "verify", "--store", &store];
    let before = desk.types(&words).await;

    // Whoever may write the file can also take away what keeps the record from being changed.
    let database = rusqlite::Connection::open(&file).unwrap();
    let triggers = "select group_concat('drop trigger ' || name, ';') from sqlite_master \
                    where type = 'trigger'";
    let drop: Option<String> = database.query_row(triggers, [], |row| row.get(0)).unwrap();
    database.execute_batch(&drop.unwrap_or_default()).unwrap();
    let changed = database.execute(
        "update record set line = replace(line, 'leaked', 'leakeD') where line like '%leaked%'",
        [],
    );
    assert!(changed.unwrap() > 0);
    let number = "select min(number) from record where line like '%leakeD%'";
    let number: i64 = database.query_row(number, [], |row| row.get(0)).unwrap();
    let after = desk.types(&words).await;

    assert_eq!(before.exit, Exit::Done, "{before:?}");
    assert_eq!(after.exit, Exit::Failed, "{after:?}");
    let named = format!("NOT INTACT: record {number}");
    assert!(after.output.contains(&named), "{named}: {after:?}");
}

#[tokio::test]
async fn what_is_wrong_with_a_configuration_and_the_help_stand_on_lines_of_their_own() {
    let desk = Desk::new().await;
    let file = desk.path("wrong.yaml");
    std::fs::write(&file, "tenat: {}\n").unwrap();

    let ended = desk.types(&["config", "check", "--config", &file]).await;

    assert_eq!((ended.exit, ended.output.as_str()), (Exit::Usage, ""));
    let mut lines = ended.talk.lines();
    let first = lines.next().unwrap();
    assert!(
        first.starts_with("error: ") && first.contains("`tenat`"),
        "{first}"
    );
    assert_eq!(lines.next(), Some("    help: did you mean `tenant`?"));
    assert!(!ended.talk.contains('\u{fffd}'), "{}", ended.talk);
}
