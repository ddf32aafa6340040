//! Whose tool calls are refused, and which bot of Copilot Studio is which agent.
//!
//! Copilot Studio names a bot by its Dataverse id, which is no object id of Entra. So a map stands
//! between them, filled from the configuration and from the inventory; where it is empty, nothing
//! can be stopped here, and that is said.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entity::ObjectId;

/// A bot of Copilot Studio, by its Dataverse id. Never an id of Entra.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BotId(Uuid);

impl FromStr for BotId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uuid = (text.len() == 36).then(|| Uuid::try_parse(text).ok());
        let uuid = uuid.flatten().ok_or("it is not a GUID of 36 characters")?;
        Ok(Self(uuid))
    }
}

impl fmt::Display for BotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// Which bot acts as whom: the agent, and what the agent hangs from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bots(BTreeMap<BotId, BTreeSet<ObjectId>>);

impl Bots {
    /// Adds that a bot acts as this object.
    pub fn add(&mut self, bot: BotId, acts_as: ObjectId) {
        self.0.entry(bot).or_default().insert(acts_as);
    }

    /// Adds what the objects that are there already hang from: `kin` is object and parent.
    pub fn add_kin(&mut self, kin: &BTreeMap<ObjectId, ObjectId>) {
        for acts_as in self.0.values_mut() {
            let parents: Vec<_> = acts_as.iter().filter_map(|id| kin.get(id)).collect();
            acts_as.extend(parents.into_iter().copied().collect::<Vec<_>>());
        }
    }

    /// Every object that a bot acts as or hangs from; `None` for a bot nobody knows.
    pub fn acts_as(&self, bot: BotId) -> Option<&BTreeSet<ObjectId>> {
        self.0.get(&bot)
    }

    /// The bots that stop when this object is contained.
    pub fn of(&self, id: ObjectId) -> Vec<BotId> {
        let theirs = self.0.iter().filter(|(_, acts_as)| acts_as.contains(&id));
        theirs.map(|(bot, _)| *bot).collect()
    }

    /// How many bots are known.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Is none known?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The objects whose tool calls are refused, in order, so that a change costs one copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused(Vec<ObjectId>);

impl Refused {
    /// Of these, in any order.
    pub fn of(mut ids: Vec<ObjectId>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        Self(ids)
    }

    /// Is this one among them?
    pub fn has(&self, id: ObjectId) -> bool {
        self.0.binary_search(&id).is_ok()
    }

    /// The same with changes: each object, and whether it is refused now.
    #[must_use]
    pub fn with(&self, changes: &BTreeMap<ObjectId, Held>) -> Self {
        let mut kept = self.0.clone();
        kept.retain(|id| !changes.contains_key(id));
        let held = changes.iter().filter(|(_, how)| **how == Held::Closed);
        kept.extend(held.map(|(id, _)| *id));
        Self::of(kept)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Is nobody refused?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Do we hold an object?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It is contained, or its tools are blocked.
    Closed,
    /// We hold nothing on it.
    Open,
}

/// What the gate answers from: in memory, swapped whole, read without a lock.
#[derive(Debug, Default)]
pub struct Tools {
    refused: ArcSwapOption<Refused>,
    bots: ArcSwap<Bots>,
}

/// What is to be said to one tool call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolWord {
    /// It may go on.
    Pass,
    /// It acts as this object, which we hold.
    Refuse(ObjectId),
    /// Nobody knows whose bot this is.
    Unmapped,
    /// What we hold is not known yet.
    NotReady,
}

impl Tools {
    /// What is said to a tool call of this bot.
    pub fn word(&self, bot: BotId) -> ToolWord {
        let refused = self.refused.load();
        let Some(refused) = refused.as_ref() else {
            return ToolWord::NotReady;
        };
        let bots = self.bots.load();
        let Some(acts_as) = bots.acts_as(bot) else {
            return ToolWord::Unmapped;
        };
        let held = acts_as.iter().find(|id| refused.has(**id));
        held.map_or(ToolWord::Pass, |id| ToolWord::Refuse(*id))
    }

