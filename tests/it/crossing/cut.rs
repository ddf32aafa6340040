//! It is interrupted: killed, asked to stop, cut off, also in the midst of the commit.

use std::io::Write as _;
use std::process::{Child, Command};
use std::time::Duration;

use estop::clock::Clock;

use super::{Ended, Move, typed, visit};

const LOOK_EVERY: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(20);
/// Has the copy of tokens wait in the middle.
const WAIT: &str = "create function wait() returns trigger language plpgsql as $$ begin \
     perform pg_sleep(15); return new; end $$; \
     create trigger wait before insert on token for each row execute function wait()";

impl Move {
    /// The schema is there, and the copy will wait in the middle.
    async fn slow(&self) {
        visit(&self.place(), async |_| {}).await;
        self.database.tell(WAIT);
    }

    /// Begins it and waits until it is in the middle.
    async fn midway(&self) -> Child {
        let begun = self.begin(&[]);
        let waits = || {
            self.database.tell(
                "select count(*) from pg_stat_activity where datname = current_database() \
                 and wait_event = 'PgSleep'",
            )
        };
        self.until(|| waits() == "1\n").await;
        begun
    }

    async fn until(&self, so: impl Fn() -> bool) {
        let clock = Clock::system();
        let looking = async {
            while !so() {
                clock.sleep(LOOK_EVERY).await;
            }
        };
        assert!(clock.within(PATIENCE, looking).await.is_ok());
    }

    /// Whoever was killed has left the server, too.
    async fn alone(&self) {
        self.database.cut();
        let others = "select count(*) from pg_stat_activity where datname = current_database() \
                      and pid <> pg_backend_pid()";
        self.until(|| self.database.tell(others) == "0\n").await;
    }
}

/// A shell starts what runs in its background so.
fn is_interrupt_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|it| it.strip_prefix("SigIgn:"));
    let ignored = u64::from_str_radix(ignored.unwrap().trim(), 16).unwrap();
    // Signals are counted from one; INT is the second.
    ignored & 0b10 != 0
}

#[tokio::test]
async fn a_copy_that_is_interrupted_leaves_nothing_and_the_next_one_moves_all() {
    let Some(moved) = Move::ready().await else {
        return;
    };
    moved.slow().await;
    for signal in ["INT", "TERM", "KILL"] {
        if signal == "INT" && is_interrupt_ignored() {
            let why = "skipped: INT, which whoever started these tests has them ignore";
            writeln!(std::io::stderr(), "{why}").unwrap();
            continue;
        }
        let midway = moved.midway().await;
        let kill = format!("kill -{signal} {}", midway.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
        let ended = Ended::of(midway).await;
        moved.alone().await;

        assert_eq!(ended.code, None, "{signal}: {ended:?}");
        moved.nothing_moved(&ended);
    }
    let midway = moved.midway().await;
    moved.database.cut();
    let cut = Ended::of(midway).await;
    assert_eq!(cut.code, Some(9), "{cut:?}");
    moved.nothing_moved(&cut);

    let list = ["token", "list", "--store", &moved.named(), "--json"];
    let free = Ended::of(typed(&list)).await;
    moved.database.tell("drop trigger wait on token");
    let last = moved.migrate().await;

    assert_eq!(
        free.json()["tokens"].as_array().unwrap().len(),
        2,
        "{free:?}"
    );
    assert_eq!(last.code, Some(0), "{last:?}");
    assert_eq!(last.json()["tables"]["token"], 2, "{last:?}");
}

#[tokio::test]
async fn nobody_writes_to_the_file_while_it_is_copied() {
    let Some(moved) = Move::ready().await else {
        return;
    };
    moved.slow().await;
    let midway = moved.midway().await;

    let words = [
        "token",
        "create",
        "--name",
        "late",
        "--store",
        &moved.named(),
    ];
    let late = Ended::of(typed(&words)).await;
    moved.database.cut();
    let cut = Ended::of(midway).await;

    assert_ne!(late.code, Some(0), "it would be lost: {late:?}");
    assert_eq!(cut.code, Some(9), "{cut:?}");
}

#[tokio::test]
async fn cut_while_it_commits_nobody_works_on_either_until_it_is_known() {
    let Some(moved) = Move::ready().await else {
        return;
    };
    visit(&moved.place(), async |_| {}).await;
    moved.database.tell(
        "create function cut() returns trigger language plpgsql as $$ begin \
             perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(5); return null; \
         end $$; \
         create constraint trigger cut after insert on token \
             deferrable initially deferred for each row execute function cut()",
    );

    let cut = moved.migrate().await;
    let list = ["token", "list", "--store", &moved.named()];
    let shut = Ended::of(typed(&list)).await;
    moved.database.tell("drop trigger cut on token");
    let again = moved.migrate().await;
    let once_more = moved.migrate().await;

    assert_eq!(cut.code, Some(7), "{cut:?}");
    assert!(cut.talk.contains("run the same again"), "{cut:?}");
    assert_eq!(shut.code, Some(2), "{shut:?}");
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(again.json()["moved_before"], false, "{again:?}");
    assert_eq!(once_more.json()["moved_before"], true, "{once_more:?}");
    assert_eq!(moved.database.tell("select count(*) from token"), "2\n");
}
