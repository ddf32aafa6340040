//! Where the store lies: in a file of ours, or in a database that several services share.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use url::Url;

use crate::domain::role::ServiceRole;

/// Where PostgreSQL listens unless another port is named.
const PORT: u16 = 5432;

/// Where the store lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A SQLite file, for one service.
    File(PathBuf),
    /// A database in PostgreSQL, for one service or several.
    Server(ServerPlace),
}

/// A database in PostgreSQL, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerPlace {
    /// A name, an address, or the folder of a socket.
    pub host: Host,
    /// Its port, which names the socket too.
    pub port: u16,
    /// The database.
    pub database: String,
    /// The role we are there.
    pub user: String,
    /// Holds the password; without it the server knows us by the socket.
    pub password_file: Option<PathBuf>,
    /// Whom its certificate is believed from; without it those this machine believes.
    pub ca_file: Option<PathBuf>,
    /// Is the way there closed?
    pub way: SslMode,
    /// As which part of the service we are there.
    pub role: ServiceRole,
}

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// At a name or an address.
    Name(String),
    /// On a socket in this folder.
    Socket(PathBuf),
}

/// What is demanded of the way to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// TLS, with a certificate for exactly this host.
    VerifyFull,
    /// None: it does not leave this machine.
    Disable,
}

impl Place {
    /// Reads `sqlite:PATH` or `postgres://USER@HOST:PORT/DATABASE`. A path is relative to `base`.
    pub fn read(text: &str, base: &Path) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            return Ok(Self::File(base.join(path)));
        }
        let is_server = text.starts_with("postgres://") || text.starts_with("postgresql://");
        if !is_server {
            return Err(format!(
                "`{text}` names no store: write sqlite:PATH or postgres://USER@HOST/DATABASE"
            ));
        }
        let url = Url::parse(text).map_err(|error| format!("no address of a database: {error}"))?;
        ServerPlace::read(&url).map(Self::Server)
    }

    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server(_) => None,
        }
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Self::File(path.to_path_buf())
    }
}

impl From<&PathBuf> for Place {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

impl From<&Place> for Place {
    fn from(place: &Place) -> Self {
        place.clone()
    }
}

impl ServerPlace {
    fn read(url: &Url) -> Result<Self, String> {
        if url.password().is_some() {
            return Err(
                "a password in an address ends in logs: put it into `store_password_file`"
                    .to_owned(),
            );
        }
        let mut asked = None;
        let mut socket = None;
        let mut user = text(url.username())?;
        let mut port = url.port().unwrap_or(PORT);
        for (name, value) in url.query_pairs() {
            match &*name {
                "sslmode" => asked = Some(value.into_owned()),
                "host" => socket = Some(value.into_owned()),
                "user" => user = value.into_owned(),
                "port" => port = value.parse().map_err(|_| format!("`{value}` is no port"))?,
                other => {
                    return Err(format!(
                        "`{other}` is not known here: sslmode, host, port and user are"
                    ));
                }
            }
        }
        let host = match (socket, url.host_str().filter(|host| !host.is_empty())) {
            (Some(folder), None) if folder.starts_with('/') => Host::Socket(folder.into()),
            (None, Some(host)) => Host::Name(text(host.trim_matches(['[', ']']))?),
            _ => {
                return Err(
                    "name a host, or a socket: postgres:///DATABASE?host=/run/postgresql&user=ROLE"
                        .to_owned(),
                );
            }
        };
        let database = text(url.path().trim_matches('/'))?;
        if user.is_empty() || database.is_empty() {
            return Err("name the role and the database: postgres://USER@HOST/DATABASE".to_owned());
        }
        Ok(Self {
            way: way(&host, asked.as_deref())?,
            host,
            port,
            database,
            user,
            password_file: None,
            ca_file: None,
            role: ServiceRole::All,
        })
    }
}

/// Nothing weaker than a full check leaves this machine.
fn way(host: &Host, asked: Option<&str>) -> Result<SslMode, String> {
    match asked {
        Some("verify-full") if matches!(host, Host::Socket(_)) => {
            Err("a socket has no TLS: leave `sslmode` out".to_owned())
        }
        Some("verify-full") => Ok(SslMode::VerifyFull),
        None | Some("disable") if host.is_here() => Ok(SslMode::Disable),
        None => Ok(SslMode::VerifyFull),
        Some(weaker) => Err(format!(
            "`sslmode={weaker}` lets whoever sits between read and change what is stored: write \
             sslmode=verify-full (off this machine nothing else is taken)"
        )),
    }
}

/// An address writes some letters by their number.
fn text(part: &str) -> Result<String, String> {
    let decoded = percent_encoding::percent_decode_str(part).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| format!("`{part}` is no text"))
}

