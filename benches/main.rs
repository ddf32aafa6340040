//! The numbers of design §11, measured: `cargo bench`, or one of them: `cargo bench -- strike`.
//!
//! One program plays every part: it generates the load, is the tenant, and starts itself again as
//! the bare floor. The service is the real program in a process of its own.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made ends")]
#![allow(clippy::expect_used, reason = "a measurement that cannot be made ends")]
#![allow(clippy::panic, reason = "a measurement that cannot be made ends")]
#![allow(clippy::print_stdout, reason = "a bench says what it measured")]
#![allow(clippy::print_stderr, reason = "and how far it is")]
#![allow(
    clippy::disallowed_methods,
    reason = "a bench is its own roof: real time, real tasks, its own environment"
)]

mod accept;
mod crowd;
mod full;
mod gate;
mod overload;
mod radius;
mod siege;
mod soak;
mod stage;
mod start;
mod storm;
mod strike;

/// As the program has it: the service is one of the parts that this one plays.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match std::env::var("ESTOP_BENCH_ROLE").as_deref() {
        Ok("floor") => runtime.block_on(stage::floor::serve()),
        Ok("service") => runtime.block_on(stage::service::serve_unthrottled()),
        Ok(_) | Err(_) => runtime.block_on(measure()),
    }
}

/// Measures what was named, or everything.
async fn measure() {
    let named: Vec<_> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with("--"))
        .collect();
    let wanted = |name: &str| named.is_empty() || named.iter().any(|it| it == name);
    println!("{}", stage::machine::described());
    if wanted("start") {
        start::bench().await;
    }
    if wanted("accept") {
        accept::bench().await;
    }
    if wanted("gate") {
        gate::bench().await;
    }
    if wanted("radius") {
        radius::bench().await;
    }
    if wanted("strike") {
        strike::bench().await;
    }
    if wanted("crowd") {
        crowd::bench().await;
    }
    if wanted("overload") {
        overload::bench().await;
    }
    if wanted("storm") {
        storm::bench().await;
    }
    // Only where they are named: they take minutes, and one of them fills a disk.
    let asked_for = |name: &str| named.iter().any(|it| it == name);
    if asked_for("full") {
        full::bench().await;
    }
    if asked_for("siege") {
        siege::bench().await;
    }
    if asked_for("soak") {
        soak::bench().await;
    }
}
