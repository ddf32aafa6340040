//! The templates of `deploy/sentinel`: valid, made for what estop reads, and filled in on request.

use std::path::{Path, PathBuf};
use std::process::Command;

use estop::domain::detection::SourceName;
use estop::domain::entity::EntityKind;
use estop::domain::id::DetectionId;
use estop::domain::moment::Moment;
use estop::domain::reading::{CONTRACT, Context, ReaderKind, Reading, read};
use serde_json::{Value, json};

use crate::granting::types;

const AGENT: &str = "7a4e1c90-52bd-4f38-9e61-c0d2a8b5f317";
const TENANT: &str = "e0c7b2a9-6d14-4583-b9f0-3a8d5e1c7f62";
const FILES: [&str; 4] = [
    "analytics-rules.json",
    "automation.json",
    "azure-monitor.json",
    "bridge.json",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn template(name: &str) -> Value {
    let text = std::fs::read_to_string(root().join("deploy/sentinel").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn resources<'a>(template: &'a Value, kind: &str) -> Vec<&'a Value> {
    let all = template["resources"].as_array().unwrap();
    all.iter()
        .filter(|one| one["type"].as_str().unwrap().ends_with(kind))
        .collect()
}

/// What stands in a query as `name = "value"`, else a usual value of that name.
fn said(query: &str, name: &str) -> String {
    let written = query.split(&format!("{name} = \"")).nth(1);
    let written = written.and_then(|rest| rest.split('"').next());
    let usual = match name {
        "AgentId" | "BlueprintId" => AGENT,
        "EntraTenantId" => TENANT,
        "IdentityType" => "agentIdentity",
        "DetectionType" => "threatIntelligenceAccount",
        _ => "d-1",
    };
    written.unwrap_or(usual).to_owned()
}

fn context() -> Context {
    Context {
        tenant: TENANT.parse().unwrap(),
        types: std::collections::BTreeMap::new(),
        mapping: None,
        source: SourceName::new("sentinel").unwrap(),
        id: DetectionId::from_uuid(uuid::Uuid::from_u128(7)),
        received_at: Moment::from_millis(1_790_000_000_000),
    }
}

/// Whom and why a body names, as its reader reads it.
fn named(reader: ReaderKind, body: &Value) -> (EntityKind, String, String) {
    match read(reader, body.to_string().as_bytes(), &context()) {
        Ok(Reading::Detection(found)) => {
            let entity = found.entities[0].entity;
            (
                entity.kind,
                entity.id.to_string(),
                found.detection_type.to_string(),
            )
        }
        other => panic!("{other:?}"),
    }
}

fn kind_of(query: &str) -> EntityKind {
    match said(query, "IdentityType").as_str() {
        "agentIdentityBlueprintPrincipal" => EntityKind::Blueprint,
        _ => EntityKind::Agent,
    }
}

#[test]
fn what_each_analytic_rule_emits_is_what_the_sentinel_reader_reads() {
    let template = template("analytics-rules.json");
    let rules = resources(&template, "/alertRules");
    assert!(rules.len() >= 12);

    for rule in rules {
        let (properties, query) = (&rule["properties"], rule["properties"]["query"].as_str());
        let (name, query) = (&properties["displayName"], query.unwrap());
        let details = properties["customDetails"].as_object().unwrap();
        let kind = said(query, "DetectionType");
        if !details.contains_key("AgentId") {
            assert!(
                !details
                    .keys()
                    .any(|key| key.ends_with("Id") && CONTRACT.contains(&key.as_str()))
            );
            continue;
        }
        let values = details
            .keys()
            .map(|key| (key.clone(), json!([said(query, key)])));
        let values: serde_json::Map<_, _> = values.collect();
        let alert = json!({
            "SystemAlertId": "a-1", "AlertType": "w_r", "Severity": properties["severity"],
            "ExtendedProperties": { "Custom Details": Value::Object(values).to_string() },
        });

        let wanted = (kind_of(query), AGENT.to_owned(), kind);
        assert_eq!(named(ReaderKind::Sentinel, &alert), wanted, "{name}");
    }
}

#[test]
fn what_each_log_alert_splits_by_is_what_the_azure_monitor_reader_reads() {
    let template = template("azure-monitor.json");
    let alerts = resources(&template, "/scheduledQueryRules");
    assert!(!alerts.is_empty());

    for alert in alerts {
        let criterion = &alert["properties"]["criteria"]["allOf"][0];
        let query = criterion["query"].as_str().unwrap();
        let dimensions = criterion["dimensions"].as_array().unwrap();
        assert!(dimensions.len() <= 6);
        let dimensions: Vec<_> = dimensions
            .iter()
            .map(|one| one["name"].as_str().unwrap())
            .map(|name| json!({ "name": name, "value": said(query, name) }))
            .collect();
        let severity = format!("Sev{}", alert["properties"]["severity"]);
        let body = json!({
            "schemaId": "azureMonitorCommonAlertSchema",
            "data": {
                "essentials": { "alertId": "/subscriptions/s/alerts/a", "severity": severity, "monitorCondition": "Fired" },
                "alertContext": { "condition": { "allOf": [{ "dimensions": dimensions }] } },
            },
        });

        let wanted = (
            kind_of(query),
            AGENT.to_owned(),
            said(query, "DetectionType"),
        );
        assert_eq!(named(ReaderKind::AzureMonitor, &body), wanted);
    }
}

#[test]
fn the_bridge_forwards_untouched_asks_for_our_audience_and_retries_as_written() {
    let template = template("bridge.json");
    let playbooks = resources(&template, "/workflows");
    assert_eq!(playbooks.len(), 2);

    for playbook in playbooks {
        assert_eq!(playbook["identity"]["type"], "SystemAssigned");
        let contain = &playbook["properties"]["definition"]["actions"]["Contain_agent"];
        let inputs = &contain["inputs"];
        assert_eq!(inputs["body"], "@triggerBody()");
        let login = json!({ "type": "ManagedServiceIdentity", "audience": "@parameters('estop_audience')" });
        assert_eq!(inputs["authentication"], login);
        assert_eq!(inputs["retryPolicy"]["count"], 4);
        assert_eq!(
            contain["operationOptions"],
            Value::Null,
            "it polls by itself"
        );
    }
}

/// Microsoft's own language service reads the queries, where node and it are on this machine.
#[expect(clippy::print_stdout, reason = "what was not checked must be said")]
#[test]
fn every_query_is_kql_that_its_tables_can_answer() {
    let folder = root().join("tests/kusto");
    let installed = folder
        .join("node_modules/@kusto/language-service-next")
        .is_dir();
    let node = Command::new("node").arg("--version").output();
    if !installed || !node.is_ok_and(|said| said.status.success()) {
        println!(
            "node or its packages are not on this machine: the queries were not parsed. \
             npm ci --prefix tests/kusto"
        );
        return;
    }

    let checked = Command::new("node")
        .arg("check.mjs")
        .current_dir(folder)
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
}

#[tokio::test]
async fn init_sentinel_writes_the_templates_filled_in_and_overwrites_none() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("sentinel");
    let words = [
        "init",
        "sentinel",
        "--out",
        out.to_str().unwrap(),
        "--workspace",
        "law-soc",
        "--url",
        "https://estop.contoso.example",
        "--audience",
        "api://estop",
        "--principal",
        AGENT,
    ];

    let (ended, _, talk) = types(&words).await;
    let (again, _, refusal) = types(&words).await;

    assert_eq!(ended, estop::cli::Exit::Done, "{talk}");
    assert_ne!(again, estop::cli::Exit::Done);
    assert!(refusal.contains("sentinel"), "{refusal}");
    let filled = |file: &str, parameter: &str| {
        let text = std::fs::read_to_string(out.join(file)).unwrap();
        let template: Value = serde_json::from_str(&text).unwrap();
        template["parameters"][parameter]["defaultValue"].clone()
    };
    for file in FILES {
        assert!(out.join(file).is_file(), "{file}");
    }
    assert_eq!(
        filled("bridge.json", "estopUrl"),
        "https://estop.contoso.example"
    );
    assert_eq!(filled("bridge.json", "source"), "sentinel");
    assert_eq!(filled("analytics-rules.json", "estopPrincipalId"), AGENT);
    assert_eq!(filled("automation.json", "workspace"), "law-soc");
    assert_eq!(filled("azure-monitor.json", "source"), "azure-monitor");
    assert_eq!(filled("azure-monitor.json", "audience"), "api://estop");
}
