//! What is refused, and leaves both sides as they were.

use estop::store::Place;

use super::{Ended, Move, typed, visit};
use crate::program::Site;

async fn refused(moved: &Move, code: i32, word: &str) {
    let ended = moved.migrate().await;
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert!(ended.talk.contains(word), "{word}: {ended:?}");
    assert_eq!(ended.output, "", "{ended:?}");
    assert!(!moved.mark().exists(), "{ended:?}");
}

#[tokio::test]
async fn a_database_with_anything_in_it_is_not_written_to() {
    let Some(moved) = Move::ready().await else {
        return;
    };
    moved
        .database
        .tell("create table theirs (x int); insert into theirs values (1); grant select on theirs to estop");
    refused(&moved, 8, "`theirs` has rows").await;
    assert_eq!(moved.tables_there(), ["theirs"]);

    moved.database.tell("drop table theirs");
    visit(&moved.place(), async |_| {}).await;
    moved.database.tell(
        "insert into setting (name, value, set_at, set_by) values ('mode', 'off', 1, 'dana')",
    );
    refused(&moved, 8, "`setting` has rows").await;
    moved.database.tell("delete from setting");
    let ended = moved.migrate().await;

    assert_eq!(
        ended.code,
        Some(0),
        "a schema alone is as good as none: {ended:?}"
    );
}

#[tokio::test]
async fn a_file_that_is_old_changed_or_none_of_ours_is_not_moved() {
    let Some(moved) = Move::ready().await else {
        return;
    };
    let newest = "select max(number) from migration";
    moved.change(&format!(
        "create temp table kept as select * from migration where number = ({newest}); \
         create table aside as select * from kept; \
         delete from migration where number = ({newest})"
    ));
    refused(&moved, 8, "estop audit verify --store sqlite:").await;
    moved.change(
        "insert into migration select * from aside; drop table aside; \
         insert into migration values (900, 'later', x'00')",
    );
    refused(&moved, 2, "a newer version of estop").await;
    moved.change("delete from migration where number = 900; create table later (x integer)");
    refused(&moved, 1, "`later` of the file has no place there").await;
    moved.change("drop table later; update record set line = line || ' ' where number = 2");
    refused(&moved, 1, "the record does not hold").await;
    moved.nothing_moved(&moved_away(&moved).await);
    moved.change("drop table migration");
    refused(&moved, 2, "it is no store of estop").await;
    std::fs::write(moved.file(), "a poem").unwrap();
    let poem = moved.migrate().await;
    std::fs::remove_file(moved.file()).unwrap();
    refused(&moved, 2, "there is no store at").await;

    assert_eq!(poem.code, Some(2), "{poem:?}");
    assert!(!moved.file().exists(), "it was made");
    assert_eq!(moved.tables_there(), [""; 0]);
}

/// The same words to a server where nobody listens.
async fn moved_away(moved: &Move) -> Ended {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let to = format!("postgres://estop@127.0.0.1:{port}/estop");
    let words = ["store", "migrate", "--from", &moved.named(), "--to", &to];
    let ended = Ended::of(typed(&words)).await;
    assert_eq!(ended.code, Some(9), "{ended:?}");
    ended
}

#[tokio::test]
async fn a_server_that_a_service_would_refuse_is_refused() {
    let Some(moved) = Move::ready().await else {
        return;
    };
    let name = &moved.database.name;
    let set = format!("alter role estop in database {name} set synchronous_commit = off");
    moved.database.tell(&set);
    refused(&moved, 2, "synchronous_commit is `off`").await;
    moved.database.tell(&set.replace("off", "on"));
    moved.database.tell("create role mover superuser login");
    let to = moved.database.address().replace("user=estop", "user=mover");
    let words = ["store", "migrate", "--from", &moved.named(), "--to", &to];
    let boss = Ended::of(typed(&words)).await;
    moved.database.tell("drop role mover");
    moved.database.tell("create table migration (number bigint not null primary key, name text not null, \
         digest bytea not null, beside bigint not null); \
         insert into migration values (900, 'later', '\\x00', 900); grant all on migration to estop");
    refused(&moved, 2, "step 900").await;

    assert_eq!(boss.code, Some(2), "{boss:?}");
    assert!(boss.talk.contains("superuser"), "{boss:?}");
    assert_eq!(moved.tables_there(), ["migration"]);
}

#[tokio::test]
async fn what_was_typed_wrongly_is_said_before_anything_is_opened() {
    let Some(moved) = Move::ready().await else {
        return;
    };
    let (from, to) = (moved.named(), moved.database.address());
    let secret = to.replace("user=estop", "user=estop&password=x");
    for (words, said) in [
        (
            vec!["--from", &from, "--to", &from],
            "a store moves into a database",
        ),
        (vec!["--from", &to, "--to", &to], "is no file"),
        (vec!["--from", &from, "--to", &secret], "is not known here"),
        (vec!["--from", &from], "there is no configuration"),
        (vec!["--from", &from, "--password-file", "x"], "--to"),
    ] {
        let mut all = vec!["store", "migrate"];
        all.extend(words);
        let ended = Ended::of(typed(&all)).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.talk.contains(said), "{said}: {ended:?}");
    }
    assert_eq!(moved.tables_there(), [""; 0]);
}

#[tokio::test]
async fn a_service_at_work_is_not_moved_and_none_begins_while_it_is_moved() {
    let Some(moved) = Move::ready().await else {
        return;
    };
    let site = Site::new().await;
    let configuration = |store: &Place| {
        let usual = site.configuration();
        let lines = usual.lines().filter(|line| !line.starts_with("store:"));
        let lines: Vec<_> = lines.collect();
        format!("{}\nstore: \"{store}\"\n", lines.join("\n"))
    };
    site.write("estop.yaml", &configuration(&Place::File(moved.file())));
    let mut service = site.start(&[]);
    assert!(service.doors().await.is_some(), "{}", site.log());

    refused(&moved, 8, "is held by another estop process").await;
    service.ask_to_stop().await;
    let ended = moved.migrate().await;
    let mut old = site.start(&[]);
    let old = old.ended().await;
    site.write("estop.yaml", &configuration(&moved.place()));
    let mut new = site.start(&[]);

    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(old.code(), Some(78));
    assert!(site.log().contains("was moved to"), "{}", site.log());
    assert!(new.doors().await.is_some(), "{}", site.log());
    new.ask_to_stop().await;
}
