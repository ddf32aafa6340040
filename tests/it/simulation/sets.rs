//! What is written into the service's folder: playbooks, configuration, keys.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use estop::catalog::Catalog;
use uuid::Uuid;

use super::laws::RESERVE;

/// A playbook that cannot be read.
const TORN: &str = "torn.yaml";

/// The folder of one service. It lies in memory where there is such a place.
pub struct Folder(tempfile::TempDir);

/// What one deployment has set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub tenant: Uuid,
    pub protected: Option<Uuid>,
    pub cap: usize,
    pub inventory: bool,
    pub drift: bool,
}

impl Folder {
    pub fn new() -> Self {
        let memory = PathBuf::from("/dev/shm");
        let made = memory.is_dir().then(|| tempfile::tempdir_in(memory).ok());
        let made = made.flatten();
        Self(made.unwrap_or_else(|| tempfile::tempdir().unwrap()))
    }

    pub fn store(&self) -> PathBuf {
        self.0.path().join("estop.db")
    }

    pub fn configuration(&self) -> PathBuf {
        self.0.path().join("estop.yaml")
    }

    fn playbooks(&self) -> PathBuf {
        self.0.path().join("playbooks")
    }

    /// Puts one of the two sets into the folder, whole.
    pub fn put_set(&self, other: bool) {
        fs::create_dir_all(self.playbooks()).unwrap();
        for (file, text) in playbooks(other) {
            fs::write(self.playbooks().join(file), text).unwrap();
        }
        self.tear(false);
    }

    /// Puts a playbook beside them that cannot be read, or takes it away.
    pub fn tear(&self, torn: bool) {
        let file = self.playbooks().join(TORN);
        match torn {
            true => fs::write(file, "playbook: torn\nsteps: [").unwrap(),
            false => drop(fs::remove_file(file)),
        }
    }

    pub fn put_key(&self, name: &str, secret: &str) {
        let mut options = fs::OpenOptions::new();
        let key = options.create(true).truncate(true).write(true).mode(0o600);
        let mut key = key.open(self.0.path().join(name)).unwrap();
        std::io::Write::write_all(&mut key, secret.as_bytes()).unwrap();
    }

    pub fn configure(&self, settings: Settings) {
        let protected = settings
            .protected
            .map(|id| id.to_string())
            .unwrap_or_default();
        let often = |on: bool, every| if on { every } else { "0s" };
        let Settings { tenant, cap, .. } = settings;
        let text = format!(
            "mode: enforce\nprotected: [{protected}]\nplaybooks: playbooks\n\
             caps: {{ tenant: {cap}, source: {cap}, reserve: {RESERVE}, fleet_percent: 100 }}\n\
             inventory: {{ every: {} }}\ndrift: {{ every: {} }}\nevidence: {{ within: 0s }}\n\
             tenant: {{ id: {tenant}, credential: managed_identity }}\n\
             page:\n  oncall: {{ webhook: {{ url: \"https://oncall.example/\", secret_file: page.key }}, \
             takes: [pages, notices] }}\n\
             anchors:\n  webhook: {{ url: \"https://anchors.example/\", secret_file: anchors.key }}\n\
             sources:\n  lab:\n    reader: estop\n    \
             verify: {{ standard_webhooks: {{ secret_files: [lab.key] }} }}\n    \
             may: {{ entities: [agent, agent_user], mode: enforce }}\n",
            often(settings.inventory, "1m"),
            often(settings.drift, "30s"),
        );
        fs::write(self.configuration(), text).unwrap();
    }
}

/// One of the two sets, as it is when it is read whole.
pub fn catalog(other: bool) -> Catalog {
    let files = playbooks(other);
    Catalog::of_texts(files.iter().map(|(file, text)| (*file, text.as_str()))).unwrap()
}

/// The playbooks of the play: one that acts, one that asks, one that acts until somebody keeps it,
/// one that watches. The other set acts where the first one asks.
fn playbooks(other: bool) -> Vec<(&'static str, String)> {
    let asks = if other { "enforce" } else { "ask" };
    let approval = "from: [soc-leads], quorum: 1, within: 2m, on_timeout: ";
    let book = |name: &str, trigger: &str, mode: &str, more: &str| {
        format!(
            "playbook: {name}\nsummary: It is stopped.\nowner: soc\ntrigger:\n  \
             detection: [{trigger}]\nentity: agent\nalso: [agent_users]\nmode: {mode}\n{more}\
             steps:\n  - disable_agent\n  - disable_agent_user: {{ optional: true }}\n  \
             - confirm_compromised: {{ optional: true }}\nhold: {{ for: 7d, then: keep }}\nnotify: []\n"
        )
    };
    let asked = match other {
        true => String::new(),
        false => format!("approval: {{ {approval}keep }}\n"),
    };
    let until = format!("approval: {{ {approval}undo }}\n");
    vec![
        (
            "stop.yaml",
            book("stop", "threatIntelligenceAccount", "enforce", ""),
        ),
        (
            "asked.yaml",
            book("asked", "unfamiliarResourceAccess", asks, &asked),
        ),
        (
            "until.yaml",
            book("until", "earlyLifeMaliciousActivity", "provisional", &until),
        ),
        ("watch.yaml", book("watch", "signInSpike", "observe", "")),
    ]
}
