//! What was told outside is kept: I1, I9, I16.

use estop::domain::record::SealedLine;
use estop::domain::run::Standing;
use estop::store::Store;

use super::super::now;
use super::{Broken, Laws};

impl Laws {
    /// I1: whoever was thanked, and whoever was answered, is not forgotten.
    pub(super) fn i1_what_was_thanked_for_is_there(&self, store: &Store) -> Result<(), Broken> {
        for id in &self.thanked {
            let parsed = id
                .parse()
                .map_err(|_| format!("I1: no delivery id: {id}"))?;
            let found = now(store.delivery(parsed)).map_err(|why| why.to_string())?;
            if found.is_none() {
                return Err(format!("I1: {id} was thanked for and is lost"));
            }
        }
        match self
            .taken
            .iter()
            .find(|order| !self.book.orders.contains(*order))
        {
            Some(order) => Err(format!("I1: {order} was taken and is lost")),
            None => Ok(()),
        }
    }

    /// I1 and I14: everything that was thanked for was read, and none of its runs is still at work.
    pub(super) fn i1_everything_was_read_and_i14_ended(&self, store: &Store) -> Result<(), Broken> {
        for id in &self.thanked {
            let parsed = id
                .parse()
                .map_err(|_| format!("I1: no delivery id: {id}"))?;
            let status = now(store.status_of(parsed)).map_err(|why| why.to_string())?;
            let status = status.ok_or_else(|| format!("I1: {id} is lost"))?;
            if status.delivery_state.word() == "received" {
                return Err(format!("I1: {id} was never read"));
            }
            for run in status.runs {
                if run.state.standing() == Standing::AtWork {
                    return Err(format!("I14: {} is still {}", run.id, run.state));
                }
            }
        }
        Ok(())
    }

    /// I9: every record that was on the disk, and every head that somebody else keeps, is where it
    /// was.
    pub(super) fn i9_the_record_survives(
        &self,
        before: &[SealedLine],
        after: &[SealedLine],
    ) -> Result<(), Broken> {
        let same = before.iter().zip(after);
        let survived = same.take_while(|(old, new)| old.seal == new.seal).count();
        if survived < self.durable {
            let durable = self.durable;
            return Err(format!(
                "I9: {survived} of {durable} records on disk survived a death"
            ));
        }
        let stands = |(number, seal): &&(i64, _)| {
            let place = usize::try_from(*number - 1).unwrap_or(usize::MAX);
            after.get(place).is_some_and(|line| line.seal == *seal)
        };
        match self.anchored.iter().find(|anchor| !stands(anchor)) {
            Some((number, _)) => Err(format!(
                "I9: record {number} is not the one that was anchored"
            )),
            None => Ok(()),
        }
    }

    /// I16: what is in force is one of the sets that somebody wrote, and nothing in between.
    pub fn i16_a_set_is_in_force_whole(&self, digest: &str) -> Result<(), Broken> {
        match self.known.sets.contains(digest) {
            true => Ok(()),
            false => Err(format!(
                "I16: {digest} is in force, and nobody wrote it whole"
            )),
        }
    }
}
