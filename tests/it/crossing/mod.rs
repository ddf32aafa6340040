//! A store moves out of its file into a real PostgreSQL, by the real command: wholly and proved, or
//! not at all.

mod cut;
mod goes_on;
mod refused;
mod whole;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use estop::clock::Clock;
use estop::command::{NewName, at_the_machine, create_token};
use estop::domain::order::Scope;
use estop::store::{Entry, Place, Store};
use tokio::task::JoinSet;

use crate::cluster::Database;

/// A file with a store in it, and an empty database.
struct Move {
    folder: tempfile::TempDir,
    database: Database,
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    output: String,
    talk: String,
}

impl Ended {
    async fn of(child: Child) -> Self {
        let waiting = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
        let ended = waiting.await.unwrap();
        Self {
            code: ended.status.code(),
            output: String::from_utf8(ended.stdout).unwrap(),
            talk: String::from_utf8(ended.stderr).unwrap(),
        }
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.output).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

/// Starts the command.
fn typed(words: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_estop"));
    command.args(words).env_remove("ESTOP_CONFIG");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(Stdio::piped()).spawn().unwrap()
}

/// Opens a store for a moment.
async fn visit<T>(place: &Place, work: impl AsyncFnOnce(&Store) -> T) -> T {
    let opened = Store::open(place, Entry::Visit, Clock::system()).await;
    let (store, writing) = opened.unwrap();
    let mut life = JoinSet::new();
    life.spawn(writing);
    let done = work(&store).await;
    drop(store);
    while life.join_next().await.is_some() {}
    done
}

impl Move {
    /// With two tokens and the record of them in the file. None where there is no PostgreSQL.
    async fn ready() -> Option<Self> {
        let database = Database::fresh()?;
        let folder = tempfile::tempdir().unwrap();
        let ready = Self { folder, database };
        let place = Place::File(ready.file());
        visit(&place, async |store| {
            for name in ["soc", "other"] {
                let name = NewName::new(name).unwrap();
                let (clock, who) = (Clock::system(), at_the_machine("dana"));
                let life = Duration::from_secs(3600);
                let made = create_token((store, &clock), &who, (name, Scope::View), life).await;
                made.unwrap();
            }
        })
        .await;
        Some(ready)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("estop.db")
    }

    fn mark(&self) -> PathBuf {
        self.folder.path().join("estop.db.moved")
    }

    fn named(&self) -> String {
        format!("sqlite:{}", self.file().display())
    }

    fn place(&self) -> Place {
        Place::read(&self.database.address(), Path::new("/")).unwrap()
    }

    fn begin(&self, more: &[&str]) -> Child {
        let (from, to) = (self.named(), self.database.address());
        let mut words = vec!["store", "migrate", "--from", &from, "--to", &to];
        words.extend(more);
        typed(&words)
    }

    async fn migrate(&self) -> Ended {
        Ended::of(self.begin(&["--json"])).await
    }

    /// Changes the file behind everyone's back.
    fn change(&self, words: &str) {
        let file = rusqlite::Connection::open(self.file()).unwrap();
        file.execute_batch(words).unwrap();
    }

    /// Every table of the file, but the one that says which schema it is.
    fn tables(&self) -> Vec<String> {
        let file = rusqlite::Connection::open(self.file()).unwrap();
        let mut tables = file
            .prepare(
                "select name from sqlite_schema where type = 'table' and name <> 'migration' \
                 and name not like 'sqlite%' order by name",
            )
            .unwrap();
        let names = tables.query_map([], |row| row.get(0)).unwrap();
        names.collect::<Result<_, _>>().unwrap()
    }

    /// Tables of the database.
    fn tables_there(&self) -> Vec<String> {
        let said = self.database.tell(
            "select table_name from information_schema.tables \
             where table_schema = 'public' order by 1",
        );
        said.lines().map(str::to_owned).collect()
    }

    /// Rows of all tables of the database.
    fn rows_there(&self) -> u64 {
        let tables = self.tables_there();
        let tables = tables.iter().filter(|table| *table != "migration");
        let counts = tables.map(|table| {
            let said = self
                .database
                .tell(&format!("select count(*) from \"{table}\""));
            said.trim().parse::<u64>().unwrap()
        });
        counts.sum()
    }

    /// Nothing was moved, and the file is as free as before.
    fn nothing_moved(&self, why: &Ended) {
        assert_eq!(self.rows_there(), 0, "{why:?}");
        assert!(!self.mark().exists(), "{why:?}");
    }
}
