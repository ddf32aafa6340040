//! A PostgreSQL server: how connections to it are made, and what it must be before anything is
//! stored there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::ear::{Ear, Said, said};
use super::live::{Live, on_time, refusal};
use super::tls::Verified;
use crate::domain::role::ServiceRole;
use crate::signature::private_text;
use crate::store::error::Error;
use crate::store::place::{Host, ServerPlace, SslMode};

/// Longest wait for a connection, every greeting included.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// After so long without a word the network is taken for cut.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// Largest file of a password.
const PASSWORD_MAX: usize = 4096;
/// Oldest version that is taken: others are no longer mended by their makers.
const VERSION_MIN: i64 = 140_000;
/// A replica that hangs in the middle of a transaction holds up the others no longer than this.
const SESSION: &str = "set statement_timeout = '30s'; set lock_timeout = '10s'; \
     set idle_in_transaction_session_timeout = '10s'; set jit = off; \
     set default_transaction_isolation = 'read committed'";
/// What our connections are called there; the one that listens is called after its role, too.
const OURS: &str = "estop";
/// How often it is looked whether somebody else is given our connection.
const LOOKS: u32 = 3;
/// What stands between where somebody is.
const SHARED: &str = "a pooler stands before it that gives one connection to several clients between \
     their transactions, which breaks prepared statements: name the server itself, or its own port on \
     the primary, or let the pooler keep a connection for a session (pgbouncer: pool_mode = session)";
/// What a reader may do.
const READ_ONLY: &str = "set default_transaction_read_only = on";
/// What must be so before anything is stored there.
const LOOK: &str = "select cast(current_setting('server_version_num') as bigint) as version, \
     pg_is_in_recovery() as follows, current_setting('synchronous_commit') as commits, \
     current_setting('fsync') as syncs, current_setting('server_encoding') as encoding, \
     rolsuper or rolbypassrls as super, rolreplication as replicates from pg_roles where rolname = current_user";

/// Where a server is, and how connections to it are made.
pub(in crate::store) struct Server {
    pub(super) place: ServerPlace,
    tls: Option<Verified>,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum For {
    Writing,
    Reading,
}

impl Server {
    /// Looks at the files that it needs; nobody is asked.
    pub(in crate::store) fn new(place: ServerPlace) -> Result<Self, String> {
        let tls = match place.way {
            SslMode::VerifyFull => Some(Verified::for_place(&place)?),
            SslMode::Disable => None,
        };
        if let Some(file) = &place.password_file {
            private_text(file).map_err(|why| format!("`store_password_file` {why}"))?;
            password(file).map_err(|why| why.to_string())?;
        }
        Ok(Self { place, tls })
    }

    /// Connects, and makes sure that what is stored there stays: also after a change of servers.
    pub(in crate::store) async fn connect(&self, what_for: For) -> Result<Live, Error> {
        let connected = on_time(CONNECT_LIMIT, async {
            let (client, said) = self.greet(OURS).await?;
            let mut live = Live::new(client, said);
            live.run_script(SESSION).await?;
            match what_for {
                For::Writing => is_safe(&mut live).await?,
                For::Reading => live.run_script(READ_ONLY).await?,
            }
            Ok(live)
        });
        connected.await
    }

    /// Is a connection of ours the same one there for as long as it is open? A pooler that lends one
    /// to others between two transactions gives us prepared statements and settings of strangers, and
    /// them ours (threat D14). Nothing is set before that is known.
    pub(in crate::store) async fn is_ours_alone(&self) -> Result<(), Error> {
        let (mut one, mut other) = (self.bare().await?, self.bare().await?);
        for _ in 0..LOOKS {
            let before = backend(&mut one).await?;
            other.run_script("begin").await?;
            // Whoever lends takes the one that was given back last. While it is lent, ours is another.
            let lent = backend(&mut other).await? == before || backend(&mut one).await? != before;
            other.run_script("rollback").await?;
            if lent {
                return Err(Error::Refused(SHARED.to_owned()));
            }
        }
        Ok(())
    }

    async fn bare(&self) -> Result<Live, Error> {
        let greeted = on_time(CONNECT_LIMIT, self.greet(OURS)).await?;
        let (client, said) = greeted;
        Ok(Live::new(client, said))
    }

    /// As which part of a service we are there.
    pub(in crate::store) const fn role(&self) -> ServiceRole {
        self.place.role
    }

