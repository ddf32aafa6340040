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

use std::future::ready;

use futures_util::future::LocalBoxFuture;

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

/// In a box, since each of them would have room for all the others on the stack.
fn carry<'a>(command: Command, reach: &'a Reach, room: &'a mut Room) -> Carried<'a> {
    match command {
        Command::Demo(args) => Box::pin(ready(Ok(Errand::Demo(args)))),
        Command::Lab(args) => Box::pin(ready(Ok(Errand::Lab(args)))),
        Command::Serve(args) => Box::pin(ready(Ok(Errand::Serve(args)))),
        Command::Contain(args) => done(contain::contain(room, reach, args)),
        Command::Undo(args) => done(undo::undo(room, reach, args)),
        Command::Runs { command } => done(runs::runs(room, reach, command)),
        Command::Holds { command } => done(holds::holds(room, reach, command)),
        Command::Approvals { command } => done(approvals::approvals(room, reach, command)),
        Command::Notices { command } => done(notices::notices(room, reach, command)),
        Command::Page { command } => done(notices::page(room, reach, command)),
        Command::Detections { command } => done(detections::detections(room, reach, command)),
        Command::Doctor(args) => done(async move { doctor::examine(room, &args).await }),
        Command::Agents { command } => done(agents::agents(room, reach, command)),
        Command::Drill(args) => done(drill::drill(room, reach, args)),
        Command::Mode { command } => done(service::mode(room, reach, command)),
        Command::Caps { command } => done(motions::caps(room, reach, command)),
        Command::Freeze { command } => done(motions::freeze(room, reach, command)),
        Command::Motions { command } => done(motions::motions(room, reach, command)),
        Command::Brake { command } => done(service::brake(room, reach, command)),
        Command::Expect(args) => done(expect::expect(room, reach, args)),
        Command::Hold(args) => done(cases::hold(room, reach, args)),
        Command::Pause(args) => done(async move { pause::pause(room, reach, &args).await }),
        Command::Status => done(service::status(room, reach)),
        Command::Store { command } => done(store::store(room, command)),
        Command::Token { command } => done(token::token(room, command)),
        Command::Person { command } => done(person::person(room, command)),
        Command::Listen(args) => done(listen::listen(room, reach, args)),
        Command::Trigger(args) => done(trigger::trigger(room, args)),
        Command::Sign(args) => done(ready(deliveries::sign(room, args))),
        Command::Send(args) => done(send::send(room, args)),
        Command::Verify(args) => done(ready(deliveries::verify(room, args))),
        Command::Evidence { command } => done(evidence::evidence(room, reach, command)),
        Command::Audit { command } => done(audit::audit(room, reach, command)),
        Command::Config(args) => done(ready(config::config(room, &args))),
        Command::Init { command } => done(ready(init::init(room, &command))),
        Command::Reference { page } => done(ready(reference::reference(room, page))),
        Command::Playbook { command } => done(playbook::playbook(room, reach, command)),
    }
}

type Carried<'a> = LocalBoxFuture<'a, Result<Errand, Failure>>;

fn done<'a>(answer: impl Future<Output = Answer> + 'a) -> Carried<'a> {
    Box::pin(async move { answer.await.map(Errand::Done) })
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
