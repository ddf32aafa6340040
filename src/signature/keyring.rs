//! The one or two keys of a source, and the files they come from.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use super::secret::{KeyForm, Secret};

/// Most keys a source may have at a time: the old one and the new one.
pub const KEYS_MAX: usize = 2;
/// Most bytes a secret file may have.
const FILE_MAX: u64 = 4096;
/// Permission bits nobody but the owner may have; execution is nobody's.
const FORBIDDEN_MODE: u32 = 0o177;

/// Which key verified a delivery: the stem of its file, `lab` for `lab.key`. Not a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// Takes 1 to 64 letters, digits, `.`, `-` and `_`.
    pub fn new(name: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let fits = !name.is_empty() && name.len() <= 64 && name.chars().all(plain);
        fits.then(|| Self(name.into()))
    }

    /// The stem as the file has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The keys cannot be used, and the service does not start. Says which file and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}. {fix}")]
pub struct Unusable {
    /// What is wrong, beginning with the file where there is one.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

/// One or two keys; a delivery is genuine when one of them signed it.
pub struct KeyRing(Vec<(KeyId, Arc<Secret>)>);

impl KeyRing {
    /// A ring of these keys: one, or two while one replaces the other, with different names and
    /// different secrets.
    pub fn new(keys: Vec<(KeyId, Secret)>) -> Result<Self, Unusable> {
        if keys.is_empty() || keys.len() > KEYS_MAX {
            return Err(unusable(
                format!("{} keys are named", keys.len()),
                "Name one key, or two while one replaces the other",
            ));
        }
        let ring = Self(
            keys.into_iter()
                .map(|(id, key)| (id, Arc::new(key)))
                .collect(),
        );
        if let [(one, secret), (other, same)] = ring.0.as_slice()
            && (one == other || secret.is(same))
        {
            return Err(unusable(
                format!("the keys `{one}` and `{other}` have the same name or the same secret"),
                "Give each key its own file stem and its own secret",
            ));
        }
        Ok(ring)
    }

    /// Reads one or two secret files: `whsec_` and base64, readable by their owner alone.
    pub fn from_files<P: AsRef<Path>>(paths: &[P]) -> Result<Self, Unusable> {
        Self::from_files_as(paths, KeyForm::Whsec)
    }

    /// The same for secrets in the form their sender gives them.
    pub fn from_files_as<P: AsRef<Path>>(paths: &[P], form: KeyForm) -> Result<Self, Unusable> {
        let keys = paths.iter().map(|path| read_key(path.as_ref(), form));
        Self::new(keys.collect::<Result<_, _>>()?)
    }

    /// Whether any key of one ring is a key of the other: then one source could speak for both
    /// (threat W07).
    pub fn shares_a_secret_with(&self, other: &Self) -> bool {
        self.keys()
            .any(|(_, mine)| other.keys().any(|(_, theirs)| mine.is(theirs)))
    }

    /// The names of its keys.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.0.iter().map(|(id, _)| id)
    }

    /// The same ring with every key changed so; none where a key cannot be.
    pub(super) fn each(&self, change: impl Fn(&Secret) -> Option<Secret>) -> Option<Self> {
        let keys = self
            .keys()
            .map(|(id, key)| Some((id.clone(), change(key)?)));
        Self::new(keys.collect::<Option<_>>()?).ok()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = (&KeyId, &Secret)> {
        self.0.iter().map(|(id, key)| (id, &**key))
    }
}

impl Secret {
    /// Reads one secret file: `whsec_` and base64, readable by its owner alone (mode 0600 or
    /// 0400).
    pub fn from_file(path: &Path) -> Result<Self, Unusable> {
        Self::from_file_as(path, KeyForm::Whsec)
    }

    /// The same for a secret in the form its sender gives it.
    pub fn from_file_as(path: &Path, form: KeyForm) -> Result<Self, Unusable> {
        let shown = path.display();
        let text = private_text(path)?;
        let fix = match form {
            KeyForm::Whsec => {
                "Write a fresh secret into it: `whsec_` and 32 random bytes in base64"
            }
            KeyForm::Text => "Write the sender's secret into it, 24 characters or more",
            KeyForm::Base64 => "Write the sender's secret into it, base64 as it was shown",
        };
        Self::parse_as(&text, form).map_err(|why| unusable(format!("{shown}: {why}"), fix))
    }
}

/// Reads a key that another product gave us: one line of visible characters, readable by its owner
/// alone.
pub fn foreign_key(path: &Path) -> Result<SecretString, Unusable> {
    let text = private_text(path)?;
    let text = text.trim();
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(unusable(
            format!("{}: it is no key of one line", path.display()),
            "Put the key alone into it, as the other product shows it",
        ));
    }
    Ok(SecretString::from(text.to_owned()))
}

fn read_key(path: &Path, form: KeyForm) -> Result<(KeyId, Secret), Unusable> {
    Ok((stem_of(path)?, Secret::from_file_as(path, form)?))
}

