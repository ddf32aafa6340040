//! The doctor on a whole service: what it reads in a tenant is what it says, and a run says what
//! the doctor knows.

use std::time::Duration;

use estop::doctor::{Report, State};
use estop::domain::sight::OPTIONAL;
use estop::sim::{Fault, On, RiskPolicy, Tenant, What};
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::power::Desk;
use crate::world::{Setting, invoice_bot};

/// Everything the doctor can ask for, granted.
fn granted(tenant: &mut Tenant) {
    tenant.client.permissions.push("Policy.Read.All".to_owned());
}

fn setting(more: &str, change: impl FnOnce(&mut Tenant)) -> Setting {
    let mut tenant = Tenant::contoso();
    granted(&mut tenant);
    change(&mut tenant);
    let usual = Setting::default();
    let yaml = format!("{}{more}", usual.yaml);
    Setting {
        yaml,
        tenant,
        ..usual
    }
}

/// One look, while the clock goes on.
async fn examined(desk: &Desk) -> Report {
    let doctor = desk.world.service.doctor().unwrap();
    let looking = doctor.examine();
    tokio::pin!(looking);
    loop {
        tokio::select! {
            biased;
            report = &mut looking => return report,
            () = desk.world.pass(Duration::from_millis(100)) => {}
        }
    }
}

async fn line(setting: Setting, check: &str) -> (State, String) {
    let desk = Desk::with(setting).await;
    let report = examined(&desk).await;
    let line = report.line(check).unwrap();
    if line.state != State::Ok {
        assert!(line.fix.is_some(), "{line:?}");
    }
    (line.state, line.said.clone())
}

#[tokio::test]
async fn a_tenant_where_all_is_there_has_no_failure_and_nothing_is_written() {
    let desk = Desk::with(setting("", |tenant| {
        tenant.risk_policy = RiskPolicy::BlocksHigh;
    }))
    .await;

    let report = examined(&desk).await;

    let failed: Vec<_> = report
        .lines
        .iter()
        .filter(|line| line.state == State::Fail)
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
    for check in [
        "reach",
        "token",
        "clock",
        "ourselves",
        "agent_risk",
        "risk_policy",
    ] {
        assert_eq!(report.line(check).unwrap().state, State::Ok, "{report:?}");
    }
    assert!(desk.world.entra.effects().is_empty());
}

#[tokio::test]
async fn a_missing_permission_is_named_with_the_action_that_needs_it() {
    let without = setting("", |tenant| {
        let permissions = &mut tenant.client.permissions;
        permissions.retain(|name| !name.starts_with("AgentIdentity.EnableDisable"));
    });

    let (state, said) = line(without, "permissions").await;

    assert_eq!(state, State::Fail);
    let named = said.contains("AgentIdentity.EnableDisable.All (disable_agent");
    assert!(named, "{said}");
}

/// Without a blueprint's credentials no new one is ever seen, and no one would know why.
#[tokio::test]
async fn what_stays_unseen_for_want_of_a_right_is_named_where_it_is_looked_at() {
    let without = |yaml: &str| {
        let mut setting = setting(yaml, |tenant| {
            let rights = &mut tenant.client.permissions;
            rights.extend(OPTIONAL.iter().map(|one| one.name.to_owned()));
            rights.retain(|name| name != "AgentIdentityBlueprint.Read.All");
        });
        // The clock calls none of them.
        setting.playbooks = vec![("risk-only.yaml", RISK_ONLY.to_owned())];
        setting
    };
    let looking = "drift: { every: 1m }\ninventory: { every: 0s }\n";
    let blind = "drift: { every: 0s }\ninventory: { every: 0s }\n";

    let (state, said) = line(without(looking), "optional_rights").await;
    let (off, _) = line(without(blind), "optional_rights").await;

    assert_eq!((state, off), (State::Warn, State::Ok));
    let named = "AgentIdentityBlueprint.Read.All (drift: whether the blueprint of what is held \
                 has a new credential)";
    assert!(said.contains(named), "{said}");
}

#[tokio::test]
async fn a_report_only_policy_is_not_called_enforcement() {
    let policy = json!({
        "id": Uuid::from_u128(1), "displayName": "Block risky agents",
        "state": "enabledForReportingButNotEnforced",
        "conditions": {
            "agentIdRiskLevels": "medium,high", "clientAppTypes": ["all"],
            "signInRiskLevels": [], "platforms": null,
            "clientApplications": { "includeAgentIdServicePrincipals": ["All"] },
            "applications": { "includeApplications": ["All"] },
        },
        "grantControls": { "builtInControls": ["block"] },
    });
    let mut enabled = policy.clone();
    enabled["state"] = json!("enabled");
    let mut elsewhere = enabled.clone();
    elsewhere["conditions"]["locations"] = json!({ "includeLocations": ["All"] });
    let with = |policy: Value| setting("", |tenant| tenant.premises.policies.push(policy));

    let (reporting, said) = line(with(policy), "risk_policy").await;
    let (enforcing, _) = line(with(enabled), "risk_policy").await;
    let (narrow, gaps) = line(with(elsewhere), "risk_policy").await;

    assert_eq!(
        (reporting, enforcing, narrow),
        (State::Warn, State::Ok, State::Warn)
    );
    assert!(
        said.contains("`Block risky agents` is report-only"),
        "{said}"
    );
    assert!(gaps.contains("the condition locations"), "{gaps}");
}

