//! Which part of the service a process is. Several that share a database may each be one of them,
//! so that whoever breaks into one holds no more than that one needs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which part of the service a process is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ServiceRole {
    /// All of it.
    #[default]
    All,
    /// The door for senders: it stores what they send, and knows nobody in the tenant.
    Ingest,
    /// What decides, carries out, looks after and tells; it opens no door but for probes.
    Worker,
    /// The door for people: it reads the tenant, and what people order a worker does.
    Console,
}

impl ServiceRole {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::All, Self::Ingest, Self::Worker, Self::Console];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Ingest => "ingest",
            Self::Worker => "worker",
            Self::Console => "console",
        }
    }

    /// The role a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Does it open the door for senders?
    pub const fn takes_deliveries(self) -> bool {
        matches!(self, Self::All | Self::Ingest)
    }

    /// Does it open the door for people?
    pub const fn takes_orders(self) -> bool {
        matches!(self, Self::All | Self::Console)
    }

    /// Does it decide and carry out?
    pub const fn works(self) -> bool {
        matches!(self, Self::All | Self::Worker)
    }

    /// Does it hold a credential for the tenant?
    pub const fn enters_tenant(self) -> bool {
        !matches!(self, Self::Ingest)
    }
}

impl fmt::Display for ServiceRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
