//! `estop demo`: the main job in one command, on a simulated tenant.
//!
//! The service is this same program, started as a child the way a platform would start it: over
//! HTTP, with a real signature, a real store and the managed identity's variables. Only the far end
//! is played. Every line states what was observed; the first thing that is not ends the story.

mod incident;
pub(super) mod stage;
mod story;
mod tell;

use std::io::Write;

use super::exit::Exit;
use super::signals::asked_to_stop;
use crate::sim::Entra;
use stage::Stage;
use tell::Teller;

/// Which story is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// One agent is compromised, contained, and put back.
    #[default]
    Single,
    /// A false alarm about an agent whose user account its owner had disabled before: undo puts
    /// back exactly what was, and no more.
    FalseAlarm,
    /// Entra throttles: the disable is told to wait, the risk confirmation even without saying how
    /// long.
    Throttled,
}

/// What the demo was asked for.
#[derive(Clone, Debug, clap::Args)]
pub struct DemoArgs {
    /// Keep everything up afterwards, to look around
    #[arg(long)]
    pub serve: bool,
    /// Which story to tell
    #[arg(long, value_enum, default_value_t)]
    pub scenario: Scenario,
}

/// Why the story ended early: what was expected, and what was seen instead.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotObserved(pub String);

/// Tells the story. Success only when everything in it was observed.
pub async fn demo(args: &DemoArgs, out: &mut (dyn Write + Send), colour: Colour) -> Exit {
    let mut teller = Teller::new(out, colour);
    let clock = crate::clock::Clock::system();
    let entra = Entra::contoso(clock.clone());
    match play(args, &entra, &clock, &mut teller).await {
        Ok(exit) => exit,
        Err(missing) => {
            teller.failed(&missing.to_string());
            Exit::Failed
        }
    }
}

/// Whether lines may carry colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// A terminal that wants it.
    On,
    /// A pipe, or a person who does not.
    Off,
}

async fn play(
    args: &DemoArgs,
    entra: &Entra,
    clock: &crate::clock::Clock,
    teller: &mut Teller<'_>,
) -> Result<Exit, NotObserved> {
    let stopped = asked_to_stop();
    let (tenant_door, address) = stage::tenant_door().await?;
    let serving = crate::listener::serve(
        tenant_door,
        entra.router(),
        crate::listener::Limits::default(),
        clock.clone(),
        tokio_util::sync::CancellationToken::new(),
    );
    let telling = async {
        let stage = Stage::set(entra, &address, clock).await?;
        teller.opening(&stage, entra);
        story::tell(args.scenario, &stage, teller).await?;
        if args.serve {
            teller.still_up(&stage);
            // Until whoever looks around has seen enough.
            return std::future::pending().await;
        }
        teller.next_steps();
        Ok(Exit::Done)
    };
    tokio::select! {
        // Whichever moment it is, the service ends with us, and its folder goes.
        () = stopped => Ok(if args.serve { Exit::Done } else { Exit::Interrupted }),
        () = serving => Err(NotObserved("the simulated tenant ended early".to_owned())),
        told = telling => told,
    }
}