/// The name of a key: the stem of its file.
pub(super) fn stem_of(path: &Path) -> Result<KeyId, Unusable> {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    stem.and_then(KeyId::new).ok_or_else(|| {
        unusable(
            format!(
                "{}: the file's stem names the key and cannot be a name",
                path.display()
            ),
            "Rename it to 1 to 64 letters, digits, `.`, `-` and `_`, such as lab.key",
        )
    })
}

/// Looks at the opened file, not at the path, so that what is checked is what is read.
pub fn private_text(path: &Path) -> Result<String, Unusable> {
    let shown = path.display();
    let unreadable = |why: std::io::Error| {
        unusable(
            format!("{shown}: cannot be read ({why})"),
            "Make it a file that estop's own user can read",
        )
    };
    let file = File::open(path).map_err(unreadable)?;
    let meta = file.metadata().map_err(unreadable)?;
    let mode = meta.permissions().mode() & 0o7777;
    if !meta.is_file() || meta.len() > FILE_MAX {
        return Err(unusable(
            format!("{shown}: not a plain file of at most {FILE_MAX} bytes"),
            "Put one secret alone into one file",
        ));
    }
    if mode & FORBIDDEN_MODE != 0 {
        return Err(unusable(
            format!("{shown}: others may read it (mode {mode:04o})"),
            &format!("Run: chmod 600 {shown}"),
        ));
    }
    let mut text = String::new();
    file.take(FILE_MAX)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    Ok(text)
}

pub(super) fn unusable(what: String, fix: &str) -> Unusable {
    Unusable {
        what,
        fix: fix.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use super::{KeyId, KeyRing, Secret};
    use crate::clock::Clock;
    use crate::domain::moment::Moment;

    struct Folder(tempfile::TempDir, Clock);

    impl Folder {
        fn new() -> Self {
            let (clock, _hand) = Clock::by_hand(Moment::from_millis(0));
            Self(tempfile::tempdir().unwrap(), clock)
        }

        fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
            let path = self.0.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path
        }

        fn fresh(&self) -> String {
            Secret::fresh(self.1.random()).reveal()
        }
    }

    #[test]
    fn a_key_is_named_after_its_file() {
        let folder = Folder::new();
        let (old, new) = (
            folder.write("lab.key", &folder.fresh(), 0o600),
            folder.write("lab-2.key", &folder.fresh(), 0o400),
        );

        let ring = KeyRing::from_files(&[old, new]).unwrap();

        let ids: Vec<_> = ring.ids().map(KeyId::as_str).collect();
        assert_eq!(ids, ["lab", "lab-2"]);
    }

    #[test]
    fn w07_a_file_others_may_read_is_refused_with_what_to_do() {
        for mode in [0o640, 0o604, 0o644, 0o620, 0o700, 0o666] {
            let folder = Folder::new();
            let path = folder.write("lab.key", &folder.fresh(), mode);

            let refusal = KeyRing::from_files(&[path]).err().unwrap().to_string();

            assert!(refusal.contains("lab.key"), "{refusal}");
            assert!(refusal.contains("chmod 600"), "{refusal}");
        }
    }

    #[test]
    fn w07_bad_key_files_start_nothing_and_never_show_the_secret() {
        let folder = Folder::new();
        let good = folder.fresh();
        let twin = folder.write("twin.key", &good, 0o600);
        let one = folder.write("one.key", &good, 0o600);
        let two = folder.write("two.key", &folder.fresh(), 0o600);
        let three = folder.write("three.key", &folder.fresh(), 0o600);
        let bad: [Vec<PathBuf>; 8] = [
            vec![],
            vec![one.clone(), two.clone(), three],
            vec![one.clone(), twin],
            vec![two.clone(), two],
            vec![folder.0.path().join("absent.key")],
            vec![folder.0.path().to_path_buf()],
            vec![folder.write("big.key", &good.repeat(100), 0o600)],
            vec![folder.write("a name.key", &good, 0o600)],
        ];

        for paths in bad {
            let refusal = KeyRing::from_files(&paths).err().unwrap().to_string();

            assert!(!refusal.contains(&good[6..20]), "{refusal}");
        }
    }

    #[test]
    fn w07_two_sources_with_one_secret_are_found_out() {
        let folder = Folder::new();
        let shared = folder.fresh();
        let a = KeyRing::from_files(&[folder.write("a.key", &shared, 0o600)]).unwrap();
        let b = KeyRing::from_files(&[
            folder.write("b.key", &folder.fresh(), 0o600),
            folder.write("b2.key", &shared, 0o600),
        ])
        .unwrap();
        let c = KeyRing::from_files(&[folder.write("c.key", &folder.fresh(), 0o600)]).unwrap();

        assert!(a.shares_a_secret_with(&b));
        assert!(!a.shares_a_secret_with(&c));
        assert!(!b.shares_a_secret_with(&c));
    }
}
