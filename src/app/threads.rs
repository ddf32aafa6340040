//! The threads the program runs on.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// Threads that may wait, each for one thing at a time: for a read of the store (four at most), for
/// the address of a name. A burst makes new ones, whoever is used now and then stays, and each keeps memory of its
/// own: without a bound there were sixty after minutes of load.
const WAITING: usize = 16;

/// What everything runs on.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(WAITING)
        .build()
}
