//! The mark beside a file whose store was moved. Whoever finds it does not open the file.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{CrossError, Obstacle};
use crate::domain::moment::Moment;
use crate::domain::record::Seal;
use crate::store::place::ServerPlace;

/// Longest mark that is read.
const MARK_MAX: u64 = 64 * 1024;

/// Where a store went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Mark {
    pub(in crate::store) moved_to: String,
    pub(in crate::store) at: Moment,
    pub(super) head: (i64, Seal),
}

/// As it is written, for people too.
#[derive(Serialize, Deserialize)]
struct Written {
    moved_to: String,
    at: Moment,
    head: String,
}

/// Where the mark of this file is.
pub(in crate::store) fn beside(file: &Path) -> PathBuf {
    PathBuf::from(format!("{}.moved", file.display()))
}

impl Mark {
    /// The mark of this file, if it has one. One that cannot be read is not taken for none.
    pub(in crate::store) fn read(file: &Path) -> Result<Option<Self>, CrossError> {
        let path = beside(file);
        let unreadable = |why: String| {
            let fix = "it says that this store was moved: look where, before anything else";
            CrossError::new(
                Obstacle::InTheWay,
                format!("{}: {why}", path.display()),
                fix,
            )
        };
        let length = match path.metadata() {
            Ok(found) => found.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        if length > MARK_MAX {
            return Err(unreadable("it is no mark of ours".to_owned()));
        }
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(error.to_string()))?;
        let written: Written =
            serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        let head = head(&written.head).ok_or_else(|| unreadable("its head is none".to_owned()))?;
        Ok(Some(Self {
            moved_to: written.moved_to,
            at: written.at,
            head,
        }))
    }

    /// A store that went elsewhere is not moved a second time.
    pub(super) fn leads_to(&self, place: &ServerPlace) -> Result<(), CrossError> {
        if self.moved_to == place.to_string() {
            return Ok(());
        }
        let why = format!(
            "this store was moved to {} at {} already",
            self.moved_to, self.at
        );
        let fix = "what happened since is there and not here: move that one, or name it in `store`";
        Err(CrossError::new(Obstacle::InTheWay, why, fix))
    }

    /// Writes it, all of it or nothing, and on disk before anything follows from it.
    pub(super) fn write(&self, file: &Path) -> Result<(), CrossError> {
        let path = beside(file);
        let written = Written {
            moved_to: self.moved_to.clone(),
            at: self.at,
            head: format!("{}:{}", self.head.0, self.head.1.hex()),
        };
        let put = || {
            let text = serde_json::to_string_pretty(&written)?;
            let half = PathBuf::from(format!("{}.half", path.display()));
            let mut open = OpenOptions::new();
            open.write(true).create(true).truncate(true).mode(0o600);
            let mut half_written = open.open(&half)?;
            writeln!(half_written, "{text}")?;
            half_written.sync_all()?;
            std::fs::rename(&half, &path)?;
            let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
            File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
        };
        put().map_err(|error: std::io::Error| {
            CrossError::new(
                Obstacle::Unfit,
                format!("{}: {error}", path.display()),
                "without this mark a service might start on the old store: make its folder writable",
            )
        })
    }
}

fn head(text: &str) -> Option<(i64, Seal)> {
    let (number, seal) = text.split_once(':')?;
    Some((number.parse().ok()?, Seal::from_hex(seal)?))
}
