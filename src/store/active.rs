//! Which set of playbooks is in force, since when and why, and which one was refused.

use std::collections::BTreeMap;

use serde_json::json;

use super::Store;
use super::error::Error;
use super::rows::{json as from_json, moment};
use super::settings::set as note;
use super::sql::{Row, query};
use super::writer::Tx;
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, Urgency};
use crate::domain::playbook::PlaybookName;
use crate::domain::record::Record;
use crate::domain::restraint::Activation;

/// Longest text about a refused set that is kept, in characters.
const WHY_MAX: usize = 2000;
/// The setting that lists the digest of every playbook in force.
pub(super) const MEMBERS: &str = "playbooks_members";

/// A set of playbooks that is to be in force.
#[derive(Clone, Debug, Default)]
pub struct ActiveSet {
    /// Over every name and digest in it, in hex.
    pub digest: String,
    /// Why it comes now: `start`, `files` or `signal`.
    pub cause: String,
    /// Each playbook's name, digest and text.
    pub playbooks: Vec<(PlaybookName, String, String)>,
    /// Which user of the machine owns each file, where a file is known.
    pub owners: BTreeMap<PlaybookName, u32>,
    /// Names that were not there before.
    pub added: Vec<PlaybookName>,
    /// Names whose bytes are others.
    pub changed: Vec<PlaybookName>,
    /// Names that are gone.
    pub removed: Vec<PlaybookName>,
    /// Those of them that acted, and now do not or less.
    pub weakened: Vec<PlaybookName>,
    /// Must bytes be activated?
    pub activation: Activation,
    /// Did its own tests pass?
    pub rehearsal: Rehearsal,
}

/// What the tests beside a set came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rehearsal {
    /// They have not ended yet.
    #[default]
    Ahead,
    /// Every claim holds.
    Passed,
}

/// What is in force in place of a set that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// The last set whose tests passed.
    LastGood,
    /// The refused set itself: the service began with it, and knows no better one.
    Itself,
}

/// What people see of the set in force.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SetShown {
    /// Its digest.
    pub digest: String,
    /// Since when.
    pub since: Moment,
    /// Why it came: `start`, `files` or `signal`.
    pub cause: String,
    /// What the folder holds instead and why that was refused, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<RefusedShown>,
}

/// A set that was refused.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RefusedShown {
    /// When.
    pub at: Moment,
    /// Why, with the place.
    pub why: String,
}

impl Store {
    /// Records that a set is in force from now on, keeps its texts, and tells people what they
    /// should know about it.
    pub async fn activate_set(&self, set: ActiveSet, at: Moment) -> Result<(), Error> {
        let page = |key: String| self.notice(at, Urgency::Page, key, String::new());
        let unactivated = page(format!("unactivated {}", set.digest));
        let mut changed = page(format!("playbooks {}", set.digest));
        if set.weakened.is_empty() {
            changed.urgency = Urgency::Tell;
        }
        self.write(move |tx| {
            Box::pin(async move {
                keep_texts(tx, &set, at).await?;
                let by = activators(tx, &set).await?;
                record(tx, &set, &by, at).await?;
                note(tx, "playbooks", &set.digest, (&set.cause, at)).await?;
                note(tx, "playbooks_refused", "", (&set.cause, at)).await?;
                let digests = set.playbooks.iter().map(|(_, digest, _)| digest);
                let digests = json!(digests.collect::<Vec<_>>()).to_string();
                note(tx, MEMBERS, &digests, (&set.cause, at)).await?;
                if set.rehearsal == Rehearsal::Passed {
                    let digests = set.playbooks.iter().map(|(_, digest, _)| digest.clone());
                    let digests: Vec<_> = digests.collect();
                    super::rehearsed::keep(tx, &digests, at).await?;
                }
                tell_changes(tx, &set, changed).await?;
                tell_unactivated(tx, (&set, &by), unactivated).await
            })
        })
        .await
    }

