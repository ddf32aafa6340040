//! Many deliveries at once.

use std::time::Duration;

use futures_util::future::join_all;

use crate::world::World;

/// More than triage reads at a time, so that readings wait for each other.
const AT_ONCE: usize = 400;

#[tokio::test]
async fn looking_for_what_is_left_never_stalls_what_is_being_read() {
    let world = World::new().await;
    let flood =
        join_all((0..AT_ONCE).map(|_| world.detect("unheardOf", "agent", world.clock.uuid())));
    let ticks = async {
        for _ in 0..20 {
            world.hand.advance(Duration::from_secs(1));
            for _ in 0..40 {
                tokio::task::yield_now().await;
            }
        }
    };

    futures_util::join!(flood, ticks);

    world.settle().await;
    assert!(world.has_read_all().await);
}
