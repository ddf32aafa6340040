//! What may not leave, and what may not be believed: I11, I13, I15.

use super::super::plot::HOSTILE;
use super::super::sent::{Link, Sent};
use super::{Broken, Laws};

impl Laws {
    /// I11: what a stranger wrote is no part of what we ask of the tenant.
    pub(super) fn i11_words_stay_words(&self, sent: &Sent) -> Result<(), Broken> {
        match sent.path.contains(HOSTILE) || sent.body.contains(HOSTILE) {
            true => Err(format!("I11: outside text left in {sent}")),
            false => Ok(()),
        }
    }

    /// I13: a write carries a token for our own tenant.
    pub(super) fn i13_the_tenant_is_ours(&self, sent: &Sent) -> Result<(), Broken> {
        match sent.tenant == Some(self.known.tenant) {
            true => Ok(()),
            false => Err(format!("I13: with a token of {:?}: {sent}", sent.tenant)),
        }
    }

    /// I15: no key of ours leaves, and no token goes to who only listens.
    pub(super) fn i15_nothing_leaves_with_a_secret(&self, sent: &Sent) -> Result<(), Broken> {
        if sent.link == Link::Outward && sent.tenant.is_some() {
            return Err(format!("I15: a token left in {sent}"));
        }
        self.i15_no_secret_in("what leaves", &sent.path)?;
        self.i15_no_secret_in("what leaves", &sent.headers)?;
        self.i15_no_secret_in("what leaves", &sent.body)
    }

    /// I15: no key of ours stands in this.
    pub fn i15_no_secret_in(&self, place: &str, text: &str) -> Result<(), Broken> {
        match self
            .known
            .secrets
            .iter()
            .any(|secret| text.contains(secret))
        {
            true => Err(format!("I15: a secret stands in {place}")),
            false => Ok(()),
        }
    }
}
