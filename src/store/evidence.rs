//! What is gathered beside a strike: asked for with it, kept part by part, read back for people.

use serde_json::json;

use super::Store;
use super::error::Error;
use super::rows::{bytes, json_or_none, moment, to_json, uuid, word};
use super::sql::{Row, query};
use super::writer::Tx;
use crate::domain::coverage::{Coverage, DoorReport};
use crate::domain::evidence::{
    Evidence, EvidencePart, EvidenceState, KeptPart, PartState, TokenSeen,
};
use crate::domain::id::RunId;
use crate::domain::moment::Moment;
use crate::domain::notice::Notice;
use crate::domain::record::Record;

/// Most runs whose evidence is looked at in one round.
const DUE_MAX: u32 = 20;

/// The actions are those that contain.
pub(super) const DUE: &str = "select e.* from evidence e join run r on r.run_id = e.run_id \
     where e.state <> 'complete' and e.due_at <= $1 \
       and (r.ended_at is not null or (r.struck_at is not null \
            and not exists (select 1 from step s where s.run_id = e.run_id \
                            and s.entity_id = r.entity_id and s.ended_at is null \
                            and s.action in ('disable_agent', 'disable_service_principal', \
                                             'disable_blueprint', 'disable_agent_user')))) \
     order by e.due_at limit $2";

/// How the gathering for a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvidenceMove {
    /// What it becomes.
    pub state: EvidenceState,
    /// When it is looked at next.
    pub due_at: Moment,
    /// How many rounds there were in that state.
    pub rounds: u32,
}

impl Store {
    /// Runs whose evidence is due, the oldest first. Only those whose own entity was struck, with
    /// an answer to every switch of it, or that ended: evidence is never gathered before the strike.
    pub async fn due_evidence(&self, now: Moment) -> Result<Vec<Evidence>, Error> {
        let rows = query(DUE)
            .bind(now.as_millis())
            .bind(DUE_MAX)
            .fetch_all(self.reading())
            .await?;
        rows.iter().map(evidence).collect()
    }

    /// How far the gathering for a run has come; `None` where it never struck.
    pub async fn evidence(&self, run: RunId) -> Result<Option<Evidence>, Error> {
        let row = query("select * from evidence where run_id = $1")
            .bind(bytes(run.uuid()))
            .fetch_optional(self.reading())
            .await?;
        row.as_ref().map(evidence).transpose()
    }

    /// Every part that is kept for a run, in the order of reading.
    pub async fn evidence_parts(&self, run: RunId) -> Result<Vec<KeptPart>, Error> {
        let rows = query("select * from evidence_part where run_id = $1")
            .bind(bytes(run.uuid()))
            .fetch_all(self.reading())
            .await?;
        let mut parts = rows.iter().map(part).collect::<Result<Vec<_>, _>>()?;
        parts.sort_by_key(|kept| kept.part);
        Ok(parts)
    }

    /// Was Entra seen to refuse what a run contained a token, as far as its evidence goes?
    pub async fn token_seen(&self, run: RunId) -> Result<TokenSeen, Error> {
        let evidence = self.evidence(run).await?;
        let parts = self.evidence_parts(run).await?;
        let kept = parts.iter().find(|it| it.part == EvidencePart::Refused);
        Ok(TokenSeen::of(evidence.as_ref(), kept))
    }

    /// Keeps a part with its record, and what all parts now say about doors, which the run's
    /// coverage takes in. A part that is kept already stays as it is.
    pub async fn keep_evidence(
        &self,
        run: RunId,
        kept: KeptPart,
        (doors, notice): (Vec<DoorReport>, Option<Notice>),
    ) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move { keep(tx, run, &kept, (&doors, notice.as_ref())).await })
        })
        .await
    }

    /// Moves the gathering for a run on.
    pub async fn move_evidence(
        &self,
        run: RunId,
        change: EvidenceMove,
        at: Moment,
    ) -> Result<(), Error> {
        self.write_with_the_next(move |tx| {
            Box::pin(async move {
                query("update evidence set state = $2, due_at = $3, rounds = $4 where run_id = $1")
                    .bind(bytes(run.uuid()))
                    .bind(change.state.word())
                    .bind(change.due_at.as_millis())
                    .bind(change.rounds)
                    .execute(&mut tx.db)
                    .await?;
                if change.state != EvidenceState::Complete {
                    return Ok(());
                }
                let record = Record::new(at, "evidence.complete", json!({}));
                tx.record(&record.about_run(run)).await
            })
        })
        .await
    }
}

