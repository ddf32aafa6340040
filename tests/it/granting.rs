//! What a deployment must be granted: told by the command line, granted by the script it prints.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use clap::Parser as _;
use estop::cli::{Cli, Ends, Errand, Exit, Room, Terminal, run};
use estop::clock::Clock;
use estop::config::Environment;
use estop::domain::permission::{PERMISSIONS, only_reads, permission};
use estop::domain::sight::{OPTIONAL, Optional};
use serde_json::Value;

use crate::paper::Paper;

/// Exit, standard output, standard error.
pub async fn types(words: &[&str]) -> (Exit, String, String) {
    let (output, talk) = (Paper::default(), Paper::default());
    let empty = Cursor::new(String::new());
    let mut room = Room {
        terminal: Terminal::of(empty, output.clone(), talk.clone(), Ends::default()),
        environment: Environment::new([]),
        clock: Clock::system(),
        transport: None,
    };
    let cli = Cli::try_parse_from([&["estop"], words].concat()).unwrap();
    let Errand::Done(exit) = run(cli, &mut room).await else {
        panic!("{words:?} is the roof's");
    };
    (exit, output.text(), talk.text())
}

async fn json(words: &[&str]) -> Value {
    let (_, output, talk) = types(&[words, &["--json"]].concat()).await;
    serde_json::from_str(&output).unwrap_or_else(|why| panic!("{why}: {output} {talk}"))
}

/// A folder with one playbook of these steps.
fn folder(entity: &str, steps: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let steps: String = steps.iter().map(|step| format!("  - {step}\n")).collect();
    let text = format!(
        "playbook: x\nsummary: Try it.\ntrigger:\n  detection: [signInSpike]\n\
         entity: {entity}\nmode: observe\nsteps:\n{steps}"
    );
    std::fs::write(folder.path().join("x.yaml"), text).unwrap();
    folder
}

