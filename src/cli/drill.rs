//! `estop drill`: stop the canary, put it back, and say how long each hop took.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{DrillArgs, Reach};
use super::exit::Exit;
use super::server::Server;
use super::terminal::Terminal;
use super::wait::{Pause, pause};
use crate::api::DrillShown;
use crate::domain::drill::{Drill, DrillState, Hop};
use crate::domain::evidence::TokenSeen;

/// How often the server is asked.
const ASK_EVERY: Duration = Duration::from_millis(250);

#[derive(Deserialize)]
struct Listed {
    drills: Vec<DrillShown>,
}

pub(super) async fn drill(room: &mut Room, reach: &Reach, args: DrillArgs) -> Answer {
    let server = room.server(reach)?;
    if args.last {
        let listed: Listed = server.get("/v1/drills?limit=1").await?;
        let last = listed.drills.into_iter().next();
        let last = last.ok_or_else(|| Failure::new(Exit::NotFound, "there was no drill yet"))?;
        return Ok(tell(&mut room.terminal, &last));
    }
    let asked = json!({ "canary": args.canary });
    let mut shown: DrillShown = server.post("/v1/drills", &asked).await?;
    let begun = room.clock.elapsed();
    let mut said = 0;
    while shown.drill.state.is_open() {
        said = say_new(&mut room.terminal, &shown, said);
        if room.clock.elapsed().saturating_sub(begun) >= args.wait.0 {
            break;
        }
        if pause(room, ASK_EVERY).await == Pause::Interrupted {
            return Ok(interrupted(&mut room.terminal, &shown.drill));
        }
        shown = again(&server, &shown.drill).await?;
    }
    Ok(tell(&mut room.terminal, &shown))
}

async fn again(server: &Server, drill: &Drill) -> Result<DrillShown, Failure> {
    server.get(&format!("/v1/drills/{}", drill.id)).await
}

/// Says the state when it is another than before, as talk.
fn say_new(terminal: &mut Terminal, shown: &DrillShown, said: usize) -> usize {
    let place = DrillState::ALL
        .iter()
        .position(|state| *state == shown.drill.state)
        .map_or(0, |place| place + 1);
    if place != said {
        let Drill {
            id, canary, state, ..
        } = &shown.drill;
        terminal.say(&format!("{id}  canary {canary}  {state}"));
    }
    place
}

fn tell(terminal: &mut Terminal, shown: &DrillShown) -> Exit {
    let exit = exit_of(shown.drill.state);
    if terminal.wants_json() {
        terminal.json(shown);
        return exit;
    }
    for leg in &shown.legs {
        let words = leg.hop.words();
        terminal.line(&format!("  {words:<20} +{:.3} s", leg.seconds));
    }
    let seen = shown.legs.iter().any(|leg| leg.hop == Hop::TokenRefused);
    if shown.drill.run.is_some() && !seen {
        let words = Hop::TokenRefused.words();
        terminal.line(&format!("  {words:<20} {}", shown.token));
    }
    if shown.token == TokenSeen::Awaited {
        terminal.say("  it is looked at 5, 15 and 60 minutes later: estop drill --last");
    }
    let because = shown.drill.because.as_deref();
    let because = because.map(|why| format!(": {why}")).unwrap_or_default();
    let word = shown.drill.state.word().to_uppercase();
    terminal.line(&format!(
        "{word}  {:.1} s  {}{because}",
        shown.seconds, shown.drill.id
    ));
    exit
}

fn interrupted(terminal: &mut Terminal, drill: &Drill) -> Exit {
    terminal.say(&format!(
        "interrupted; the server carries on with {}",
        drill.id
    ));
    terminal.say("  how it ended: estop drill --last");
    Exit::Interrupted
}

const fn exit_of(state: DrillState) -> Exit {
    match state {
        DrillState::Passed => Exit::Done,
        DrillState::Failed => Exit::Failed,
        DrillState::Refused => Exit::Guarded,
        DrillState::Asked | DrillState::Containing | DrillState::Releasing => Exit::Unknown,
    }
}
