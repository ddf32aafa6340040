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
const SHIPPED: [(&str, &str); 28] = [
    shipped!("agent-admin-confirmed"),
    shipped!("agent-behind-user"),
    shipped!("agent-blocked-by-policy"),
    shipped!("agent-credential-use"),
    shipped!("agent-directory-recon"),
    shipped!("agent-early-life"),
    shipped!("agent-failed-access"),
    shipped!("agent-failed-access-medium"),
    shipped!("agent-failed-tokens"),
    shipped!("agent-grant-added"),
    shipped!("agent-sign-in-spike"),
    shipped!("agent-threat-intelligence"),
    shipped!("agent-under-investigation"),
    shipped!("agent-unfamiliar-resource"),
    shipped!("agent-user-risk"),
    shipped!("blueprint-credential-added"),
    shipped!("blueprint-credential-use"),
    shipped!("blueprint-deleted"),
    shipped!("classic-agent"),
    shipped!("compromised-user"),
    shipped!("dangerous-grants"),
    shipped!("expiring-credentials"),
    shipped!("maker-credentials"),
    shipped!("orphan-agents"),
    shipped!("orphan-users"),
    shipped!("outbreak"),
    shipped!("ownerless-agents"),
    shipped!("person-at-risk"),
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