fn names(profile: &Value) -> Vec<&str> {
    let all = profile["permissions"].as_array().unwrap().iter();
    all.map(|one| one["permission"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_shipped_playbooks_need_what_deploy_says_and_nothing_of_other_profiles() {
    let told = json(&["playbook", "permissions"]).await;

    let written = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/permissions.json");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(written).unwrap()).unwrap();
    let keys = |of: &str| written[of].as_object().unwrap().keys();
    let profiles = told["profiles"].as_array().unwrap();
    assert_eq!(profiles.len(), 3);
    for profile in profiles {
        let name = profile["profile"].as_str().unwrap();
        let mut wanted: Vec<_> = keys("application").collect();
        if name != "agents" {
            // What ships for this profile alone.
            wanted.extend(keys(name));
        }
        wanted.sort();
        wanted.dedup();
        assert_eq!(names(profile), wanted, "{name}");
    }
}

#[tokio::test]
async fn what_only_looks_stands_beside_in_every_place_and_is_granted_when_asked_for() {
    let told = json(&["playbook", "permissions", "--profile", "agents"]).await;
    let written = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/permissions.json");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(written).unwrap()).unwrap();
    let uses = |one: &Optional| -> Vec<String> {
        let all = one.uses.iter();
        all.map(|(sight, sees)| format!("{sight}: {sees}"))
            .collect()
    };
    let known: BTreeMap<&str, Vec<String>> =
        OPTIONAL.iter().map(|one| (one.name, uses(one))).collect();
    // Who may write may read.
    let besides: Vec<&str> = OPTIONAL
        .iter()
        .map(|one| one.name)
        .filter(|name| *name != "IdentityRiskyAgent.Read.All")
        .collect();

    assert_eq!(written["optional"], serde_json::json!(known));
    let optional = told["profiles"][0]["optional"].as_array().unwrap();
    let named: Vec<_> = optional
        .iter()
        .map(|one| one["permission"].as_str().unwrap())
        .collect();
    assert_eq!(named, besides);
    for shell in ["az", "powershell"] {
        let (_, least, _) = types(&["init", "entra", "--shell", shell]).await;
        let (_, all, _) = types(&["init", "entra", "--shell", shell, "--optional"]).await;

        let mut wanted = granted(&least);
        assert!(!wanted.contains(&"Policy.Read.All"), "{shell}");
        wanted.extend(&besides);
        assert_eq!(granted(&all), wanted, "{shell}");
        assert!(all.contains("# drift: whether the blueprint"), "{shell}");
    }
}

#[tokio::test]
async fn each_permission_says_which_action_needs_it_and_why() {
    let folder = folder("agent", &["disable_agent", "remove_grant"]);
    let path = folder.path().to_str().unwrap();

    let told = json(&["playbook", "permissions", path, "--profile", "eradicate"]).await;

    let permissions = told["profiles"][0]["permissions"].as_array().unwrap();
    let grant = permissions
        .iter()
        .find(|one| one["permission"] == "DelegatedPermissionGrant.ReadWrite.All")
        .unwrap();
    assert_eq!(grant["needed_by"], serde_json::json!(["remove_grant"]));
    assert_eq!(
        grant["lets"],
        "remove delegated permission grants and put them back"
    );
    assert!(grant["reaches"].as_str().unwrap().contains("any user"));
}

#[tokio::test]
async fn a_step_beyond_the_profile_ends_with_1_and_names_the_profile_it_needs() {
    let folder = folder("service_principal", &["disable_service_principal"]);
    let path = folder.path().to_str().unwrap();
    let ask = |profile| {
        let words = ["playbook", "permissions", path, "--profile", profile];
        async move { types(&words).await }
    };

    let (agents, _, talk) = ask("agents").await;
    let (classic, table, warned) = ask("classic").await;
    let all = types(&["playbook", "permissions", path]).await.0;

    assert_eq!(
        (agents, classic, all),
        (Exit::Failed, Exit::Done, Exit::Done)
    );
    assert!(talk.contains("disable_service_principal of x needs the profile classic"));
    assert!(table.contains("Application.ReadWrite.All"));
    assert!(!table.contains("Application.Read.All"), "{table}");
    assert!(warned.contains("as good as a global administrator"));
}

#[tokio::test]
async fn playbooks_that_cannot_be_read_end_with_2_and_print_nothing() {
    let folder = folder("agent", &["disable_everything"]);
    let path = folder.path().to_str().unwrap();

    for words in [["playbook", "permissions", path], ["init", "entra", path]] {
        let (exit, output, talk) = types(&words).await;

        assert_eq!((exit, output.as_str()), (Exit::Usage, ""));
        assert!(talk.contains("disable_everything"), "{talk}");
    }
}

#[tokio::test]
async fn foundry_asks_for_an_azure_role_and_no_permission() {
    let folder = folder("agent", &["disable_agent", "stop_in_foundry"]);
    let path = folder.path().to_str().unwrap();

    let told = json(&["playbook", "permissions", path, "--profile", "agents"]).await;

    let besides = &told["profiles"][0]["besides"];
    assert_eq!(besides["needed_by"], "stop_in_foundry");
    assert!(besides["what"].as_str().unwrap().contains("Azure role"));
}

/// The permissions a script grants.
fn granted(script: &str) -> Vec<&str> {
    let calls = script.lines().filter_map(|line| {
        let (word, name) = line.split_once(' ')?;
        (word == "grant" || word == "Grant").then_some(name.trim_matches('\''))
    });
    calls.filter(|name| !name.starts_with('(')).collect()
}

#[tokio::test]
async fn the_scripts_grant_what_the_profile_needs_and_name_no_role_id() {
    let folder = folder(
        "agent",
        &["disable_agent", "remove_role", "remove_app_role"],
    );
    let path = folder.path().to_str().unwrap();
    let told = json(&["playbook", "permissions", path, "--profile", "eradicate"]).await;

    for shell in ["az", "powershell"] {
        let words = [
            "init",
            "entra",
            path,
            "--profile",
            "eradicate",
            "--shell",
            shell,
        ];
        let (exit, script, _) = types(&words).await;

        assert_eq!(exit, Exit::Done);
        assert_eq!(granted(&script), names(&told["profiles"][0]), "{shell}");
        for name in granted(&script) {
            assert!(permission(name).is_some(), "{shell}: {name}");
        }
        assert!(script.contains("00000003-0000-0000-c000-000000000000"));
        let ids = script.matches("-0000-").count() + script.matches("AppRoleId '").count();
        assert_eq!(ids, 1, "only Graph's own app id is written: {shell}");
        assert!(script.contains("AllowedMemberTypes") || script.contains("allowedMemberTypes"));
    }
    assert!(PERMISSIONS.len() >= 20);
}

#[tokio::test]
async fn what_the_profile_leaves_out_is_said_beside_the_script() {
    let folder = folder("agent", &["disable_agent", "remove_grant"]);
    let path = folder.path().to_str().unwrap();

    let (_, script, talk) = types(&["init", "entra", path]).await;

    assert!(!script.contains("DelegatedPermissionGrant"));
    assert!(talk.contains("remove_grant of x is left out: it needs --profile eradicate"));
}

/// What is printed for a part, for one profile.
async fn for_role(path: &str, profile: &str, role: &str) -> Value {
    let words = ["playbook", "permissions", path, "--profile", profile];
    let told = json(&[&words[..], &["--role", role]].concat()).await;
    told["profiles"][0].clone()
}

#[tokio::test]
async fn a_console_needs_what_only_reads_for_its_plans_and_a_door_for_senders_nothing() {
    let agents = folder(
        "agent",
        &["disable_agent", "stop_in_foundry", "remove_role"],
    );
    let classic = folder("service_principal", &["disable_service_principal"]);
    let [agents, classic] = [&agents, &classic].map(|it| it.path().to_str().unwrap());

    let console = for_role(agents, "eradicate", "console").await;
    let beyond = for_role(agents, "agents", "console").await;
    let reads = for_role(classic, "classic", "console").await;
    let worker = for_role(agents, "eradicate", "worker").await;
    let all = for_role(agents, "eradicate", "all").await;
    let ingest = for_role(agents, "eradicate", "ingest").await;

    let [agent, blueprint, user] = [
        "AgentIdentity.Read.All",
        "AgentIdentityBlueprintPrincipal.Read.All",
        "User.ReadBasic.All",
    ];
    assert_eq!(names(&console), [agent, blueprint, user]);
    assert_eq!(
        names(&reads),
        [agent, blueprint, "Application.Read.All", user]
    );
    assert_eq!(names(&ingest), [] as [&str; 0]);
    for part in [&console, &ingest, &beyond] {
        assert_eq!(part["besides"], Value::Null, "{part}");
        assert_eq!(part["beyond"], serde_json::json!([]), "{part}");
    }
    let one = &console["permissions"][0];
    assert_eq!(one["needed_by"], serde_json::json!(["plans"]));
    assert_eq!(one["lets"], "read agent identities");
    let optional = &console["optional"];
    assert_eq!(optional.as_array().unwrap().len(), 1, "{optional}");
    assert_eq!(optional[0]["permission"], "Directory.Read.All");
    assert_eq!(optional[0]["uses"][0]["for"], "protection");
    assert_eq!(ingest["optional"], serde_json::json!([]));
    // Whoever carries out needs what all of a service needs.
    assert_eq!(worker["role"], "worker");
    for what in ["permissions", "besides", "beyond", "optional"] {
        assert_eq!(worker[what], all[what], "{what}");
    }
}

#[tokio::test]
async fn the_script_for_a_console_grants_what_it_reads_and_for_a_door_there_is_none() {
    let console = for_role("playbooks", "agents", "console").await;

    for shell in ["az", "powershell"] {
        let of = |role| {
            [
                "init",
                "entra",
                "playbooks",
                "--role",
                role,
                "--shell",
                shell,
            ]
        };
        let (exit, script, _) = types(&of("console")).await;
        let (refused, nothing, why) = types(&of("ingest")).await;

        assert_eq!(exit, Exit::Done);
        assert_eq!(granted(&script), names(&console), "{shell}");
        assert!(granted(&script).iter().all(|name| only_reads(name)));
        let head = "of the role console in the profile agents.";
        assert!(script.contains(head), "{script}");
        assert_eq!((refused, &*nothing), (Exit::Usage, ""), "{shell}");
        assert!(why.contains("enters no tenant"), "{why}");
    }
    let (exit, said, why) = types(&["playbook", "permissions", "--role", "ingest"]).await;
    assert_eq!(exit, Exit::Done);
    assert!(said.contains("PROFILE agents, ROLE ingest"), "{said}");
    assert!(why.contains("enters no tenant"), "{why}");
}

/// An `az` that knows two of three permissions and notes what it is asked to grant.
const AZ: &str = r#"#!/bin/sh
case "$*" in
  *"--method post"*) echo "$*" >> "$NOTED" ;;
  *"value[].appRoleId"*) echo "role-of-held" ;;
  *"--query id"*) echo "graph-object-id" ;;
  *"value=='AgentIdentity.Read.All'"*) echo "role-of-held" ;;
  *"value=='AgentIdentity.EnableDisable.All'"*) echo "role-of-new" ;;
  *) echo "" ;;
