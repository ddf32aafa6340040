//! One piece of work for the writer: done inside a transaction, answered after its commit.

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::error::Error;
use super::unanswered::{Unanswered, Waits};
use super::writer::Tx;

/// One piece of work: done inside a transaction, answered after its commit.
pub(super) trait Piece: Send {
    fn perform<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Result<(), Error>>;
    /// It is committed, and waits for the disk; what follows may begin.
    fn committed(&mut self);
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

/// Goes on with a result whether or not its caller is still there: as soon as it is committed where its
/// sync may wait for what follows, else once it survives what it must.
pub(super) type GoOn<T> = Box<dyn FnOnce(&mut T) + Send>;

pub(super) struct Work<F, T> {
    perform: Option<F>,
    outcome: Outcome<T>,
    reply: oneshot::Sender<Result<Answer<T>, Error>>,
    waits: Waits,
}

/// What was performed, and what follows from it unless that has begun.
struct Outcome<T> {
    result: Option<T>,
    go_on: Option<GoOn<T>>,
}

impl<T> Outcome<T> {
    /// Begins what follows, once. Did it?
    fn go_on(&mut self) -> bool {
        let (Some(go_on), Some(result)) = (self.go_on.take(), &mut self.result) else {
            return false;
        };
        go_on(result);
        true
    }
}

/// What was committed, on its way to who asked for it. What still follows is theirs to begin; where they
/// have gone away, dropping it does.
pub(super) struct Answer<T>(Outcome<T>);

impl<T> Answer<T> {
    /// The result. Whoever is told what follows from it has a turn before.
    pub(super) async fn heard(mut self) -> Result<T, Error> {
        if self.0.go_on() {
            tokio::task::yield_now().await;
        }
        let lost = || Error::Busy("the work was not carried out".to_owned());
        self.0.result.take().ok_or_else(lost)
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        self.0.go_on();
    }
}

impl<F, T> Work<F, T> {
    pub(super) fn new(
        (perform, go_on): (F, Option<GoOn<T>>),
        reply: oneshot::Sender<Result<Answer<T>, Error>>,
        all: &Unanswered,
    ) -> Self {
        Self {
            perform: Some(perform),
            outcome: Outcome {
                result: None,
                go_on,
            },
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
                self.outcome.result = Some(perform(tx).await?);
            }
            Ok(())
        })
    }

    fn committed(&mut self) {
        self.outcome.go_on();
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        let Self {
            outcome,
            reply,
            waits,
            ..
        } = *self;
        // The caller may have gone away; what was committed stays committed.
        let _ = reply.send(committed.map(|()| Answer(outcome)));
        drop(waits);
    }
}
