//! Approvals as they are typed: people made at the store, shown what a yes binds to, counted.

use estop::cli::Exit;
use estop::domain::run::RunState;

use super::Desk;
use super::typed::PERSON;
use crate::approvals::{playbook, with_playbook};
use crate::world::invoice_bot;

const ADA: &str = "0000f00d-0000-4000-8000-000000000001";
const BO: &str = "0000f00d-0000-4000-8000-000000000002";

/// A desk that asks two leads, and their credential files, made as people make them.
async fn asked() -> (Desk, [String; 2]) {
    let approval = "from: [soc-leads], quorum: 2, within: 60m, on_timeout: keep";
    let desk = Desk::with(with_playbook(playbook("ask", approval))).await;
    let store = desk.world.store();
    let mut files = Vec::new();
    for (name, entra) in [("ada", ADA), ("bo", BO)] {
        let file = desk.path(&format!("{name}.credential"));
        let words = [
            "person",
            "add",
            name,
            "--role",
            "lead",
            "--group",
            "soc-leads",
            "--entra",
            entra,
            "--out",
            &file,
            "--store",
            &store,
        ];
        let made = desk.types(&words).await;
        assert_eq!(made.exit, Exit::Done, "{made:?}");
        files.push(file);
    }
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;
    (desk, files.try_into().unwrap())
}

#[tokio::test]
async fn two_people_see_the_plan_and_approve_it_by_hand() {
    let (desk, [ada, bo]) = asked().await;
    let listed = desk
        .types(&["approvals", "list", "--state", "asked", "--json"])
        .await;
    let id = listed.json()["approvals"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let approve = ["approvals", "approve", id.as_str(), "--token-file"];

    let shown = desk.types(&["approvals", "show", &id]).await;
    let unasked = desk.types(&[&approve[..], &[ada.as_str()]].concat()).await;
    let first = [&approve[..], &[ada.as_str()]].concat();
    let first = desk.types_as(&first, "y\n", PERSON).await;
    let again = desk
        .types(&[&approve[..], &[ada.as_str(), "--yes"]].concat())
        .await;
    let second = [&approve[..], &[bo.as_str(), "--yes", "--json"]].concat();
    let second = desk.types(&second).await;
    desk.world.settle().await;

    assert_eq!(shown.exit, Exit::WaitsForPerson, "{shown:?}");
    for part in [
        "ASKED",
        "its playbook asks",
        "then: nothing is done",
        "disable_agent on",
        "0 of 2",
    ] {
        assert!(shown.output.contains(part), "{part}: {}", shown.output);
    }
    assert_eq!(unasked.exit, Exit::Guarded, "{unasked:?}");
    assert_eq!(first.exit, Exit::WaitsForPerson, "{first:?}");
    assert!(first.talk.contains("Approve it? [y/N]"), "{first:?}");
    assert_eq!(again.exit, Exit::WaitsForPerson, "{again:?}");
    assert_eq!(second.exit, Exit::Done, "{second:?}");
    assert_eq!(second.json()["approval"]["state"], "approved");
    assert_eq!(desk.world.only_run().await.state, RunState::Contained);
}

#[tokio::test]
async fn a_no_and_more_time_are_typed_too_and_a_token_is_refused() {
    let (desk, [ada, bo]) = asked().await;
    let listed = desk.types(&["approvals", "list", "--json"]).await;
    let id = listed.json()["approvals"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();

    let token = desk.types(&["approvals", "approve", &id, "--yes"]).await;
    let words = [
        "approvals",
        "extend",
        &id,
        "--by",
        "10m",
        "--token-file",
        &ada,
    ];
    let longer = desk.types(&words).await;
    let words = [
        "approvals",
        "deny",
        &id,
        "--reason",
        "a drill",
        "--token-file",
        &bo,
    ];
    let no = desk.types(&words).await;
    let late = ["approvals", "approve", &id, "--yes", "--token-file", &ada];
    let late = desk.types(&late).await;

    assert_eq!(token.exit, Exit::NotAllowed, "{token:?}");
    assert!(token.talk.contains("estop person add"), "{token:?}");
    assert_eq!(longer.exit, Exit::WaitsForPerson, "{longer:?}");
    assert_eq!(no.exit, Exit::Done, "{no:?}");
    assert!(no.output.contains("denied by person:bo: a drill"), "{no:?}");
    assert_eq!(late.exit, Exit::Failed, "{late:?}");
}

#[tokio::test]
async fn the_smaller_plan_is_approved_by_hand_and_is_all_that_runs() {
    let (desk, [ada, bo]) = asked().await;
    let listed = desk.types(&["approvals", "list", "--json"]).await;
    let id = listed.json()["approvals"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let less = async |who: &str| {
        let words = ["approvals", "approve", &id, "--smaller", "--yes"];
        desk.types(&[&words[..], &["--token-file", who]].concat())
            .await
    };

    let first = less(&ada).await;
    let second = less(&bo).await;
    desk.world.settle().await;

    assert_eq!(first.exit, Exit::WaitsForPerson, "{first:?}");
    assert_eq!(second.exit, Exit::Done, "{second:?}");
    assert!(second.output.contains("with a smaller plan"), "{second:?}");
    let run = desk.world.only_run().await;
    assert_eq!(run.state, RunState::Contained);
    let steps = desk.world.steps(run.id).await;
    let done: Vec<_> = steps.iter().map(|step| step.plan.action.word()).collect();
    assert_eq!(done, ["disable_agent", "verify"]);
}

#[tokio::test]
async fn one_person_has_one_credential_which_ends_when_it_is_revoked() {
    let (desk, [ada, _]) = asked().await;
    let store = desk.world.store();
    let second = [
        "person", "add", "ada2", "--role", "lead", "--entra", ADA, "--store", &store,
    ];

    let twice = desk.types(&second).await;
    let listed = desk
        .types(&["person", "list", "--store", &store, "--json"])
        .await;
    let people = listed.json()["people"].as_array().unwrap().clone();
    let id = people.iter().find(|it| it["name"] == "ada").unwrap()["id"].clone();
    let words = ["person", "revoke", id.as_str().unwrap(), "--store", &store];
    let revoked = desk.types(&words).await;
    let after = desk.types(&["runs", "list", "--token-file", &ada]).await;

    assert_eq!(twice.exit, Exit::Usage, "{twice:?}");
    assert!(!listed.output.contains("hash"), "{listed:?}");
    assert_eq!(revoked.exit, Exit::Done, "{revoked:?}");
    assert_eq!(after.exit, Exit::NotAllowed, "{after:?}");
    let records = desk.records().await;
    let added = records.iter().find(|record| record.what == "person.added");
    assert_eq!(added.unwrap().who.0, "local:dana");
}