esac
"#;

#[tokio::test]
async fn the_az_script_is_sound_grants_what_is_new_and_says_what_the_tenant_lacks() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_, script, _) = types(&["init", "entra"]).await;
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    std::fs::write(place("grant.sh"), script).unwrap();
    std::fs::write(place("az"), AZ).unwrap();
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(place("az"), executable).unwrap();
    let sh = |words: &[&str]| {
        let mut command = Command::new("sh");
        command.args(words).current_dir(folder.path());
        command.env("NOTED", place("noted"));
        command.env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
        command.output().unwrap()
    };

    let syntax = sh(&["-n", "grant.sh"]);
    let alone = sh(&["grant.sh"]);
    let ran = sh(&["grant.sh", "our-object-id"]);

    assert!(syntax.status.success(), "{syntax:?}");
    assert!(!alone.status.success());
    let said = String::from_utf8(ran.stdout).unwrap();
    let warned = String::from_utf8(ran.stderr).unwrap();
    assert!(
        said.contains("held     AgentIdentity.Read.All"),
        "{said} {warned}"
    );
    assert!(
        said.contains("granted  AgentIdentity.EnableDisable.All"),
        "{said}"
    );
    assert!(
        warned.contains("missing  IdentityRiskyAgent.ReadWrite.All"),
        "{warned}"
    );
    assert_eq!(ran.status.code(), Some(1));
    let noted = std::fs::read_to_string(place("noted")).unwrap();
    assert_eq!(noted.lines().count(), 1, "{noted}");
    assert!(noted.contains(r#""appRoleId":"role-of-new""#), "{noted}");
    assert!(noted.contains("/servicePrincipals/our-object-id/appRoleAssignments"));
}
