//! What is to be said to far ends: made once, tried until it is taken, ended once.

use serde_json::json;

use super::Store;
use super::error::Error;
use super::rows::{bytes, moment, uuid, word};
use super::sql::{Row, query};
use super::writer::Tx;
use crate::domain::id::{DetectionId, NoticeId, RunId};
use crate::domain::moment::Moment;
use crate::domain::record::Record;
use crate::domain::run::RunState;
use crate::domain::telling::{
    NewTelling, TELL_WITHIN, Telling, TellingState, Whom, Word, telling_id,
};

/// Most things about one subject that are read.
const ABOUT_MAX: u32 = 200;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TellingEnd {
    /// The far end took it.
    Told,
    /// It is tried again then.
    Again(Moment),
    /// It is tried no more.
    GivenUp,
    /// There was nothing to say, or no way to say it.
    Moot,
}

impl Store {
    /// Marks notices as told to us, with what follows for each place, or none of it.
    pub async fn address(
        &self,
        notices: Vec<NoticeId>,
        tellings: Vec<NewTelling>,
        at: Moment,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                for notice in notices {
                    super::notices::told_in(tx, notice, at).await?;
                }
                for new in &tellings {
                    insert(tx, new).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// What is due, the oldest for each far end that is not in `busy`.
    pub async fn due_tellings(&self, busy: &[Whom], at: Moment) -> Result<Vec<Telling>, Error> {
        let rows = query(
            "select * from (select t.*, row_number() over \
                 (partition by t.whom order by t.due_at, t.rank, t.telling_id) as place \
               from telling t where t.state = 'due' and t.due_at <= $1 \
                 and not exists (select 1 from telling e where e.about = t.about \
                     and e.whom = t.whom and e.state = 'due' and e.rank < t.rank)) as first \
             where place = 1",
        )
        .bind(at.as_millis())
        .fetch_all(self.reading())
        .await?;
        let due: Result<Vec<_>, _> = rows.iter().map(telling).collect();
        let free = |telling: &Telling| !busy.contains(&telling.whom);
        Ok(due?.into_iter().filter(free).collect())
    }

    /// Counts an attempt before it is made; a process that dies in it tries again at `again_at`.
    /// False when there is something newer to say, or nothing any more.
    pub async fn try_telling(&self, it: &Telling, again_at: Moment) -> Result<bool, Error> {
        let (id, version) = (it.id, it.version);
        self.write(move |tx| {
            Box::pin(async move {
                let counted = query(
                    "update telling set attempts = attempts + 1, due_at = $3 \
                     where telling_id = $1 and version = $2 and state = 'due'",
                )
                .bind(bytes(id))
                .bind(version)
                .bind(again_at.as_millis())
                .execute(&mut tx.db)
                .await?;
                Ok(counted.rows_affected() == 1)
            })
        })
        .await
    }

    /// Stores how an attempt ended. What was renewed meanwhile stays due.
    pub async fn telling_ended(
        &self,
        it: &Telling,
        (end, said): (TellingEnd, String),
        at: Moment,
    ) -> Result<(), Error> {
        let it = it.clone();
        self.write(move |tx| Box::pin(async move { end_in(tx, &it, (&end, &said), at).await }))
            .await
    }

    /// Everything that was or is to be said about one thing.
    pub async fn tellings_about(&self, about: uuid::Uuid) -> Result<Vec<Telling>, Error> {
        let rows = query("select * from telling where about = $1 order by whom, rank limit $2")
            .bind(bytes(about))
            .bind(ABOUT_MAX)
            .fetch_all(self.reading())
            .await?;
        rows.iter().map(telling).collect()
    }
}

async fn end_in(
    tx: &mut Tx,
    it: &Telling,
    (end, said): (&TellingEnd, &str),
    at: Moment,
) -> Result<(), Error> {
    let (state, due_at) = match end {
        TellingEnd::Told => (TellingState::Told, None),
        TellingEnd::Again(due) => (TellingState::Due, Some(due.as_millis())),
        TellingEnd::GivenUp => (TellingState::GivenUp, None),
        TellingEnd::Moot => (TellingState::Moot, None),
    };
    let ended = (state != TellingState::Due).then(|| at.as_millis());
    let moved = query(
        "update telling set state = $3, due_at = coalesce($4, due_at), said = $5, ended_at = $6 \
         where telling_id = $1 and version = $2 and state = 'due'",
    )
    .bind(bytes(it.id))
    .bind(it.version)
    .bind(state.word())
    .bind(due_at)
    .bind(said)
    .bind(ended)
    .execute(&mut tx.db)
    .await?;
    if moved.rows_affected() == 1 && state == TellingState::GivenUp {
        let detail = json!({
            "telling": it.id, "whom": it.whom, "word": it.word, "about": it.about, "said": said,
        });
        tx.record(&Record::new(at, "telling.given_up", detail))
            .await?;
    }
    Ok(())
}

/// Writes something to be said; what is there already stays.
pub(super) async fn insert(tx: &mut Tx, new: &NewTelling) -> Result<(), Error> {
    query(
        "insert into telling (telling_id, whom, word, rank, about, state, due_at, deadline) \
         values ($1, $2, $3, $4, $5, 'due', $6, $7) on conflict do nothing",
    )
    .bind(bytes(telling_id(&new.whom, new.about, new.word)))
    .bind(new.whom.text())
    .bind(new.word.word())
    .bind(new.word.rank())
    .bind(bytes(new.about))
    .bind(new.due_at.as_millis())
    .bind(new.due_at.plus(TELL_WITHIN).as_millis())
    .execute(&mut tx.db)
    .await?;
    Ok(())
}

/// Writes it, or makes it due again with something newer to say.
async fn renew(tx: &mut Tx, new: &NewTelling) -> Result<(), Error> {
    insert(tx, new).await?;
    query(
        "update telling set state = 'due', version = version + 1, attempts = 0, due_at = $2, \
         deadline = $3, ended_at = null where telling_id = $1",
    )
    .bind(bytes(telling_id(&new.whom, new.about, new.word)))
    .bind(new.due_at.as_millis())
    .bind(new.due_at.plus(TELL_WITHIN).as_millis())
    .execute(&mut tx.db)
    .await?;
    Ok(())
}

/// What a run's new state means to whom its playbook tells. `notify` is the run's own list.
pub(super) async fn after_move(
    tx: &mut Tx,
    (run, detection, notify): (RunId, Option<DetectionId>, &str),
    state: RunState,
    at: Moment,
) -> Result<(), Error> {
    let tells = |whom: &str| notify.contains(&format!("\"{whom}\""));
    let due = |whom, word, about| NewTelling {
        whom,
        word,
        about,
        due_at: at,
    };
    if let Some(detection) = detection.filter(|_| tells("incident") && is_worth_a_line(state)) {
        renew(tx, &due(Whom::Incident, Word::Raise, detection.uuid())).await?;
    }
    let word = match state {
        RunState::Contained | RunState::Partial | RunState::Unknown => Word::Raise,
        // Only a run of a playbook that is meant to watch still names them.
        RunState::Observed if tells("sponsors") && !told_lately(tx, run, at).await? => Word::Raise,
        RunState::Undone => Word::Resolve,
        RunState::Queued
        | RunState::Observed
        | RunState::Waiting
        | RunState::Running
        | RunState::Failed
        | RunState::Undoing
        | RunState::Stuck
        | RunState::Expired
        | RunState::Stopped => return Ok(()),
    };
    if tells("sponsors") {
        insert(tx, &due(Whom::Sponsors, word, run.uuid())).await?;
    }
    Ok(())
}

/// Was who answers for this entity told within a day what the same playbook saw?
async fn told_lately(tx: &mut Tx, run: RunId, at: Moment) -> Result<bool, Error> {
    let told = query(
        "select 1 from run this join run other on other.entity_id = this.entity_id \
             and other.playbook = this.playbook and other.run_id <> this.run_id \
         join telling t on t.about = other.run_id and t.whom = $2 and t.deadline > $3 \
         where this.run_id = $1 limit 1",
    )
    .bind(bytes(run.uuid()))
    .bind(Whom::Sponsors.text())
    .bind(at.as_millis())
    .fetch_optional(&mut tx.db)
    .await?;
    Ok(told.is_some())
}

/// Does whoever reads the incident want to know? What is only under way is not for them.
const fn is_worth_a_line(state: RunState) -> bool {
    match state {
        RunState::Queued | RunState::Running | RunState::Undoing => false,
        RunState::Observed
        | RunState::Waiting
        | RunState::Contained
        | RunState::Partial
        | RunState::Failed
        | RunState::Unknown
        | RunState::Undone
        | RunState::Stuck
        | RunState::Expired
        | RunState::Stopped => true,
    }
}

fn telling(row: &Row) -> Result<Telling, Error> {
    let attempts: i64 = row.get("attempts")?;
    Ok(Telling {
        id: uuid(row, "telling_id")?,
        whom: word(row, "whom", Whom::from_text)?,
        word: word(row, "word", Word::from_word)?,
        about: uuid(row, "about")?,
        state: word(row, "state", TellingState::from_word)?,
        version: row.get("version")?,
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        due_at: moment(row, "due_at")?,
        deadline: moment(row, "deadline")?,
        said: row.get("said")?,
    })
}