    /// Records that the folder holds a set that is not taken, and tells people once about these
    /// files.
    pub async fn refuse_set(
        &self,
        (files, cause): (String, &'static str),
        (instead, why): (Instead, String),
        at: Moment,
    ) -> Result<(), Error> {
        let why: String = why.chars().take(WHY_MAX).collect();
        let stays = match instead {
            Instead::LastGood => "were refused and the last good ones stay in force",
            Instead::Itself => {
                "fail their own tests and are in force all the same, because no set is known that \
                 passed"
            }
        };
        let text = format!(
            "the playbooks on disk {stays}: {why}. See everything: estop playbook lint and estop \
             playbook test"
        );
        let notice = self.notice(at, Urgency::Page, format!("refused {files}"), text);
        self.write(move |tx| {
            Box::pin(async move {
                let detail = json!({ "cause": cause, "files": files, "because": why });
                tx.record(&Record::new(at, "playbooks.refused", detail))
                    .await?;
                note(tx, "playbooks_refused", &why, (cause, at)).await?;
                let ever = Moment::from_millis(i64::MIN);
                super::notices::write_unless_since(tx, &notice, ever).await
            })
        })
        .await
    }

    /// The set in force.
    pub async fn set_in_force(&self) -> Result<Option<SetShown>, Error> {
        let rows = query(
            "select name, value, set_at, set_by from setting \
             where name in ('playbooks', 'playbooks_refused')",
        )
        .fetch_all(self.reading())
        .await?;
        let named = |name: &str| {
            let mut rows = rows.iter();
            rows.find(|row| row.get::<String>("name").is_ok_and(|it| it == name))
        };
        let Some(row) = named("playbooks") else {
            return Ok(None);
        };
        Ok(Some(SetShown {
            digest: row.get("value")?,
            since: moment(row, "set_at")?,
            cause: row.get("set_by")?,
            refused: named("playbooks_refused")
                .map(refused)
                .transpose()?
                .flatten(),
        }))
    }
}

fn refused(row: &Row) -> Result<Option<RefusedShown>, Error> {
    let why: String = row.get("value")?;
    let at = moment(row, "set_at")?;
    Ok((!why.is_empty()).then_some(RefusedShown { at, why }))
}

async fn keep_texts(tx: &mut Tx, set: &ActiveSet, at: Moment) -> Result<(), Error> {
    for (name, digest, text) in &set.playbooks {
        query(
            "insert into playbook (digest, name, text, first_seen) \
             values ($1, $2, $3, $4) on conflict do nothing",
        )
        .bind(digest)
        .bind(name.as_str())
        .bind(text)
        .bind(at.as_millis())
        .execute(&mut tx.db)
        .await?;
    }
    Ok(())
}

type Activators = BTreeMap<PlaybookName, Vec<String>>;

/// Who activated each of them.
async fn activators(tx: &mut Tx, set: &ActiveSet) -> Result<Activators, Error> {
    let mut by = Activators::new();
    for (name, digest, _) in &set.playbooks {
        let row = query("select by_whom from activation where digest = $1")
            .bind(digest)
            .fetch_optional(&mut tx.db)
            .await?;
        if let Some(row) = row {
            by.insert(name.clone(), from_json(&row, "by_whom")?);
        }
    }
    Ok(by)
}

async fn record(tx: &mut Tx, set: &ActiveSet, by: &Activators, at: Moment) -> Result<(), Error> {
    let active: Vec<_> = set
        .playbooks
        .iter()
        .map(|(name, digest, _)| (name, digest))
        .collect();
    let detail = json!({
        "set": set.digest, "cause": set.cause, "active": active, "activated_by": by,
        "owners": set.owners, "added": set.added, "changed": set.changed,
        "removed": set.removed, "activation": set.activation,
    });
    tx.record(&Record::new(at, "playbooks.active", detail))
        .await
}

/// A playbook that acted and now does not must not go unseen.
async fn tell_changes(tx: &mut Tx, set: &ActiveSet, mut notice: Notice) -> Result<(), Error> {
    let lists = [
        ("added", &set.added),
        ("changed", &set.changed),
        ("removed", &set.removed),
        ("acting less than before", &set.weakened),
    ];
    let said: Vec<String> = lists
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| format!("{what}: {}", joined(names.iter())))
        .collect();
    if said.is_empty() {
        return Ok(());
    }
    notice.text = format!("other playbooks are in force now; {}", said.join("; "));
    super::notices::write(tx, &notice).await
}

async fn tell_unactivated(
    tx: &mut Tx,
    (set, by): (&ActiveSet, &Activators),
    mut notice: Notice,
) -> Result<(), Error> {
    let names = set.playbooks.iter().map(|(name, ..)| name);
    let missing: Vec<_> = names.filter(|name| !by.contains_key(name)).collect();
    if set.activation == Activation::Optional || missing.is_empty() {
        return Ok(());
    }
    notice.text = format!(
        "nobody activated these playbooks as they are now, so they only observe: {}. Two leads \
         activate them: estop playbook activate FILE --change CHANGE",
        joined(missing.into_iter())
    );
    let ever = Moment::from_millis(i64::MIN);
    super::notices::write_unless_since(tx, &notice, ever).await
}

fn joined<'n>(names: impl Iterator<Item = &'n PlaybookName>) -> String {
    let names: Vec<_> = names.map(PlaybookName::as_str).collect();
    names.join(", ")
}
