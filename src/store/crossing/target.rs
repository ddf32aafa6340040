//! The database that a store is moved into, within one transaction that every other writer there
//! waits for.

use std::collections::HashMap;

use super::source::{Table, only, quoted};
use super::{CrossError, Obstacle};
use crate::domain::record::{Broken, Chain, Seal, SealedLine};
use crate::store::error::Error;
use crate::store::place::ServerPlace;
use crate::store::records::sealed_line;
use crate::store::rows;
use crate::store::shared_schema::steps;
use crate::store::sql::{BEGIN, For, Kinds, Live, Server, Value, query};

/// Records that are read at once.
const PAGE: i64 = 1_000;
/// Every table there but the one that says which schema it is.
const TABLES: &str = "select cast(c.relname as text) as name \
     from pg_class c join pg_namespace n on n.oid = c.relnamespace \
     where n.nspname = current_schema() and c.relkind in ('r', 'p') and c.relname <> 'migration' \
     order by 1";

/// The database, in its one transaction.
pub(super) struct Target {
    live: Live,
    /// What the columns of each table hold.
    kinds: HashMap<String, Kinds>,
}

impl Target {
    /// Connects, makes sure that the server keeps what it says, and shuts other writers out.
    pub(super) async fn enter(place: &ServerPlace) -> Result<Self, CrossError> {
        let unfit = |why: String| CrossError::of_server(Error::Refused(why));
        let server = Server::new(place.clone()).map_err(unfit)?;
        let alone = server.is_ours_alone().await;
        alone.map_err(CrossError::of_server)?;
        let connected = server.connect(For::Writing).await;
        let mut live = connected.map_err(CrossError::of_server)?;
        live.run_script(BEGIN)
            .await
            .map_err(CrossError::of_server)?;
        Ok(Self {
            live,
            kinds: HashMap::new(),
        })
    }

    /// Does its record pass this head?
    pub(super) async fn has(&mut self, (number, seal): (i64, Seal)) -> Result<bool, CrossError> {
        if !self.tables().await?.iter().any(|table| table == "record") {
            return Ok(false);
        }
        let found = query("select seal from record where number = $1")
            .bind(number)
            .fetch_optional(&mut self.live)
            .await;
        let found = found.map_err(CrossError::of_server)?;
        let found = found.map(|row| rows::seal(&row)).transpose();
        Ok(found.map_err(CrossError::of_server)? == Some(seal))
    }

    /// Nothing there is written over.
    pub(super) async fn must_be_empty(&mut self, place: &ServerPlace) -> Result<(), CrossError> {
        for table in self.tables().await? {
            let text = format!("select exists (select 1 from {})", quoted(&table));
            if self.one::<bool>(&text).await? {
                let why = format!("{place} is not empty: `{table}` has rows");
                let fix = "name an empty database: nothing is written over, and nothing is mixed";
                return Err(CrossError::new(Obstacle::InTheWay, why, fix));
            }
        }
        Ok(())
    }

    async fn tables(&mut self) -> Result<Vec<String>, CrossError> {
        let rows = query(TABLES).fetch_all(&mut self.live).await;
        let rows = rows.map_err(CrossError::of_server)?;
        let names: Result<_, Error> = rows.iter().map(|row| row.get("name")).collect();
        names.map_err(CrossError::of_server)
    }

    /// The schema, within the same transaction.
    pub(super) async fn build(&mut self) -> Result<(), CrossError> {
        steps(&mut self.live).await.map_err(CrossError::of_server)
    }

    /// Learns what the columns of this table hold there; a table or a column that is not there ends
    /// it before anything is copied.
    pub(super) async fn expect(&mut self, table: &Table) -> Result<(), CrossError> {
        let text = format!("select {} from {}", table.list(), table.quoted());
        let kinds = self.live.kinds(&text).await.map_err(|error| {
            let why = format!("`{}` of the file has no place there: {error}", table.name);
            let fix = "nothing was moved: this is a mistake of ours, please report it";
            CrossError::new(Obstacle::NotProved, why, fix)
        })?;
        self.kinds.insert(table.name.clone(), kinds);
        Ok(())
    }

