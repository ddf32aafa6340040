//! What the doctor, `/readyz` and `config check` know of a server that things are stored on.

use std::time::Duration;

use estop::doctor::{Report, State};

use crate::cluster::Database;
use crate::program::Site;
use crate::world::{Setting, World};

/// What one look says of the store, while the clock goes on.
async fn looked(world: &World) -> (State, String) {
    let doctor = world.service.doctor().unwrap();
    let looking = doctor.examine();
    tokio::pin!(looking);
    let report: Report = loop {
        tokio::select! {
            biased;
            report = &mut looking => break report,
            () = world.pass(Duration::from_millis(100)) => {}
        }
    };
    let line = report.line("store").unwrap();
    (line.state, line.said.clone())
}

/// The same, once it says so: whoever listens to a server comes to it in a moment.
async fn says(world: &World, part: &str) -> (State, String) {
    for _ in 0..50 {
        let line = looked(world).await;
        if line.1.contains(part) {
            return line;
        }
    }
    looked(world).await
}

#[tokio::test]
async fn the_doctor_says_what_the_server_is_who_shares_it_and_who_keeps_house() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let alone = says(&world, "1 service works").await;
    let (second, _door) = world.another().await;
    let both = says(&world, "2 services work").await;
    let holder = world.database().tell("select holder from keeper");
    drop(second);

    assert_eq!(alone.0, State::Ok, "{alone:?}");
    assert!(alone.1.starts_with("PostgreSQL 1"), "{alone:?}");
    assert!(
        alone
            .1
            .contains("schema step 26, no TLS; 1 service works on it"),
        "{alone:?}"
    );
    let shared = format!("2 services work on it, and {} keeps house", holder.trim());
    assert!(both.1.contains(&shared), "{both:?}");
}

#[tokio::test]
async fn the_doctor_warns_of_a_newer_schema_and_fails_where_nothing_can_be_stored() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let database = world.database();
    database.tell("insert into migration values (900, 'later', '\\x00', 25)");
    let newer = looked(&world).await;
    database.tell("delete from migration where number = 900");
    let name = &database.name;
    database.tell(&format!(
        "alter role estop in database {name} set synchronous_commit = off"
    ));
    database.cut();
    let forgets = looked(&world).await;
    database.shut();
    let away = looked(&world).await;
    database.open();

    assert_eq!(newer.0, State::Warn, "{newer:?}");
    assert!(newer.1.contains("beyond our step 26"), "{newer:?}");
    assert_eq!(forgets.0, State::Fail, "{forgets:?}");
    assert!(
        forgets.1.contains("synchronous_commit is `off`"),
        "{forgets:?}"
    );
    assert_eq!(away.0, State::Fail, "{away:?}");
}

/// A server that restarts answers what it is asked with the reason why the connection ends.
#[tokio::test]
async fn d12_what_a_server_answers_with_the_end_of_the_connection_is_asked_again_on_another() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let database = world.database();
    let before = says(&world, "1 service works").await;
    let now = database.tell("select now()");
    // Whoever reads the keeper on a connection that is older than this moment loses it by that.
    database.tell(&format!(
        "create function is_newer() returns boolean language plpgsql as $$ begin \
             if (select backend_start from pg_stat_activity where pid = pg_backend_pid()) \
                 < timestamptz '{}' then \
                 perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(5); end if; \
             return true; end $$; \
         create policy newer on keeper using (is_newer()); \
         alter table keeper enable row level security; \
         alter table keeper force row level security",
        now.trim()
    ));
    let after = looked(&world).await;
    world.service.readiness().await.unwrap();

    assert_eq!(before.0, State::Ok, "{before:?}");
    assert_eq!(after.0, State::Ok, "{after:?}");
}

/// What can still be read is not enough.
#[tokio::test]
async fn a_service_whose_server_stores_nothing_is_not_ready_and_is_again_after_it() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    world.pass(Duration::from_secs(1)).await;
    let before = world.service.readiness().await;
    let set = format!(
        "alter role estop in database {} set synchronous_commit = off",
        world.database().name
    );
    world.database().tell(&set);
    world.database().cut();
    let forgets = world.service.readiness().await;
    world.database().tell(&set.replace("off", "on"));
    world.database().cut();
    let after = world.service.readiness().await;

    assert_eq!(before, Ok(()));
    let forgets = forgets.unwrap_err();
    assert!(forgets.contains("synchronous_commit"), "{forgets}");
    assert_eq!(after, Ok(()));
}

/// Both may be wrong at once.
#[tokio::test]
async fn the_doctor_of_a_server_that_is_away_looks_at_everything_else() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let site = Site::new().await;
    configured(&site, &database.line());
    database.shut();
    let ended = site.types(&["doctor"]).output().await.unwrap();
    database.open();
    let said = String::from_utf8(ended.stdout).unwrap();

    assert_eq!(ended.status.code(), Some(1), "{said}");
    let store = said.lines().find(|line| line.contains(" store ")).unwrap();
    assert!(store.contains("FAIL"), "{said}");
    assert!(
        store.contains("not currently accepting connections"),
        "{said}"
    );
    let reach = said.lines().find(|line| line.contains(" reach ")).unwrap();
    assert!(reach.contains("ok"), "{said}");
}

fn configured(site: &Site, store: &str) {
    let usual = site.configuration();
    let lines = usual.lines().filter(|line| !line.starts_with("store:"));
    let lines: Vec<_> = lines.collect();
    site.write("estop.yaml", &format!("{}\n{store}", lines.join("\n")));
}

#[tokio::test]
async fn a_check_of_the_configuration_looks_at_the_files_for_a_server_and_asks_nobody() {
    let site = Site::new().await;
    let check = async |store: &str| {
        configured(&site, store);
        let ended = site.types(&["config", "check"]).output().await.unwrap();
        let talk = String::from_utf8(ended.stderr).unwrap();
        (ended.status.code(), talk)
    };
    let address = "store: postgres://estop@db.contoso.example/estop\n";
    let with = |file: &str| format!("{address}store_password_file: {file}\n");
    site.write("good", "not-a-real-password\n");
    site.write("empty", "\n");
    site.write("ca.pem", "no certificate\n");
    std::fs::write(site.folder().join("open"), "not-a-real-password\n").unwrap();

    let good = check(&with("good")).await;
    let missing = check(&with("missing")).await;
    let empty = check(&with("empty")).await;
    let open = check(&with("open")).await;
    let ca = check(&format!("{address}store_ca_file: ca.pem\n")).await;

    assert_eq!(good.0, Some(0), "{good:?}");
    assert!(good.1.contains("estop doctor"), "{good:?}");
    for (ended, said) in [
        (missing, "missing"),
        (empty, "is empty"),
        (open, "others may read it"),
        (ca, "no certificate to believe a server by"),
    ] {
        assert_eq!(ended.0, Some(2), "{ended:?}");
        assert!(ended.1.contains(said), "{said}: {ended:?}");
    }
}