/// Asks for the evidence of a run, once, in the transaction of its first strike.
pub(super) async fn ask(tx: &mut Tx, run: RunId, at: Moment) -> Result<(), Error> {
    query(
        "insert into evidence (run_id, state, asked_at, due_at) values ($1, 'due', $2, $2) \
         on conflict do nothing",
    )
    .bind(bytes(run.uuid()))
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    Ok(())
}

/// A run's coverage with what evidence has read already, as it is stored. `row` has its doors, where it
/// was asked for.
pub(super) fn informed(coverage: &Coverage, row: &Row) -> Result<String, Error> {
    let mut coverage = coverage.clone();
    if let Some(doors) = json_or_none::<Vec<DoorReport>>(row, "doors")? {
        coverage.learn(&doors);
    }
    to_json(&coverage)
}

async fn keep(
    tx: &mut Tx,
    run: RunId,
    kept: &KeptPart,
    (doors, notice): (&[DoorReport], Option<&Notice>),
) -> Result<(), Error> {
    let digest = kept.digest();
    let inserted = query(
        "insert into evidence_part (run_id, part, state, why, body, digest, read_at) \
         values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
    )
    .bind(bytes(run.uuid()))
    .bind(kept.part.word())
    .bind(kept.state.word())
    .bind(kept.why.as_deref())
    .bind(kept.body.as_deref())
    .bind(digest.as_deref())
    .bind(kept.at.as_millis())
    .execute(&mut tx.db)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(());
    }
    query("update evidence set doors = $2 where run_id = $1")
        .bind(bytes(run.uuid()))
        .bind(to_json(&doors)?)
        .execute(&mut tx.db)
        .await?;
    let row = query("select coverage from run where run_id = $1")
        .bind(bytes(run.uuid()))
        .fetch_optional(&mut tx.db)
        .await?;
    let known = row.map(|row| json_or_none::<Coverage>(&row, "coverage"));
    if let Some(mut coverage) = known.transpose()?.flatten() {
        coverage.learn(doors);
        query("update run set coverage = $2 where run_id = $1")
            .bind(bytes(run.uuid()))
            .bind(to_json(&coverage)?)
            .execute(&mut tx.db)
            .await?;
    }
    if let Some(notice) = notice {
        super::notices::write(tx, notice).await?;
    }
    let detail = json!({
        "part": kept.part, "state": kept.state, "why": kept.why, "digest": digest,
    });
    tx.record(&Record::new(kept.at, "evidence.kept", detail).about_run(run))
        .await
}

fn evidence(row: &Row) -> Result<Evidence, Error> {
    Ok(Evidence {
        run: RunId::from_uuid(uuid(row, "run_id")?),
        state: word(row, "state", EvidenceState::from_word)?,
        asked_at: moment(row, "asked_at")?,
        due_at: moment(row, "due_at")?,
        rounds: row.get("rounds")?,
    })
}

fn part(row: &Row) -> Result<KeptPart, Error> {
    Ok(KeptPart {
        part: word(row, "part", EvidencePart::from_word)?,
        state: word(row, "state", PartState::from_word)?,
        why: row.get("why")?,
        body: row.get("body")?,
        at: moment(row, "read_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::DUE;
    use crate::domain::action::Action;

    #[test]
    fn evidence_waits_for_every_action_that_contains_and_for_no_other() {
        for action in Action::ALL {
            let named = DUE.contains(&format!("'{}'", action.word()));
            assert_eq!(named, action.contains(), "{action}");
        }
    }
}