#[tokio::test]
async fn with_security_defaults_on_no_policy_is_called_enforcement() {
    let on = |tenant: &mut Tenant| {
        tenant.risk_policy = RiskPolicy::BlocksHigh;
        tenant.premises.security_defaults = true;
    };
    let desk = Desk::with(setting("", on)).await;
    let unread = On::request("GET", "identitySecurityDefaults");
    let busy = What::Status {
        status: 503,
        code: "serviceNotAvailable".to_owned(),
    };
    desk.world
        .entra
        .push_fault(Fault::new(unread.times(1), busy));

    let unknown = examined(&desk).await;
    let known = examined(&desk).await;

    let line = |report: &Report, check: &str| report.line(check).unwrap().clone();
    for check in ["risk_policy", "risk_policy_agent_users"] {
        assert_eq!(line(&unknown, check).state, State::Unknown);
        let line = line(&known, check);
        assert_eq!(line.state, State::Warn, "{line:?}");
        assert!(line.said.contains("security defaults are on"), "{line:?}");
    }
}

#[tokio::test]
async fn a_missing_licence_is_told_from_missing_consent() {
    let unlicensed = setting("", |tenant| tenant.premises.plans.clear());
    let unconsented = setting("", |tenant| {
        let permissions = &mut tenant.client.permissions;
        permissions.retain(|name| !name.starts_with("IdentityRiskyAgent"));
    });

    let (_, licence) = line(unlicensed, "agent_risk").await;
    let (_, consent) = line(unconsented, "agent_risk").await;

    assert!(licence.contains("the licence is missing"), "{licence}");
    assert!(consent.contains("consent is missing"), "{consent}");
}

#[tokio::test]
async fn the_logs_are_looked_for_where_a_subscription_is_configured() {
    let subscription = Uuid::from_u128(0x5);
    let azure = format!("azure: {{ subscription: {subscription} }}\n");
    let sent = json!({ "name": "to-sentinel", "properties": {
        "workspaceId": format!("/subscriptions/{subscription}/resourceGroups/soc/x"),
        "logs": [
            { "category": "RiskyAgents", "enabled": true },
            { "category": "AgentRiskEvents", "enabled": true },
        ],
    }});
    let mut half = sent.clone();
    half["properties"]["logs"][1]["enabled"] = json!(false);
    let with = |one: Value| setting(&azure, |tenant| tenant.premises.diagnostics.push(one));

    let (flows, _) = line(with(sent), "agent_logs").await;
    let (stops, said) = line(with(half), "agent_logs").await;
    let (unasked, _) = line(setting("", |_| {}), "agent_logs").await;

    assert_eq!(
        (flows, stops, unasked),
        (State::Ok, State::Fail, State::Skipped)
    );
    assert!(
        said.contains("AgentRiskEvents") && !said.contains("RiskyAgents,"),
        "{said}"
    );
}

#[tokio::test]
async fn a_protected_id_with_a_typo_is_found() {
    let typo = Uuid::from_u128(0xBAD);
    let mut wrong = setting("", |_| {});
    wrong.yaml = wrong
        .yaml
        .replace("protected: []", &format!("protected: [{typo}]"));
    let tenant = Tenant::contoso();
    let app = tenant.blueprints.values().next().unwrap().ids.app;
    let mut right = setting("", |_| {});
    let both = format!("protected: [{}, {app}]", invoice_bot());
    right.yaml = right.yaml.replace("protected: []", &both);

    let (failed, said) = line(wrong, "protected").await;
    let (found, _) = line(right, "protected").await;

    assert_eq!((failed, found), (State::Fail, State::Ok));
    assert!(said.contains(&typo.to_string()), "{said}");
}

#[tokio::test]
async fn a_graph_that_cannot_be_reached_is_said_and_nothing_is_called_fine() {
    let desk = Desk::with(setting("", |_| {})).await;
    let all = On::any().always();
    desk.world
        .entra
        .push_fault(Fault::new(all, What::RefuseConnection));

    let report = examined(&desk).await;

    let state = |check: &str| report.line(check).unwrap().state;
    assert_eq!(state("reach"), State::Fail);
    assert_eq!(state("clock"), State::Unknown);
    assert_eq!(state("risk_policy"), State::Unknown);
    assert_eq!(state("agent_risk"), State::Unknown);
}

#[tokio::test]
async fn the_last_look_is_shown_and_a_new_one_may_be_asked_for() {
    let desk = Desk::with(setting("", |_| {})).await;
    let early = desk.get("/v1/doctor").await;

    let report = examined(&desk).await;
    let shown = desk.get("/v1/doctor").await;

    assert_eq!(early.status, StatusCode::NOT_FOUND);
    assert_eq!(shown.body["lines"], json!(report.lines));
}

const RISK_ONLY: &str = "playbook: risk-only
summary: Tell Entra and do nothing else.
trigger: { detection: [threatIntelligenceAccount] }
entity: agent
mode: enforce
steps: [confirm_compromised]
";

/// Lets a detection be answered by risk alone; answers why the run ended as it did.
async fn by_risk_alone(policy: RiskPolicy, defaults: bool) -> String {
    let mut setting = setting("", |tenant| {
        tenant.risk_policy = policy;
        tenant.premises.security_defaults = defaults;
    });
    setting.playbooks = vec![("risk-only.yaml", RISK_ONLY.to_owned())];
    let desk = Desk::with(setting).await;
    examined(&desk).await;
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;
    let run = desk.world.only_run().await;
    run.because.unwrap()
}

#[tokio::test]
async fn a_run_that_rests_on_risk_alone_says_whether_a_policy_enforces_it() {
    let without = by_risk_alone(RiskPolicy::Absent, false).await;
    let with = by_risk_alone(RiskPolicy::BlocksHigh, false).await;
    let defaults = by_risk_alone(RiskPolicy::BlocksHigh, true).await;

    assert!(defaults.contains("security defaults are on"), "{defaults}");
    assert!(without.contains("no policy enforces this"), "{without}");
    assert!(with.contains("blocks agents at high risk"), "{with}");
}