    /// Puts these rows into a table.
    pub(super) async fn pour(
        &mut self,
        table: &Table,
        rows: &[Vec<Value>],
    ) -> Result<(), CrossError> {
        let (name, columns) = (table.quoted(), table.list());
        let text = format!("copy {name} ({columns}) from stdin binary");
        let kinds = self.kinds.get(&table.name).cloned().unwrap_or_default();
        let poured = self.live.pour(&text, &kinds, rows).await;
        poured.map_err(CrossError::of_server)
    }

    /// It counts as many rows there as in the file.
    pub(super) async fn must_count(&mut self, table: &Table) -> Result<(), CrossError> {
        let text = format!("select count(*) from {}", table.quoted());
        let found: i64 = self.one(&text).await?;
        if u64::try_from(found) == Ok(table.rows) {
            return Ok(());
        }
        Err(not_proved(format!(
            "`{}` has {} rows in the file and {found} there",
            table.name, table.rows
        )))
    }

    /// Every record there fits the one before it, up to this head.
    pub(super) async fn must_prove(
        &mut self,
        head: (i64, Seal),
        mut told: impl FnMut(i64),
    ) -> Result<(), CrossError> {
        let mut chain = self.beginning().await?;
        loop {
            let page = self.page(chain.head().0).await?;
            if page.is_empty() {
                break;
            }
            for line in &page {
                chain.follow(line).map_err(broken)?;
            }
            told(chain.head().0);
        }
        if chain.head() == head {
            return Ok(());
        }
        let (there, here) = (chain.head().0, head.0);
        Err(not_proved(format!(
            "the record ends at {there} there and at {here} in the file"
        )))
    }

    /// Where the record begins: at its first line, or behind what was cut off.
    async fn beginning(&mut self) -> Result<Chain, CrossError> {
        let cut = query("select number, seal from record_cut")
            .fetch_optional(&mut self.live)
            .await;
        let read = |cut: Option<crate::store::sql::Row>| {
            cut.map(|row| Ok(Chain::behind(row.get("number")?, rows::seal(&row)?)))
                .transpose()
        };
        let chain = cut.and_then(read).map_err(CrossError::of_server)?;
        Ok(chain.unwrap_or_default())
    }

    async fn page(&mut self, after: i64) -> Result<Vec<SealedLine>, CrossError> {
        let rows = query(
            "select number, line, seal from record where number > $1 order by number limit $2",
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(&mut self.live)
        .await;
        let lines = |rows: Vec<_>| rows.iter().map(sealed_line).collect();
        rows.and_then(lines).map_err(CrossError::of_server)
    }

    /// Has the server look at what it holds now, so that it finds its way from the first question on.
    pub(super) async fn learn(&mut self, tables: &[Table]) -> Result<(), CrossError> {
        let names: Vec<_> = tables.iter().map(Table::quoted).collect();
        let text = format!("analyze {}", names.join(", "));
        let learned = self.live.run_script(&text).await;
        learned.map_err(CrossError::of_server)
    }

    /// Leaves nothing there.
    pub(super) async fn leave(mut self) {
        // Where nobody hears it, the server does it by itself.
        let _ = self.live.run_script("rollback").await;
    }

    pub(super) async fn commit(mut self) -> Result<(), CrossError> {
        let committed = self.live.run_script("commit").await;
        committed.map_err(|error| {
            let why = format!("nobody knows whether it was stored: {error}");
            let fix = "run the same again: it finds out, and moves the store if it was not";
            CrossError::new(Obstacle::InDoubt, why, fix)
        })
    }

    async fn one<T: for<'r> crate::store::sql::FromValue<'r>>(
        &mut self,
        text: &str,
    ) -> Result<T, CrossError> {
        let rows = self.live.look(text).await.map_err(CrossError::of_server)?;
        let row = rows.into_iter().next().unwrap_or_default();
        only(row).map_err(CrossError::of_server)
    }
}

fn not_proved(why: String) -> CrossError {
    let fix = "nothing was moved; begin again, and report it if it stays so";
    CrossError::new(Obstacle::NotProved, why, fix)
}

fn broken(broken: Broken) -> CrossError {
    CrossError::new(
        Obstacle::NotProved,
        format!("the record does not hold: {broken}"),
        "nothing was moved; estop audit verify says whether the file itself holds",
    )
}
