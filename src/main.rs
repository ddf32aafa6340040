//! The emergency stop for AI agents in Microsoft Entra, as one binary.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use estop::cli::demo::{Colour, DemoArgs, demo};
use estop::cli::{Exit, ServeArgs, serve_command};
use estop::config::Environment;
use estop::telemetry::{LogForm, start_logging};

#[derive(clap::Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// The main job on a simulated tenant
    Demo(DemoArgs),
    /// Take deliveries and answer them
    Serve(ServeArgs),
}

fn main() -> ExitCode {
    let environment = Environment::new(std::env::vars());
    let cli = Cli::parse();
    #[cfg(feature = "failpoints")]
    arm(&environment);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(_) => return ExitCode::from(1),
    };
    runtime
        .block_on(async { run(cli, &environment).await })
        .into()
}

async fn run(cli: Cli, environment: &Environment) -> Exit {
    let mut out = std::io::stdout();
    let colour = if out.is_terminal() && environment.get("NO_COLOR").is_none() {
        Colour::On
    } else {
        Colour::Off
    };
    match cli.command {
        Command::Demo(args) => demo(&args, &mut out, colour).await,
        Command::Serve(args) => {
            let pretty = std::io::stderr().is_terminal();
            let form = if pretty {
                LogForm::Pretty
            } else {
                LogForm::Json
            };
            let _ = start_logging(form, environment.get("RUST_LOG"));
            serve_command(&args, environment, &mut out).await
        }
    }
}

/// `ESTOP_CRASH_POINT=step.started:2` makes the process die when it passes there the second time.
#[cfg(feature = "failpoints")]
fn arm(environment: &Environment) {
    let Some(armed) = environment.get("ESTOP_CRASH_POINT") else {
        return;
    };
    let (point, passes) = armed.split_once(':').unwrap_or((armed, "1"));
    estop::telemetry::arm_crash_point(point, passes.parse().unwrap_or(1));
}
