//! The playbooks that come with estop.

use super::fault::Fault;
use super::set::Catalog;

macro_rules! shipped {
    ($name:literal) => {
        (
            concat!("playbooks/", $name, ".yaml"),
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/playbooks/",
                $name,
                ".yaml"
            )),
        )
    };
}

/// Every shipped file: its name and its text. A test holds it against the folder.
const SHIPPED: [(&str, &str); 6] = [
    shipped!("agent-admin-confirmed"),
    shipped!("agent-credential-use"),
    shipped!("agent-directory-recon"),
    shipped!("agent-early-life"),
    shipped!("agent-threat-intelligence"),
    shipped!("agent-user-risk"),
];

impl Catalog {
    /// The shipped playbooks as they ship: all of them observe.
    ///
    /// # Errors
    /// None in a tested build; the faults of the embedded files otherwise.
    pub fn shipped() -> Result<Self, Vec<Fault>> {
        Self::of_texts(SHIPPED)
    }

    /// The shipped playbooks in the modes they recommend, for demonstrations and rehearsals
    /// against a simulated tenant only.
    ///
    /// # Errors
    /// As [`Catalog::shipped`].
    pub fn shipped_as_recommended() -> Result<Self, Vec<Fault>> {
        Self::shipped().map(Self::as_recommended)
    }

    /// The names and texts of the shipped files, as they would lie in a folder.
    pub fn shipped_files() -> &'static [(&'static str, &'static str)] {
        &SHIPPED
    }
}
