//! What is no part of a service, and where none can work.

use std::process::Output;

use crate::program::Site;

async fn ended(site: &Site, words: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = site.types(words);
    command.envs(variables.iter().copied());
    command.output().await.unwrap()
}

#[tokio::test]
async fn a_part_on_a_file_does_not_start_and_says_what_to_write() {
    let site = Site::new().await;
    let file = ("ESTOP_STORE", "sqlite:estop.db");

    let flag = ended(&site, &["serve", "--role", "worker"], &[file]).await;
    let variable = ended(&site, &["serve"], &[file, ("ESTOP_ROLE", "ingest")]).await;
    let key = format!("role: console\n{}", site.configuration());
    site.write("estop.yaml", &key);
    let key = ended(&site, &["serve"], &[file]).await;

    for (ended, role) in [(flag, "worker"), (variable, "ingest"), (key, "console")] {
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(78), "{said}");
        assert!(said.contains(&format!("role `{role}`")), "{said}");
        assert!(said.contains("store: postgres://"), "{said}");
    }
    assert!(!site.folder().join("estop.db").exists(), "it was made");
}

#[tokio::test]
async fn a_part_that_is_none_is_refused_with_those_there_are() {
    let site = Site::new().await;

    let flag = ended(&site, &["serve", "--role", "janitor"], &[]).await;
    let variable = ended(&site, &["serve"], &[("ESTOP_ROLE", "janitor")]).await;
    site.write(
        "estop.yaml",
        &format!("role: janitor\n{}", site.configuration()),
    );
    let key = ended(&site, &["serve"], &[]).await;

    for (ended, code, said) in [
        (flag, 2, "all, ingest, worker, console"),
        (variable, 78, "ESTOP_ROLE is `janitor`"),
        (key, 78, "janitor"),
    ] {
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{told}");
        assert!(told.contains(said), "{told}");
    }
}

#[tokio::test]
async fn a_worker_has_no_door_to_send_its_own_heartbeat_to() {
    let site = Site::new().await;
    let beating = |more: &str| {
        format!(
            "{}heartbeat: {{ source: lab, key_file: lab.key{more} }}\n",
            site.configuration()
        )
    };
    let worker = [
        ("ESTOP_ROLE", "worker"),
        ("ESTOP_STORE", "postgres://estop@db.contoso.example/estop"),
    ];

    site.write("estop.yaml", &beating(""));
    let nowhere = ended(&site, &["config", "check"], &worker).await;
    let whole = ended(&site, &["config", "check"], &worker[1..]).await;
    site.write("estop.yaml", &beating(", to: https://in.contoso.example"));
    let there = ended(&site, &["config", "check"], &worker).await;

    let said = String::from_utf8(nowhere.stderr).unwrap();
    assert_eq!(nowhere.status.code(), Some(2), "{said}");
    assert!(said.contains("`heartbeat`: `to` must be written"), "{said}");
    assert_eq!(whole.status.code(), Some(0), "{whole:?}");
    assert_eq!(there.status.code(), Some(0), "{there:?}");
}
