//! Who may send, and how we know it is them.

use std::collections::BTreeMap;

use crate::domain::detection::SourceName;
use crate::signature::Unusable;

use super::verifier::Verifier;

/// Whether a source's deliveries are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// They are.
    Enabled,
    /// They are refused like a stranger's.
    Disabled,
}

/// A configured sender and how it proves itself. There is no source without a way.
pub struct Source {
    /// Its name, as in `/v1/ingest/{source}`.
    pub name: SourceName,
    /// How its deliveries are believed.
    pub verifier: Verifier,
    /// Whether its deliveries are taken.
    pub state: SourceState,
}

impl Source {
    fn shares_a_secret_with(&self, other: &Self) -> bool {
        let both = self.verifier.secrets().zip(other.verifier.secrets());
        both.is_some_and(|(mine, theirs)| mine.shares_a_secret_with(theirs))
    }
}

/// Every configured source, by name.
pub struct Sources(BTreeMap<SourceName, Source>);

impl Sources {
    /// Refuses two sources of one name, and two that share a secret: either could then speak as
    /// the other (threat W07).
    pub fn new(list: Vec<Source>) -> Result<Self, Unusable> {
        let mut sources: BTreeMap<SourceName, Source> = BTreeMap::new();
        for source in list {
            let twin = sources
                .values()
                .find(|known| known.name == source.name || known.shares_a_secret_with(&source));
            if let Some(twin) = twin {
                return Err(Unusable {
                    what: format!(
                        "the sources `{}` and `{}` have the same name or share a secret",
                        twin.name, source.name
                    ),
                    fix: "Give each source its own name and its own secret file".to_owned(),
                });
            }
            sources.insert(source.name.clone(), source);
        }
        Ok(Self(sources))
    }

    /// The names of all.
    pub fn names(&self) -> impl Iterator<Item = &SourceName> {
        self.0.keys()
    }

    /// The configured source of this name, taken or not.
    pub(super) fn find(&self, name: &str) -> Option<&Source> {
        self.0.get(&SourceName::new(name)?)
    }

    /// All whose deliveries are taken.
    pub(super) fn all_enabled(&self) -> impl Iterator<Item = &Source> {
        let all = self.0.values();
        all.filter(|source| source.state == SourceState::Enabled)
    }

    /// The source of this name, when its deliveries are taken.
    pub fn enabled(&self, name: &str) -> Option<&Source> {
        let source = self.find(name)?;
        (source.state == SourceState::Enabled).then_some(source)
    }
}

#[cfg(test)]
mod tests {
    use super::{Source, SourceState, Sources};
    use crate::domain::detection::SourceName;
    use crate::ingress::Verifier;
    use crate::signature::{KeyId, KeyRing, Names, Profile, Secret, Webhooks};

    fn source(name: &str, secret: [u8; 32], state: SourceState) -> Source {
        let key = (KeyId::new(name).unwrap(), Secret::fresh(secret));
        let ring = KeyRing::new(vec![key]).unwrap();
        let webhooks = Webhooks::new(Names::Standard, Some(ring), Vec::new());
        Source {
            name: SourceName::new(name).unwrap(),
            verifier: Verifier::Signed(Profile::Webhooks(webhooks.unwrap())),
            state,
        }
    }

    #[test]
    fn w07_two_sources_may_not_share_a_name_or_a_secret() {
        let on = SourceState::Enabled;
        let fine = Sources::new(vec![source("a", [1; 32], on), source("b", [2; 32], on)]);
        let secret = Sources::new(vec![source("a", [1; 32], on), source("b", [1; 32], on)]);
        let name = Sources::new(vec![source("a", [1; 32], on), source("a", [2; 32], on)]);

        assert!(fine.is_ok());
        assert!(secret.is_err());
        assert!(name.is_err());
    }

    #[test]
    fn w09_a_disabled_source_is_as_good_as_none() {
        let sources = Sources::new(vec![source("a", [1; 32], SourceState::Disabled)]).unwrap();

        assert!(sources.enabled("a").is_none());
        assert!(sources.enabled("b").is_none());
    }
}
