//! One piece of work for the writer: done inside a transaction, answered after its commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::error::Error;
use super::writer::Tx;

/// One piece of work: done inside a transaction, answered after its commit.
pub(super) trait Piece: Send {
    fn perform<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Result<(), Error>>;
    /// It is committed, and waits for the disk.
    fn committed(&mut self);
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

/// Hears of a result that is committed, and not yet on disk.
pub(super) type Early<T> = Box<dyn FnOnce(&T) + Send>;

/// How many wait for their answer. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Unanswered(Arc<AtomicUsize>);

impl Unanswered {
    pub(super) fn is_nobody(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

/// One of them, for as long as this lives.
pub(super) struct Waits(Unanswered);

impl Waits {
    pub(super) fn among(all: &Unanswered) -> Self {
        all.0.fetch_add(1, Ordering::AcqRel);
        Self(all.clone())
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

pub(super) struct Work<F, T> {
    perform: Option<F>,
    result: Option<T>,
    early: Option<Early<T>>,
    reply: oneshot::Sender<Result<T, Error>>,
    waits: Waits,
}

impl<F, T> Work<F, T> {
    pub(super) fn new(
        (perform, early): (F, Option<Early<T>>),
        reply: oneshot::Sender<Result<T, Error>>,
        all: &Unanswered,
    ) -> Self {
        Self {
            perform: Some(perform),
            result: None,
            early,
            reply,
            waits: Waits::among(all),
        }
    }
}

impl<F, T> Piece for Work<F, T>
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send,
    T: Send,
{
    fn perform<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Result<(), Error>> {
        Box::pin(async move {
            if let Some(perform) = self.perform.take() {
                self.result = Some(perform(tx).await?);
            }
            Ok(())
        })
    }

    fn committed(&mut self) {
        if let (Some(early), Some(result)) = (self.early.take(), &self.result) {
            early(result);
        }
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        let Self {
            result,
            reply,
            waits,
            ..
        } = *self;
        let lost = || Err(Error::Busy("the work was not carried out".to_owned()));
        let answer = committed.and_then(|()| result.map_or_else(lost, Ok));
        // The caller may have gone away; what was committed stays committed.
        let _ = reply.send(answer);
        drop(waits);
    }
}
