//! The command line: what a hand types at three in the morning.
//!
//! Knows: arguments, the terminal, the control API, files on this machine.
//! Never: what a word changes; the server decides that.
//!
//! Laws
//! * Standard output is data, standard error is talk; `--json` is a contract, a table is not.
//! * A plan is shown before it is asked for; without a terminal nothing is assumed.
//! * A secret is read from a file only its owner can read, never from an argument (threat C04).
//! * An exit code says how it ended, and is never renumbered.
//!
//! Read next: `args`, then `server`, then `contain`.

mod args;
mod exit;
mod terminal;

mod answers;
mod help;
mod server;
mod signals;
mod table;
mod wait;

mod agents;
mod approvals;
mod audit;
mod cases;
mod config;
mod contain;
mod deliveries;
mod detections;
mod doctor;
mod drill;
mod evidence;
mod expect;
mod holds;
mod init;
mod listen;
mod many;
mod motions;
mod notices;
mod offline;
mod pause;
mod pen;
mod permissions;
mod person;
mod playbook;
mod reference;
mod runs;
mod send;
mod service;
mod store;
mod token;
mod trigger;
mod undo;

pub mod demo;
pub mod lab;
mod serve;

#[cfg(test)]
mod tests;

pub use args::*;
pub use doctor::DoctorArgs;
pub use exit::Exit;
pub use serve::{ServeArgs, serve_command};
pub use terminal::{Ends, Terminal, is_plain};

use answers::{Answer, Failure};
use demo::DemoArgs;
use lab::LabArgs;
use server::Server;

use crate::clock::Clock;
use crate::config::Environment;
use crate::transport::Transport;

/// What a command works with; the roof provides it.
pub struct Room {
    /// Where people read and type.
    pub terminal: Terminal,
    /// What the process was started with.
    pub environment: Environment,
    /// Time and chance.
    pub clock: Clock,
    /// The way to servers; built over the network when first needed.
    pub transport: Option<Transport>,
}

/// What is left to do for the roof.
#[derive(Debug)]
pub enum Errand {
    /// The command is over.
    Done(Exit),
    /// Run the service.
    Serve(ServeArgs),
    /// Tell the story on a simulated tenant.
    Demo(DemoArgs),
    /// Keep a service on a simulated tenant up, to learn on.
    Lab(LabArgs),
}

/// Carries a command out, or hands it back to the roof where it is the roof's.
pub async fn run(cli: Cli, room: &mut Room) -> Errand {
    if cli.json {
        room.terminal.write_json();
    }
    if cli.no_color {
        room.terminal.without_colours();
    }
    match carry(cli.command, &cli.reach, room).await {
        Ok(errand) => errand,
        Err(failure) => Errand::Done(failure.tell(&mut room.terminal)),
    }
}

async fn carry(command: Command, reach: &Reach, room: &mut Room) -> Result<Errand, Failure> {
    let answer: Answer = match command {
        Command::Demo(args) => return Ok(Errand::Demo(args)),
        Command::Lab(args) => return Ok(Errand::Lab(args)),
        Command::Serve(args) => return Ok(Errand::Serve(args)),
        Command::Contain(args) => contain::contain(room, reach, args).await,
        Command::Undo(args) => undo::undo(room, reach, args).await,
        Command::Runs { command } => runs::runs(room, reach, command).await,
        Command::Holds { command } => holds::holds(room, reach, command).await,
        Command::Approvals { command } => approvals::approvals(room, reach, command).await,
        Command::Notices { command } => notices::notices(room, reach, command).await,
        Command::Page { command } => notices::page(room, reach, command).await,
        Command::Detections { command } => detections::detections(room, reach, command).await,
        Command::Doctor(args) => doctor::examine(room, &args).await,
        Command::Agents { command } => agents::agents(room, reach, command).await,
        Command::Drill(args) => drill::drill(room, reach, args).await,
        Command::Mode { command } => service::mode(room, reach, command).await,
        Command::Caps { command } => motions::caps(room, reach, command).await,
        Command::Freeze { command } => motions::freeze(room, reach, command).await,
        Command::Motions { command } => motions::motions(room, reach, command).await,
        Command::Brake { command } => service::brake(room, reach, command).await,
        Command::Expect(args) => expect::expect(room, reach, args).await,
        Command::Hold(args) => cases::hold(room, reach, args).await,
        Command::Pause(args) => pause::pause(room, reach, &args).await,
        Command::Status => service::status(room, reach).await,
        Command::Store { command } => store::store(room, command).await,
        Command::Token { command } => token::token(room, command).await,
        Command::Person { command } => person::person(room, command).await,
        Command::Listen(args) => listen::listen(room, reach, args).await,
        Command::Trigger(args) => trigger::trigger(room, args).await,
        Command::Sign(args) => deliveries::sign(room, args),
        Command::Send(args) => send::send(room, args).await,
        Command::Verify(args) => deliveries::verify(room, args),
        Command::Evidence { command } => evidence::evidence(room, reach, command).await,
        Command::Audit { command } => audit::audit(room, reach, command).await,
        Command::Config(args) => config::config(room, &args),
        Command::Init { command } => init::init(room, &command),
        Command::Reference { page } => reference::reference(room, page),
        Command::Playbook { command } => playbook::playbook(room, reach, command).await,
    };
    answer.map(Errand::Done)
}

impl Room {
    /// The way out, built when it is first needed.
    fn transport(&mut self) -> Result<Transport, Failure> {
        if let Some(transport) = &self.transport {
            return Ok(transport.clone());
        }
        let built = Transport::over_network()
            .map_err(|why| Failure::new(Exit::Unreachable, format!("no network client: {why}")))?;
        self.transport = Some(built.clone());
        Ok(built)
    }

    fn server(&mut self, reach: &Reach) -> Result<Server, Failure> {
        let transport = self.transport()?;
        Server::of(reach, transport, self.clock.clone())
    }
}