    /// Connects, to hear what others say on these channels.
    pub(in crate::store) async fn listen(&self, channels: &[&str]) -> Result<Ear, Error> {
        let listening = on_time(CONNECT_LIMIT, async {
            let name = format!("{OURS} {}", self.place.role);
            let (client, said) = self.greet(&name).await?;
            let mut ear = Ear { client, said };
            ear.begin(channels).await?;
            Ok(ear)
        });
        listening.await
    }

    async fn greet(&self, name: &str) -> Result<(Client, Said), Error> {
        let mut config = Config::new();
        let place = &self.place;
        match &place.host {
            Host::Name(name) => config.host(name),
            Host::Socket(folder) => config.host_path(folder),
        };
        config
            .port(place.port)
            .user(&place.user)
            .dbname(&place.database)
            .application_name(name)
            .connect_timeout(CONNECT_LIMIT)
            .keepalives_idle(SILENCE_MAX)
            .keepalives_interval(SILENCE_MAX / 3)
            .keepalives_retries(3)
            .tcp_user_timeout(SILENCE_MAX)
            .ssl_mode(match place.way {
                SslMode::VerifyFull => tokio_postgres::config::SslMode::Require,
                SslMode::Disable => tokio_postgres::config::SslMode::Disable,
            });
        if let Some(file) = &place.password_file {
            config.password(password(file)?);
        }
        Ok(match &self.tls {
            Some(tls) => {
                let (client, wire) = config.connect(tls.clone()).await.map_err(refusal)?;
                (client, said(wire))
            }
            None => {
                let (client, wire) = config.connect(NoTls).await.map_err(refusal)?;
                (client, said(wire))
            }
        })
    }
}

/// Which process of the server answers us at this moment.
async fn backend(live: &mut Live) -> Result<String, Error> {
    let ask = async |client: &Client| client.simple_query("select pg_backend_pid()").await;
    let said = live.at_length(ask).await?;
    let pid = said.iter().find_map(|one| {
        let SimpleQueryMessage::Row(row) = one else {
            return None;
        };
        row.get(0).map(str::to_owned)
    });
    pid.ok_or_else(|| Error::Damaged("the database does not say who answers".to_owned()))
}

/// Read at each connection, so that a changed one is taken up.
fn password(file: &std::path::Path) -> Result<String, Error> {
    let shown = file.display();
    let read = std::fs::read_to_string(file);
    let text =
        read.map_err(|error| Error::Busy(format!("`store_password_file` {shown}: {error}")))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(Error::Refused(format!(
            "`store_password_file` {shown} is empty"
        ))),
        long if long.len() > PASSWORD_MAX => Err(Error::Refused(format!(
            "`store_password_file` {shown} holds no password"
        ))),
        password => Ok(password.to_owned()),
    }
}

/// Does what was stored under this setting stay?
pub(in crate::store) fn is_kept(commits: &str) -> bool {
    matches!(commits, "on" | "remote_apply")
}

/// What is stored must stay, and whoever takes our password must not take the server.
async fn is_safe(live: &mut Live) -> Result<(), Error> {
    let row = super::query(LOOK).fetch_optional(live).await?;
    let row = row.ok_or_else(|| Error::Refused("we have no role there".to_owned()))?;
    let is = |column: &str| row.get::<bool>(column);
    let word = |column: &str| row.get::<String>(column);
    let (commits, version) = (word("commits")?, row.get::<i64>("version")?);
    let why = if version < VERSION_MIN {
        format!(
            "it is PostgreSQL {}; 14 is the oldest that is taken",
            version / 10_000
        )
    } else if is("follows")? {
        "it only follows another server: name the primary".to_owned()
    } else if !is_kept(&commits) {
        format!("synchronous_commit is `{commits}`: what it says is stored may be lost; set `on`")
    } else if word("syncs")? != "on" {
        "fsync is off: what it says is stored may be lost".to_owned()
    } else if word("encoding")? != "UTF8" {
        "the database is not in UTF8: create it with `encoding 'UTF8'`".to_owned()
    } else if is("super")? || is("replicates")? {
        "our role there is a superuser or may replicate: create a plain one".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::Refused(why))
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.place)
    }
}

/// Shared by every connection to it.
pub(in crate::store) type SharedServer = Arc<Server>;
