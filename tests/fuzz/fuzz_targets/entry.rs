//! One program for every entry: `ESTOP_FUZZ_ENTRY` names the one that plays.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

use entries::Entry;

#[allow(dead_code, reason = "a world names it; none here is stored in it")]
#[path = "../../it/cluster.rs"]
mod cluster;
#[path = "../../it/fuzz/entries/mod.rs"]
mod entries;
#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../it/world.rs"]
mod world;

static ENTRY: LazyLock<Entry> = LazyLock::new(|| {
    let wanted = std::env::var("ESTOP_FUZZ_ENTRY").unwrap_or_default();
    let all = entries::all().into_iter();
    let found = all.clone().find(|entry| entry.name() == wanted);
    found.unwrap_or_else(|| {
        let names: Vec<String> = all.map(Entry::name).collect();
        panic!("set ESTOP_FUZZ_ENTRY to one of: {}", names.join(" "))
    })
});

fuzz_target!(|bytes: &[u8]| ENTRY.play(bytes));
