//! Whoever is at work in the process that is played: one thread, polled in an order that is thrown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use futures_util::future::BoxFuture;

use super::chance::Dice;

type Ready = Arc<Mutex<BTreeSet<u64>>>;

/// The tasks of the process. Cheap to clone.
#[derive(Clone, Default)]
pub struct Crew {
    tasks: Arc<Mutex<BTreeMap<u64, Task>>>,
    ready: Ready,
    taken: Arc<Mutex<u64>>,
}

struct Task {
    work: BoxFuture<'static, ()>,
    waker: Waker,
}

struct Call {
    number: u64,
    ready: Ready,
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.ready.lock().unwrap().insert(self.number);
    }
}

impl Crew {
    pub fn take(&self, work: BoxFuture<'static, ()>) {
        let number = {
            let mut taken = self.taken.lock().unwrap();
            *taken += 1;
            *taken
        };
        let ready = Arc::clone(&self.ready);
        let waker = Waker::from(Arc::new(Call { number, ready }));
        waker.wake_by_ref();
        let task = Task { work, waker };
        self.tasks.lock().unwrap().insert(number, task);
    }

    /// Lets one of those who can go on do so; says whether there was one.
    pub fn go_on(&self, dice: &mut Dice) -> bool {
        let number = {
            let mut ready = self.ready.lock().unwrap();
            if ready.is_empty() {
                return false;
            }
            let place = dice.below(ready.len());
            let number = *ready.iter().nth(place).unwrap();
            ready.remove(&number);
            number
        };
        // Taken out while it works, since it may take in others.
        let Some(mut task) = self.tasks.lock().unwrap().remove(&number) else {
            return true;
        };
        let mut context = Context::from_waker(&task.waker);
        if task.work.as_mut().poll(&mut context).is_pending() {
            self.tasks.lock().unwrap().insert(number, task);
        }
        true
    }

    pub fn len(&self) -> usize {
        self.tasks.lock().unwrap().len()
    }

    /// The process is gone, with all that it was about to do.
    pub fn die(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap());
        drop(tasks);
        self.ready.lock().unwrap().clear();
    }
}