    /// The bots that stop when this object is contained.
    pub fn bots_of(&self, id: ObjectId) -> Vec<BotId> {
        self.bots.load().of(id)
    }

    /// Are this object's tool calls refused as far as memory knows?
    pub fn refuses(&self, id: ObjectId) -> bool {
        self.refused.load().as_ref().is_some_and(|it| it.has(id))
    }

    /// Takes in what is held now.
    pub fn hold(&self, refused: Refused) {
        self.refused.store(Some(Arc::new(refused)));
    }

    /// Takes in changes of what is held; nothing where it was never known.
    pub fn change(&self, changes: &BTreeMap<ObjectId, Held>) {
        if let Some(before) = self.refused.load_full() {
            self.hold(before.with(changes));
        }
    }

    /// Takes in which bot is whose.
    pub fn know(&self, bots: Bots) {
        self.bots.store(Arc::new(bots));
    }
}

/// What a person can do where the gate does not reach, ready to be run. It takes a user's own
/// token (Microsoft: an administrator of Power Platform, AI or the tenant), so it is no action of
/// ours.
pub fn quarantine_by_hand(bots: &[BotId]) -> String {
    let bot = bots
        .first()
        .map_or("BOT_ID".to_owned(), ToString::to_string);
    format!(
        "A person with an administrator's role can quarantine it: az rest --method post \
         --resource https://api.powerplatform.com --url \"https://api.powerplatform.com/\
         copilotstudio/environments/ENVIRONMENT_ID/bots/{bot}/api/botQuarantine/\
         SetAsQuarantined?api-version=1\""
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::{BotId, Bots, Held, ObjectId, Refused, ToolWord, Tools};

    fn id(number: u128) -> ObjectId {
        ObjectId::from_uuid(Uuid::from_u128(number))
    }

    fn bot(number: u128) -> BotId {
        BotId(Uuid::from_u128(number))
    }

    #[test]
    fn a_bot_is_refused_for_its_agent_and_for_what_the_agent_hangs_from() {
        let tools = Tools::default();
        let mut bots = Bots::default();
        bots.add(bot(1), id(10));
        bots.add_kin(&BTreeMap::from([(id(10), id(20))]));
        tools.know(bots);
        assert_eq!(tools.word(bot(1)), ToolWord::NotReady);

        tools.hold(Refused::default());
        assert_eq!(tools.word(bot(1)), ToolWord::Pass);
        assert_eq!(tools.word(bot(2)), ToolWord::Unmapped);

        tools.change(&BTreeMap::from([(id(20), Held::Closed)]));
        assert_eq!(tools.word(bot(1)), ToolWord::Refuse(id(20)));
        tools.change(&BTreeMap::from([(id(20), Held::Open)]));
        assert_eq!(tools.word(bot(1)), ToolWord::Pass);
        assert_eq!(tools.bots_of(id(20)), [bot(1)]);
    }

    #[test]
    fn changes_touch_only_whom_they_name() {
        let before = Refused::of(vec![id(3), id(1), id(2), id(1)]);

        let changes = [
            (id(2), Held::Open),
            (id(4), Held::Closed),
            (id(1), Held::Closed),
        ];
        let after = before.with(&changes.into());

        assert_eq!(after, Refused::of(vec![id(1), id(3), id(4)]));
        assert_eq!((before.len(), after.len()), (3, 3));
    }

    #[test]
    fn a_bot_id_is_a_guid_written_out() {
        assert!(
            "5be3e14e-2e46-f111-bec6-7c1e52344333"
                .parse::<BotId>()
                .is_ok()
        );
        assert!("cra65_x.action.Name".parse::<BotId>().is_err());
        assert!("5be3e14e2e46f111bec67c1e52344333".parse::<BotId>().is_err());
    }
}
