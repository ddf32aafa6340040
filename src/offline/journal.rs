//! The journal: one JSON line for each thing, on disk before the next.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::domain::offline::Line;

/// Largest journal that is read, in bytes.
const JOURNAL_MAX: u64 = 64 * 1024 * 1024;

/// A journal that is being written. One at a time: the file is locked while it lives.
#[derive(Debug)]
pub struct Journal(File);

impl Journal {
    /// Opens it to be continued, and makes it where it is not there.
    ///
    /// # Errors
    /// When it cannot be written durably.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        file.lock()?;
        // What a crash cut off stays alone on its line.
        if !ends_in_newline(&mut file)? {
            file.write_all(b"\n")?;
        }
        file.sync_all()?;
        // The name must survive as well as the bytes.
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            Some(_) | None => Path::new("."),
        };
        File::open(folder)?.sync_all()?;
        Ok(Self(file))
    }

    /// Writes a line. When this returns it is on disk.
    ///
    /// # Errors
    /// When it may not be: then what it announces must not be done.
    pub fn write(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        self.0.write_all(text.as_bytes())?;
        self.0.sync_data()
    }
}

fn ends_in_newline(file: &mut File) -> io::Result<bool> {
    use std::io::{Seek as _, SeekFrom};
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// What a journal holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Read {
    /// Its lines, in order.
    pub lines: Vec<Line>,
    /// How many could not be read: cut off by a crash, or damaged.
    pub unreadable: usize,
}

/// Reads a journal that nobody is writing. `None` where there is none, or someone is.
///
/// # Errors
/// When it is there and cannot be read.
pub fn read(path: &Path) -> io::Result<Option<Read>> {
    let file = match File::open(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    if file.try_lock_shared().is_err() {
        return Ok(None);
    }
    let mut text = String::new();
    file.take(JOURNAL_MAX).read_to_string(&mut text)?;
    let mut read = Read::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match serde_json::from_str(line) {
            Ok(line) => read.lines.push(line),
            Err(_) => read.unreadable += 1,
        }
    }
    Ok(Some(read))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Journal, read};
    use crate::domain::id::RunId;
    use crate::domain::moment::Moment;
    use crate::domain::offline::{Line, Said};
    use crate::domain::step::Before;

    fn line(position: u16) -> Line {
        Line {
            run: RunId::from_uuid(Uuid::from_u128(1)),
            at: Moment::from_millis(0),
            said: Said::Struck {
                position,
                before: Before::Nothing,
                closes: Vec::new(),
            },
        }
    }

    #[test]
    fn what_a_crash_cut_off_costs_one_line_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        Journal::open(&path).unwrap().write(&line(0)).unwrap();
        let mut cut = std::fs::read(&path).unwrap();
        cut.extend_from_slice(b"{\"run\":");
        std::fs::write(&path, cut).unwrap();

        Journal::open(&path).unwrap().write(&line(1)).unwrap();

        let kept = read(&path).unwrap().unwrap();
        assert_eq!(kept.lines, [line(0), line(1)]);
        assert_eq!(kept.unreadable, 1);
    }

    #[test]
    fn a_journal_that_is_being_written_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");

        assert_eq!(read(&path).unwrap(), None);
        let writing = Journal::open(&path).unwrap();
        assert_eq!(read(&path).unwrap(), None);
        drop(writing);
        assert!(read(&path).unwrap().is_some());
    }
}
