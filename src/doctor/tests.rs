//! Each judgement by table.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;

use super::policy::{Rules, Whom};
use super::report::State::{Fail, Ok as Fine, Skipped, Unknown, Warn};
use super::report::{Line, Report, State};
use super::{Enforcement, Need, Wants, drills, licence, logs, permissions, policy, protected};
use super::{reach, rights, skew, stored, token};
use crate::arm::{self, DiagnosticSetting};
use crate::domain::action::Action;
use crate::domain::drill::{Drill, DrillState};
use crate::domain::entity::ObjectId;
use crate::domain::evidence::TokenSeen;
use crate::domain::id::DrillId;
use crate::domain::moment::Moment;
use crate::domain::permission::Profile;
use crate::domain::role::ServiceRole;
use crate::entra::{self, Identity};
use crate::graph::{Cloud, Enabled, Error, Policy, Receipt};

fn id(number: u128) -> ObjectId {
    ObjectId::from_uuid(Uuid::from_u128(number))
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn refused(code: &str) -> Error {
    Error::Refused {
        code: code.to_owned(),
        status: Some(403),
        because: "GET".to_owned(),
    }
}

fn busy() -> Error {
    Error::TryAgain {
        after: Duration::ZERO,
        answered: true,
        because: "busy".to_owned(),
    }
}

fn receipt() -> Receipt {
    Receipt {
        call: "GET /x".to_owned(),
        status: 200,
        request_id: None,
    }
}

fn wants(actions: &[(Action, Need)]) -> Wants {
    Wants {
        actions: actions.iter().copied().collect::<BTreeMap<_, _>>(),
        ..Wants::default()
    }
}

/// A policy that blocks every agent at high risk.
fn whole() -> Policy {
    Policy {
        id: "p".to_owned(),
        display_name: "Block risky agents".to_owned(),
        state: "enabled".to_owned(),
        agent_risk: texts(&["high"]),
        agents: texts(&["All"]),
        agents_left_out: Vec::new(),
        users: texts(&["AllAgentIdUsers"]),
        resources: texts(&["All"]),
        controls: texts(&["block"]),
        narrowed: false,
        narrowings: Vec::new(),
        users_left_out: 0,
        user_risk: Vec::new(),
        principal_risk: texts(&["high"]),
        principals: texts(&["ServicePrincipalsInMyTenant"]),
        principals_left_out: 0,
    }
}

fn changed(change: impl FnOnce(&mut Policy)) -> policy::Read {
    let mut policy = whole();
    change(&mut policy);
    rules(vec![policy])
}

fn rules(policies: Vec<Policy>) -> policy::Read {
    Ok(Rules {
        policies,
        defaults: Enabled::No,
    })
}

type Change = fn(&mut Policy);

/// What a change makes a policy worth to agents, to their users, to classic agents.
fn changes() -> [(&'static str, Change, [bool; 3]); 14] {
    [
        ("nothing", |_| {}, [true, true, true]),
        ("off", |it| it.state = "disabled".into(), [false; 3]),
        (
            "report only",
            |it| it.state = "enabledForReportingButNotEnforced".into(),
            [false; 3],
        ),
        ("a new state", |it| it.state = "paused".into(), [false; 3]),
        ("no block", |it| it.controls = texts(&["mfa"]), [false; 3]),
        (
            "low",
            |it| it.agent_risk = texts(&["low"]),
            [false, false, true],
        ),
        (
            "user risk",
            |it| {
                it.agent_risk.clear();
                it.user_risk = texts(&["high"]);
            },
            [false, true, true],
        ),
        (
            "one agent",
            |it| it.agents = texts(&["x"]),
            [false, true, true],
        ),
        (
            "left out",
            |it| it.agents_left_out = texts(&["x"]),
            [false, true, true],
        ),
        (
            "users left out",
            |it| it.users_left_out = 1,
            [true, false, true],
        ),
        (
            "people",
            |it| it.users = texts(&["All"]),
            [true, false, true],
        ),
        (
            "no classic",
            |it| it.principal_risk.clear(),
            [true, true, false],
        ),
        (
            "one resource",
            |it| it.resources = texts(&["AllAgentIdResources"]),
            [false; 3],
        ),
        (
            "a filter",
            |it| it.narrowings = texts(&["a filter"]),
            [false; 3],
        ),
    ]
}

#[test]
fn only_a_policy_without_a_gap_enforces_anything() {
    let whom = [Whom::Agents, Whom::AgentUsers, Whom::ClassicAgents];

    for (name, change, expected) in changes() {
        let policies = changed(change);
        let found = whom.map(|whom| {
            matches!(
                policy::enforcement(whom, &policies),
                Enforcement::Enforced { .. }
            )
        });

        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn the_best_policy_counts_and_what_could_not_be_read_is_unknown() {
    let report_only = |it: &mut Policy| it.state = "enabledForReportingButNotEnforced".into();
    let mut both = changed(report_only).unwrap();
    both.policies.push(whole());

    let read = policy::judge(Whom::Agents, &Ok(both), &[]);
    let only = policy::judge(Whom::Agents, &changed(report_only), &[]);
    let relied = policy::judge(Whom::Agents, &rules(Vec::new()), &texts(&["risk-only"]));
    let unread = policy::judge(
        Whom::Agents,
        &Err(refused("Authorization_RequestDenied")),
        &[],
    );

    assert_eq!((read.state, only.state), (Fine, Warn));
    assert!(only.said.contains("report-only"), "{}", only.said);
    assert_eq!((relied.state, unread.state), (Fail, Unknown));
    assert_eq!(unread.fix.as_deref(), Some("Grant Policy.Read.All"));
    assert_eq!(
        policy::judge_classic(&rules(vec![whole()]), &[]).state,
        Skipped
    );
}

#[test]
fn with_security_defaults_on_the_best_policy_is_worth_nothing() {
    let mut on = changed(|_| {}).unwrap();
    on.defaults = Enabled::Yes;

    let read = policy::judge(Whom::Agents, &Ok(on), &texts(&["risk-only"]));

    assert_eq!(read.state, Fail);
    assert!(
        read.said.starts_with("security defaults are on"),
        "{read:?}"
    );
    assert!(read.fix.unwrap().contains("security defaults"));
}

#[test]
fn a_missing_licence_is_told_from_missing_consent() {
    let right = texts(&["IdentityRiskyAgent.ReadWrite.All"]);
    let plans: BTreeSet<String> = ["AAD_PREMIUM_P2".to_owned()].into();
    let none = BTreeSet::new();
    let code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";
    let denied = Err(refused(code));
    let cases = [
        (Ok(receipt()), Some(&right), None, Fine, "answers"),
        (
            denied.clone(),
            Some(&vec![]),
            Some(&none),
            Warn,
            "consent is missing",
        ),
        (
            denied.clone(),
            Some(&right),
            Some(&none),
            Warn,
            "the licence is missing",
        ),
        (
            denied.clone(),
            Some(&right),
            None,
            Warn,
            "most likely the licence",
        ),
        (
            denied.clone(),
            Some(&right),
            Some(&plans),
            Unknown,
            "although",
        ),
        (denied, None, None, Unknown, "consent or licence"),
        (Err(busy()), Some(&right), None, Unknown, "busy"),
    ];
    let wanted = wants(&[(Action::ConfirmCompromised, Need::Wanted)]);
    let required = wants(&[(Action::ConfirmCompromised, Need::Required)]);

    for (read, roles, plans, state, said) in cases {
        let known = licence::Known {
            cloud: Cloud::Global,
            roles: roles.map(Vec::as_slice),
            plans,
        };
        let line = licence::judge(&read, &known, &wanted);

        assert_eq!(line.state, state, "{}", line.said);
        assert!(line.said.contains(said), "{}", line.said);
        let graver = licence::judge(&read, &known, &required).state;
        assert_eq!(graver, if state == Warn { Fail } else { state });
    }
    let china = licence::Known {
        cloud: Cloud::China,
        roles: None,
        plans: None,
    };
    assert_eq!(licence::judge(&Err(busy()), &china, &wanted).state, Skipped);
}

#[test]
fn a_permission_counts_when_it_or_a_wider_one_is_held() {
    let disable = wants(&[(Action::DisableAgent, Need::Required)]);
    let confirm = wants(&[(Action::ConfirmCompromised, Need::Wanted)]);
    let cases: [(&Wants, &[&str], State); 6] = [
        (
            &disable,
            &["AgentIdentity.Read.All", "AgentIdentity.EnableDisable.All"],
            Fine,
        ),
        (&disable, &["AgentIdentity.ReadWrite.All"], Fine),
        (&disable, &["AgentIdentity.Read.All"], Fail),
        (&disable, &[], Fail),
        (&confirm, &["IdentityRiskyAgent.Read.All"], Warn),
        (&confirm, &["IdentityRiskyAgent.ReadWrite.All"], Fine),
    ];

    for (wants, roles, state) in cases {
        let line = permissions::judge(Some(&texts(roles)), Profile::Agents, wants);

        assert_eq!(line.state, state, "{roles:?}: {}", line.said);
    }
    let classic = Wants {
        on_principals: [Action::ConfirmCompromised].into(),
        ..confirm.clone()
    };
    let right = texts(&["IdentityRiskyAgent.ReadWrite.All"]);
    let line = permissions::judge(Some(&right), Profile::Agents, &classic);
    assert_eq!(line.state, Warn);
    assert!(
        line.said.contains("Application.Read.All (verify)"),
        "{}",
        line.said
    );
    assert_eq!(
        permissions::judge(None, Profile::Agents, &disable).state,
        Unknown
    );
}

#[test]
fn e12_a_dangerous_right_fails_and_names_the_trap() {
    let line = rights::judge(
        Some(&texts(&["Directory.AccessAsUser.All"])),
        Profile::Agents,
    );

    assert_eq!(line.state, Fail);
    assert!(
        line.said.contains("ignore the agent permissions"),
        "{}",
        line.said
    );
    let harmless = texts(&["AgentIdentity.Read.All"]);
    assert_eq!(rights::judge(Some(&harmless), Profile::Agents).state, Fine);
    assert_eq!(rights::judge(None, Profile::Agents).state, Unknown);
}

#[test]
fn a_clock_is_judged_by_how_far_it_is_off_either_way() {
    let theirs = Moment::from_millis(1_000_000_000);
    for (seconds, state) in [(0, Fine), (5, Fine), (6, Warn), (60, Warn), (61, Fail)] {
        let span = Duration::from_secs(seconds);

        assert_eq!(skew::judge(Some(theirs), theirs.plus(span)).state, state);
        assert_eq!(skew::judge(Some(theirs), theirs.minus(span)).state, state);
    }
    assert_eq!(skew::judge(None, theirs).state, Unknown);
}

#[test]
fn a_protected_id_that_is_nothing_is_a_failure() {
    let there = Ok(BTreeSet::from([id(1)]));
    let none = BTreeSet::new();
    let apps = BTreeSet::from([id(2)]);

    assert_eq!(protected::judge(&[], &there, &none).state, Warn);
    assert_eq!(protected::judge(&[id(1)], &there, &none).state, Fine);
    assert_eq!(protected::judge(&[id(1), id(2)], &there, &none).state, Fail);
    assert_eq!(protected::judge(&[id(1), id(2)], &there, &apps).state, Fine);
    let unread = Err(refused("Authorization_RequestDenied"));
    assert_eq!(protected::judge(&[id(1)], &unread, &none).state, Unknown);
}

#[test]
fn logs_flow_only_when_both_categories_are_switched_on() {
    let subscription = id(9);
    let setting = |categories: &[&str], of: ObjectId| DiagnosticSetting {
        name: "to-sentinel".to_owned(),
        categories: texts(categories),
        workspace: Some(format!("/subscriptions/{of}/resourceGroups/x")),
    };
    let both = ["RiskyAgents", "AgentRiskEvents"];
    let cases = [
        (vec![setting(&both, subscription)], Fine),
        (vec![setting(&both, id(8))], Warn),
        (vec![setting(&both[..1], subscription)], Fail),
        (Vec::new(), Fail),
    ];

    for (settings, state) in cases {
        let line = logs::judge(Some(&Ok(settings)), Some(subscription));

        assert_eq!(line.state, state, "{}", line.said);
    }
    let refused = Err(arm::Error::Refused {
        status: 403,
        code: "AuthorizationFailed".to_owned(),
    });
    assert_eq!(
        logs::judge(Some(&refused), Some(subscription)).state,
        Unknown
    );
    assert_eq!(logs::judge(None, None).state, Skipped);
}

#[test]
fn a_drill_that_failed_or_is_too_old_is_a_failure() {
    let now = Moment::from_millis(0).plus(Duration::from_secs(20 * 24 * 3600));
    let ago = |days: u64| now.minus(Duration::from_secs(days * 24 * 3600));
    let drill = |state, ended| Drill {
        id: DrillId::from_uuid(Uuid::from_u128(1)),
        canary: id(2),
        state,
        asked_at: ended,
        asked_by: "schedule".to_owned(),
        run: None,
        hops: Vec::new(),
        because: None,
        ended_at: Some(ended),
    };
    let canary = Some((id(2), Duration::from_secs(8 * 24 * 3600)));
    let seen = |last: Option<Drill>, good: Option<Drill>, token| {
        Some(Ok(drills::Read { last, good, token }))
    };
    let read = |last, good| seen(last, good, None);
    let passed = |days| Some(drill(DrillState::Passed, ago(days)));
    let cases = [
        (read(passed(1), passed(1)), Fine),
        (read(passed(8), passed(8)), Fail),
        (
            seen(passed(1), passed(1), Some(TokenSeen::Issued { at: now })),
            Fail,
        ),
        (seen(passed(1), passed(1), Some(TokenSeen::NotTried)), Fine),
        (
            read(Some(drill(DrillState::Failed, ago(0))), passed(1)),
            Fail,
        ),
        (read(None, None), Warn),
        (None, Skipped),
    ];

    for (read, state) in cases {
        let line = drills::judge(canary, read.as_ref(), now);

        assert_eq!(line.state, state, "{}", line.said);
    }
    assert_eq!(drills::judge(None, None, now).state, Warn);
}

#[test]
fn a_token_is_judged_by_its_tenant_and_its_end() {
    let (tenant, now) = (id(1), Moment::from_millis(0));
    let held = |tenant, minutes: u64| {
        let ends = now.plus(Duration::from_secs(minutes * 60));
        let identity = Identity {
            tenant,
            object_id: id(2),
            app_id: id(3),
            roles: Vec::new(),
            expires_at: ends,
        };
        Ok((ends, Some(identity)))
    };
    let refused = Err(entra::Error::Refused {
        code: "AADSTS7000215".to_owned(),
    });

    assert_eq!(token::judge(&held(tenant, 60), tenant, now).state, Fine);
    assert_eq!(token::judge(&held(tenant, 4), tenant, now).state, Warn);
    assert_eq!(token::judge(&held(id(9), 60), tenant, now).state, Fail);
    assert_eq!(token::judge(&refused, tenant, now).state, Fail);
}

#[test]
fn whoever_refuses_us_has_been_reached() {
    assert_eq!(
        reach::judge(&Err(refused("Authorization_RequestDenied"))).state,
        Fine
    );
    assert_eq!(reach::judge(&Err(busy())).state, Fail);
}

#[test]
fn every_line_but_a_good_one_says_what_to_do() {
    let line = Line::of("x", Warn, "said", "fix");
    let report = Report {
        at: Moment::from_millis(0),
        lines: vec![Line::ok("y", "fine"), line],
    };

    assert_eq!(report.state(), Warn);
    assert!(report.line("x").unwrap().fix.is_some());
}

fn facts() -> crate::store::Facts {
    crate::store::Facts {
        version: 150_018,
        follows: false,
        commits: "on".to_owned(),
        sums: true,
        tls: true,
        step: 25,
        ours: 25,
        services: [(ServiceRole::All, 2)].into(),
        keeper: Some("first".to_owned()),
    }
}

#[test]
fn where_parts_share_a_store_it_is_told_which_and_that_a_worker_is_missing() {
    let of = |services: &[(ServiceRole, i64)], keeper: Option<&str>| {
        stored::judge(&stored::Read::Asked(Ok(Some(crate::store::Facts {
            services: services.iter().copied().collect(),
            keeper: keeper.map(str::to_owned),
            ..facts()
        }))))
    };

    let whole = of(
        &[(ServiceRole::Ingest, 2), (ServiceRole::Worker, 1)],
        Some("first"),
    );
    let idle = of(&[(ServiceRole::Ingest, 1), (ServiceRole::Console, 1)], None);

    let all = "3 services work on it (2 ingest, 1 worker), and first keeps house";
    assert!(
        whole.state == Fine && whole.said.ends_with(all),
        "{whole:?}"
    );
    let none = "no worker is alive (1 ingest, 1 console): what is taken and ordered waits";
    assert!(idle.state == Fail && idle.said.ends_with(none), "{idle:?}");
}

#[test]
fn a_server_that_does_not_sum_its_pages_is_warned_of() {
    let line = stored::judge(&stored::Read::Asked(Ok(Some(crate::store::Facts {
        sums: false,
        ..facts()
    }))));

    assert_eq!(line.state, State::Warn);
    assert!(line.said.contains("data_checksums is off"), "{}", line.said);
}

#[test]
fn a_server_that_only_follows_or_forgets_or_is_away_stores_nothing() {
    let asked = |facts| stored::judge(&stored::Read::Asked(Ok(Some(facts))));
    let busy = || crate::store::Error::Busy("gone".to_owned());
    for (line, state, said) in [
        (
            asked(facts()),
            Fine,
            "2 services work on it, and first keeps house",
        ),
        (
            asked(crate::store::Facts {
                services: [].into(),
                keeper: None,
                ..facts()
            }),
            Fine,
            "no service works on it now",
        ),
        (
            asked(crate::store::Facts {
                keeper: None,
                ..facts()
            }),
            Warn,
            "none keeps house",
        ),
        (
            asked(crate::store::Facts {
                step: 26,
                ..facts()
            }),
            Warn,
            "beyond our step 25",
        ),
        (
            asked(crate::store::Facts {
                follows: true,
                ..facts()
            }),
            Fail,
            "only follows another server",
        ),
        (
            asked(crate::store::Facts {
                commits: "local".to_owned(),
                ..facts()
            }),
            Fail,
            "synchronous_commit is `local`",
        ),
        (
            stored::judge(&stored::Read::Asked(Err(busy()))),
            Fail,
            "gone",
        ),
        (
            stored::judge(&stored::Read::Away("gone".to_owned())),
            Fail,
            "gone",
        ),
        (
            stored::judge(&stored::Read::Asked(Ok(None))),
            Fine,
            "a SQLite file",
        ),
        (stored::judge(&stored::Read::NotYet), Fine, "none yet"),
    ] {
        assert_eq!(line.state, state, "{line:?}");
        assert!(line.said.contains(said), "{line:?}");
        assert_eq!(line.fix.is_some(), state != Fine, "{line:?}");
    }
}
