//! A folder for the store of one rehearsal, gone when the rehearsal is over.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::NotPlayed;

/// In memory where there is such a place: what is kept here is worth nothing afterwards.
const MEMORY: &str = "/dev/shm";

pub(super) struct Folder(PathBuf);

impl Folder {
    /// `name` comes from chance, so that two rehearsals never meet.
    pub(super) fn make(name: Uuid) -> Result<Self, NotPlayed> {
        let memory = Path::new(MEMORY);
        let mut tried = [memory.to_path_buf(), std::env::temp_dir()]
            .into_iter()
            .filter(|place| place.is_dir())
            .map(|place| {
                let path = place.join(format!("estop-rehearsal-{}", name.simple()));
                let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
                made.map(|()| Self(path))
            });
        let refused = || NotPlayed("there is no place for temporary files".to_owned());
        let first = tried.next().ok_or_else(refused)?;
        first
            .or_else(|error| tried.next().unwrap_or(Err(error)))
            .map_err(|error| NotPlayed(format!("no temporary folder: {error}")))
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind is a temporary folder; the system clears it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
