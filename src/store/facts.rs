//! What the server says of itself, for whoever looks after it.

use std::collections::BTreeMap;

use super::Store;
use super::error::Error;
use super::shared_schema::newest;
use super::sql::{is_kept, query, query_in_both};
use crate::domain::moment::Moment;
use crate::domain::role::ServiceRole;

/// What is so on a server, at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its version, such as 150018.
    pub version: i64,
    /// Does it only follow another server?
    pub follows: bool,
    /// What must have happened before it says that something is stored.
    pub commits: String,
    /// Does it sum its pages, so that it sees what a failing disk changed?
    pub sums: bool,
    /// Is the way to it closed by TLS?
    pub tls: bool,
    /// The newest step of the schema there, and the newest that we know.
    pub step: i64,
    /// See `step`.
    pub ours: i64,
    /// How many services work on it, by what they are.
    pub services: BTreeMap<ServiceRole, i64>,
    /// Which of them keeps house, as its log names it.
    pub keeper: Option<String>,
}

impl Facts {
    /// Does what it says is stored stay?
    pub fn keeps(&self) -> bool {
        is_kept(&self.commits)
    }
}

impl Store {
    /// What the server says of itself; none where the store is a file.
    pub async fn facts(&self) -> Result<Option<Facts>, Error> {
        if !self.is_shared() {
            return Ok(None);
        }
        // Each service listens on one connection that is named after its role: unlike what is said on
        // it, its name is shown to every role of the database.
        let row = query_in_both(
            "select 0 as version",
            "select cast(current_setting('server_version_num') as bigint) as version, \
                 pg_is_in_recovery() as follows, current_setting('synchronous_commit') as commits, \
                 current_setting('data_checksums') = 'on' as sums, \
                 coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as tls, \
                 (select max(number) from migration) as step, \
                 (select string_agg(name || ' ' || many, ',') from \
                     (select substr(application_name, 7) as name, count(*) as many \
                      from pg_stat_activity where datname = current_database() \
                      and application_name like 'estop %' group by 1) as each) as services",
        )
        .fetch_one(self.reading())
        .await?;
        Ok(Some(Facts {
            version: row.get("version")?,
            follows: row.get("follows")?,
            commits: row.get("commits")?,
            sums: row.get("sums")?,
            tls: row.get("tls")?,
            step: row.get("step")?,
            ours: newest(),
            services: counted(row.get("services")?),
            keeper: self.keeper().await?,
        }))
    }

    /// Who keeps house by the clock they share: a worker, and none where no worker is alive.
    pub async fn keeper(&self) -> Result<Option<String>, Error> {
        let now = self.shared_now().await?;
        let row = query("select holder from keeper where what = 'house' and until > $1")
            .bind(now.as_millis())
            .fetch_optional(self.reading())
            .await?;
        row.map(|row| row.get("holder")).transpose()
    }

    /// What time it is by the clock that all services share.
    async fn shared_now(&self) -> Result<Moment, Error> {
        let ours = self.clock.now();
        self.write(move |tx| Box::pin(async move { Ok(tx.now(ours)) }))
            .await
    }
}

/// How many there are of each role: `ingest 2,worker 1`.
fn counted(services: Option<String>) -> BTreeMap<ServiceRole, i64> {
    let services = services.unwrap_or_default();
    let each = services.split(',').filter_map(|one| one.split_once(' '));
    each.filter_map(|(role, many)| Some((ServiceRole::from_word(role)?, many.parse().ok()?)))
        .collect()
}
