//! What the alert rules and the dashboard ask for is what is counted.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::world::World;

/// What Prometheus adds to a name for its kind.
const SUFFIXES: [&str; 4] = ["_total", "_bucket", "_count", "_sum"];

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every word of a text that begins like one of our figures.
fn named(path: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root(path)).unwrap();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !plain(c))
        .filter_map(|word| word.strip_prefix("estop_"))
        .map(|word| {
            let bare = SUFFIXES.iter().find_map(|it| word.strip_suffix(it));
            bare.unwrap_or(word).to_owned()
        })
        .collect()
}

#[test]
fn every_figure_of_the_rules_and_the_dashboard_is_one_we_count() {
    let mut counted = String::new();
    for file in std::fs::read_dir(root("src/telemetry")).unwrap() {
        counted.push_str(&std::fs::read_to_string(file.unwrap().path()).unwrap());
    }

    let rules = named("deploy/prometheus/estop.rules.yml");
    let board = named("deploy/grafana/estop.json");

    assert!(rules.len() > 8 && board.len() > 10, "{rules:?} {board:?}");
    for name in rules.union(&board) {
        assert!(counted.contains(&format!("\"{name}\"")), "{name}");
    }
}

#[test]
fn every_alert_says_what_to_do_and_is_sent_as_page_or_tell() {
    let text = std::fs::read_to_string(root("deploy/prometheus/estop.rules.yml")).unwrap();
    let alerts = text.matches("- alert: ").count();

    assert_eq!(text.matches("todo: ").count(), alerts);
    let severities = ["page", "tell"].map(|word| {
        let label = format!("labels: {{ severity: {word} }}");
        text.matches(&label).count()
    });
    assert_eq!(severities.iter().sum::<usize>(), alerts);
    let board = std::fs::read_to_string(root("deploy/grafana/estop.json")).unwrap();
    let board: serde_json::Value = serde_json::from_str(&board).unwrap();
    assert!(board["panels"].as_array().unwrap().len() > 10);
}

#[tokio::test]
async fn queues_and_caps_are_counted_within_a_minute() {
    let world = World::new().await;
    world.detect_agent(crate::world::invoice_bot()).await;
    world.settle().await;

    world.pass(std::time::Duration::from_secs(61)).await;

    let text = world.service.metrics.text();
    for line in [
        r#"estop_queue_oldest_seconds{queue="unread"} 0"#,
        r#"estop_queue_oldest_seconds{queue="queued"} 0"#,
        r#"estop_cap_used{scope="tenant"} 1"#,
        r#"estop_cap_limit{scope="tenant"} 100"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn a_containment_is_timed_and_what_people_are_told_is_counted() {
    let world = World::new().await;
    let figure = |name: &str| {
        let text = world.service.metrics.text();
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
        lines.next().map(|value| value.trim().to_owned())
    };
    let timed = ["received_to_struck", "received_to_contained"]
        .map(|edge| format!("estop_time_to_contain_seconds_count{{edge=\"{edge}\"}}"));
    assert_eq!(timed.each_ref().map(|name| figure(name)), [None, None]);

    world.detect_agent(crate::world::invoice_bot()).await;
    world.settle().await;
    world.pass(std::time::Duration::from_secs(2)).await;

    let one = Some("1".to_owned());
    assert_eq!(
        timed.each_ref().map(|name| figure(name)),
        [one.clone(), one]
    );
    let told = world.service.store.every_notice().await.unwrap();
    for urgency in ["tell", "page"] {
        let told = told.iter().filter(|one| one.urgency.word() == urgency);
        let count = told.count();
        let counted = figure(&format!("estop_notices_total{{outcome=\"{urgency}\"}}"));
        assert_eq!(
            counted.map_or(0, |it| it.parse().unwrap()),
            count,
            "{urgency}"
        );
    }
    assert!(!told.is_empty());
}
