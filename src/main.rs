//! The emergency stop for AI agents in Microsoft Entra, as one binary.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use estop::cli::demo::{Colour, demo};
use estop::cli::lab::lab;
use estop::cli::{Cli, Errand, Exit, Room, Terminal, is_plain, serve_command};
use estop::clock::Clock;
use estop::config::Environment;
use estop::telemetry::{LogForm, start_logging};

/// SQLite allocates by it, too; `benches/README.md` says what it spares.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let environment = Environment::new(std::env::vars());
    let cli = Cli::typed();
    #[cfg(debug_assertions)]
    arm(&environment);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(_) => return ExitCode::from(1),
    };
    runtime.block_on(run(cli, environment)).into()
}

async fn run(cli: Cli, environment: Environment) -> Exit {
    let plain = cli.no_color || is_plain(&environment);
    let mut room = Room {
        terminal: Terminal::system(&environment),
        environment,
        clock: Clock::system(),
        transport: None,
    };
    let mut out = std::io::stdout();
    match estop::cli::run(cli, &mut room).await {
        Errand::Done(exit) => exit,
        Errand::Demo(args) => {
            let colour = if out.is_terminal() && !plain {
                Colour::On
            } else {
                Colour::Off
            };
            demo(&args, &mut out, colour).await
        }
        Errand::Lab(args) => lab(&args, &mut out).await,
        Errand::Serve(args) => {
            let form = if std::io::stderr().is_terminal() {
                LogForm::Pretty
            } else {
                LogForm::Json
            };
            let _ = start_logging(form, room.environment.get("RUST_LOG"));
            serve_command(&args, &room.environment, &mut out).await
        }
    }
}

/// `ESTOP_CRASH_POINT=step.started:2` makes the process die when it passes there the second time.
#[cfg(debug_assertions)]
fn arm(environment: &Environment) {
    let Some(armed) = environment.get("ESTOP_CRASH_POINT") else {
        return;
    };
    let (point, passes) = armed.split_once(':').unwrap_or((armed, "1"));
    estop::telemetry::arm_crash_point(point, passes.parse().unwrap_or(1));
}
