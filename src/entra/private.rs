//! Files that only we may read.

use std::path::Path;

use secrecy::SecretString;

use super::Error;

/// Longest such file that is read.
const FILE_LIMIT: usize = 64 * 1024;

/// The text of a file that holds `what`. Refuses one that others may read, an empty one and a
/// long one. Small and local, so it is read in place, whoever asks.
pub(super) fn text_in(file: &Path, what: &str) -> Result<SecretString, Error> {
    let unfit = |why: &str| Error::misconfigured(format!("{what} in {} {why}", file.display()));
    let unread = |error: std::io::Error| unfit(&format!("cannot be read: {error}"));
    if !only_ours(file).map_err(unread)? {
        return Err(unfit("may be read by others: set its mode to 0600"));
    }
    open_text_in(file, what).map(SecretString::from)
}

/// The same for a file that anybody may read.
pub(super) fn open_text_in(file: &Path, what: &str) -> Result<String, Error> {
    let unfit = |why: &str| Error::misconfigured(format!("{what} in {} {why}", file.display()));
    let unread = |error: std::io::Error| unfit(&format!("cannot be read: {error}"));
    let text = std::fs::read_to_string(file).map_err(unread)?;
    let text = text.trim();
    if text.is_empty() || text.len() > FILE_LIMIT {
        return Err(unfit("is empty or too long"));
    }
    Ok(text.to_owned())
}

#[cfg(unix)]
fn only_ours(file: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::metadata(file)?.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn only_ours(_: &Path) -> std::io::Result<bool> {
    Ok(true)
}