impl Host {
    /// Does the way there stay on this machine?
    fn is_here(&self) -> bool {
        match self {
            Self::Socket(_) => true,
            Self::Name(name) => {
                let address: Option<IpAddr> = name.parse().ok();
                name == "localhost" || address.is_some_and(|address| address.is_loopback())
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "sqlite:{}", path.display()),
            Self::Server(server) => server.fmt(f),
        }
    }
}

impl fmt::Display for ServerPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            port,
            database,
            user,
            ..
        } = self;
        match host {
            Host::Name(name) if name.contains(':') => {
                write!(f, "postgres://{user}@[{name}]:{port}/{database}")
            }
            Host::Name(name) => write!(f, "postgres://{user}@{name}:{port}/{database}"),
            Host::Socket(folder) => {
                let folder = folder.display();
                write!(
                    f,
                    "postgres:///{database}?host={folder}&port={port}&user={user}"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Host, Place, ServerPlace, SslMode};

    fn server(text: &str) -> Result<ServerPlace, String> {
        match Place::read(text, Path::new("/etc/estop"))? {
            Place::Server(server) => Ok(server),
            Place::File(path) => panic!("{path:?}"),
        }
    }

    #[test]
    fn a_file_is_beside_the_configuration() {
        let place = Place::read("sqlite:estop.db", Path::new("/etc/estop")).unwrap();

        assert_eq!(place, Place::File(PathBuf::from("/etc/estop/estop.db")));
    }

    #[test]
    fn off_this_machine_a_full_check_is_what_is_meant_and_the_only_thing_taken() {
        let named = server("postgres://estop@db.contoso.example/estop").unwrap();

        assert_eq!(named.way, SslMode::VerifyFull);
        assert_eq!(named.port, 5432);
        for weaker in ["disable", "prefer", "require", "verify-ca"] {
            let text = format!("postgres://estop@db.contoso.example/estop?sslmode={weaker}");
            assert!(
                server(&text).unwrap_err().contains("verify-full"),
                "{weaker}"
            );
        }
    }

    #[test]
    fn on_this_machine_none_is_needed() {
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            let place = server(&format!("postgres://estop@{host}:5433/estop")).unwrap();
            assert_eq!(place.way, SslMode::Disable, "{host}");
        }
    }

    #[test]
    fn a_password_has_no_place_in_an_address() {
        let refused = server("postgres://estop:secret@localhost/estop").unwrap_err();

        assert!(refused.contains("store_password_file"), "{refused}");
        assert!(!refused.contains("secret"), "{refused}");
    }

    #[test]
    fn a_socket_is_named_by_its_folder() {
        let text = "postgres:///estop?host=/run/postgresql&port=5433&user=soc";
        let place = server(text).unwrap();

        assert_eq!(place.host, Host::Socket(PathBuf::from("/run/postgresql")));
        assert_eq!((&*place.user, place.way), ("soc", SslMode::Disable));
        assert_eq!(place.to_string(), text);
        let nobody = server("postgres:///estop?host=/run/postgresql").unwrap_err();
        assert!(nobody.contains("name the role"), "{nobody}");
    }
}
