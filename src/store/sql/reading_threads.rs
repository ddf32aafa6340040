//! Threads that read a file and may wait for it: as many as there are connections, and their own, so
//! that nobody waits behind what else waits in the process, such as the address of a name.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::store::error::Error;
use crate::store::threads::on_a_thread;

type Job = Box<dyn FnOnce() + Send>;

/// The threads. Cheap to clone; they end with the last clone.
#[derive(Clone, Debug)]
pub(super) struct ReadingThreads(Sender<Job>);

impl ReadingThreads {
    /// So many of them.
    pub(super) fn begin(count: usize) -> Result<Self, Error> {
        let (to_threads, jobs) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..count {
            let jobs = Arc::clone(&jobs);
            on_a_thread("store-reader", move || work(&jobs))
                .ok_or_else(|| Error::Busy("no thread could begin that reads".to_owned()))?;
        }
        Ok(Self(to_threads))
    }

    /// Does this on one of them. None where it died of it, or all have ended.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let job = move || {
            // Whoever asked may have gone away.
            let _ = reply.send(job());
        };
        self.0.send(Box::new(job)).ok()?;
        answer.await.ok()
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        job();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::{Arc, Barrier};
    use std::thread::current;

    use futures_util::future::join_all;

    use super::ReadingThreads;

    const THREADS: usize = 4;

    #[tokio::test]
    async fn so_many_work_at_the_same_time_and_no_more_are_ever_made() {
        let threads = ReadingThreads::begin(THREADS).unwrap();
        // Each waits until all of them are at work.
        let meeting = Arc::new(Barrier::new(THREADS));

        let jobs = (0..20 * THREADS).map(|_| {
            let meeting = Arc::clone(&meeting);
            threads.run(move || {
                meeting.wait();
                current().id()
            })
        });

        let who: HashSet<_> = join_all(jobs).await.into_iter().collect();
        assert_eq!(who.len(), THREADS);
        assert!(!who.contains(&None));
    }

    #[tokio::test]
    async fn whoever_asks_for_what_kills_a_thread_hears_it_and_the_others_go_on() {
        let threads = ReadingThreads::begin(2).unwrap();

        let died = threads.run(|| assert!(std::hint::black_box(false))).await;

        assert_eq!(died, None);
        assert_eq!(threads.run(|| 7).await, Some(7));
    }
}
