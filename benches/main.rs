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
        Ok("floor") => runtime.block_on(stage::floor::serve(false)),
        Ok("keeping floor") => runtime.block_on(stage::floor::serve(true)),
        Ok("service") => runtime.block_on(stage::service::serve_unthrottled()),
        Ok(_) | Err(_) => runtime.block_on(measure()),
    }
}

/// What is measured unless something is named, in this order.
const ALWAYS: [&str; 8] = [
    "start", "accept", "gate", "radius", "strike", "crowd", "overload", "storm",
];
/// What is measured only where it is named: it takes minutes, and one of them fills a disk.
const ON_DEMAND: [&str; 3] = ["full", "siege", "soak"];

/// Measures what was named, or what always is.
async fn measure() {
    let named: Vec<_> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with("--"))
        .collect();
    let known = |name: &String| ALWAYS.iter().chain(&ON_DEMAND).any(|it| it == name);
    if let Some(stranger) = named.iter().find(|name| !known(name)) {
        panic!("nothing is called {stranger}; there are {ALWAYS:?} and {ON_DEMAND:?}");
    }
    println!("{}", stage::machine::described());
    for name in ALWAYS {
        if named.is_empty() || named.iter().any(|it| it == name) {
            part(name).await;
        }
    }
    for name in ON_DEMAND {
        if named.iter().any(|it| it == name) {
            part(name).await;
        }
    }
}

async fn part(name: &str) {
    match name {
        "start" => start::bench().await,
        "accept" => accept::bench().await,
        "gate" => gate::bench().await,
        "radius" => radius::bench().await,
        "strike" => strike::bench().await,
        "crowd" => crowd::bench().await,
        "overload" => overload::bench().await,
        "storm" => storm::bench().await,
        "full" => full::bench().await,
        "siege" => siege::bench().await,
        "soak" => soak::bench().await,
        other => unreachable!("{other} is on a list and is nothing"),
    }
}
