//! What the database itself refuses each part.

use super::prepared;
use crate::cluster::Database;

/// Whoever takes a part's password can do no more than this part.
const REFUSED: [(&str, &str); 22] = [
    ("estop_ingest", "update run set state = 'undone'"),
    ("estop_ingest", "insert into run (run_id) values ('\\x00')"),
    ("estop_ingest", "delete from record"),
    ("estop_ingest", "update record set line = 'x'"),
    ("estop_ingest", "select line from record"),
    ("estop_ingest", "select body from delivery"),
    ("estop_ingest", "update delivery set state = 'ignored'"),
    ("estop_ingest", "delete from delivery"),
    ("estop_ingest", "update setting set value = 'off'"),
    (
        "estop_ingest",
        "insert into orders (order_id) values ('\\x00')",
    ),
    (
        "estop_ingest",
        "insert into token (token_id) values ('\\x00')",
    ),
    ("estop_ingest", "select * from notice"),
    ("estop_worker", "update record set line = 'x'"),
    (
        "estop_worker",
        "insert into token (token_id) values ('\\x00')",
    ),
    ("estop_worker", "update person set role = 'lead'"),
    ("estop_worker", "drop table record"),
    ("estop_worker", "create table mine (one bigint)"),
    ("estop_console", "delete from record"),
    ("estop_console", "update record set line = 'x'"),
    ("estop_console", "update containment set state = 'open'"),
    ("estop_console", "delete from run"),
    ("estop_console", "truncate notice"),
];

/// What each part does all the time.
const DONE: [(&str, &str); 6] = [
    ("estop_ingest", "select state from delivery"),
    ("estop_ingest", "select number, seal from record"),
    ("estop_worker", "select body from delivery"),
    (
        "estop_worker",
        "update run set state = 'running' where false",
    ),
    ("estop_console", "select line from record"),
    (
        "estop_console",
        "update run set state = 'undoing' where false",
    ),
];

#[tokio::test]
async fn each_part_has_no_more_rights_in_the_database_than_it_needs() {
    let Some(database) = Database::fresh() else {
        return;
    };
    prepared(&database).await;
    // Granted twice, nothing differs.
    database.tell(&super::grants());

    for (role, words) in REFUSED {
        let said = database.answers(role, words);
        let refused = said.contains("permission denied") || said.contains("must be owner");
        assert!(refused, "{role}: {words}: {said}");
    }
    for (role, words) in DONE {
        let said = database.answers(role, words);
        assert_eq!(said, "", "{role}: {words}");
    }
}
