//! `estop notices` and `estop page`: what people were told, and whether it arrives.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Room;
use super::answers::Answer;
use super::args::{NoticesCommand, PageCommand, Reach};
use super::exit::Exit;
use super::server::{Server, query};
use super::table;
use super::terminal::Terminal;
use super::wait::{Pause, pause};
use crate::command::NoticeShown;
use crate::domain::moment::Span;
use crate::domain::telling::{Telling, TellingState};

/// How often the server is asked.
const ASK_EVERY: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
struct Listed {
    notices: Vec<NoticeShown>,
}

pub(super) async fn notices(room: &mut Room, reach: &Reach, command: NoticesCommand) -> Answer {
    let server = room.server(reach)?;
    let shown: NoticeShown = match command {
        NoticesCommand::List { open, limit } => {
            return list(room, &server, (open, limit)).await;
        }
        NoticesCommand::Show { notice } => server.get(&format!("/v1/notices/{notice}")).await?,
        NoticesCommand::Ack { notice } => {
            let path = format!("/v1/notices/{notice}/ack");
            server.post(&path, &json!({})).await?
        }
        NoticesCommand::Resolve { notice } => {
            let path = format!("/v1/notices/{notice}/resolve");
            server.post(&path, &json!({})).await?
        }
    };
    Ok(tell(&mut room.terminal, &shown))
}

pub(super) async fn page(room: &mut Room, reach: &Reach, command: PageCommand) -> Answer {
    let PageCommand::Test { wait } = command;
    let server = room.server(reach)?;
    let mut shown: NoticeShown = server.post("/v1/notices/test", &json!({})).await?;
    let begun = room.clock.elapsed();
    while is_under_way(&shown) && !is_over(room, begun, wait) {
        if pause(room, ASK_EVERY).await == Pause::Interrupted {
            return Ok(Exit::Interrupted);
        }
        let path = format!("/v1/notices/{}", shown.notice.id);
        shown = server.get(&path).await?;
    }
    tell(&mut room.terminal, &shown);
    let id = shown.notice.id;
    if shown.told_at.is_some() && shown.tellings.is_empty() {
        room.terminal
            .say("no place under `page` takes pages: people are told by the log alone");
        return Ok(Exit::Failed);
    }
    let arrived = |it: &Telling| it.state == TellingState::Told;
    if !shown.tellings.iter().all(arrived) || shown.told_at.is_none() {
        room.terminal.say(&format!(
            "not every place has taken it: estop notices show {id}"
        ));
        return Ok(Exit::Failed);
    }
    room.terminal.say(&format!(
        "when it has arrived everywhere: estop notices ack {id}"
    ));
    Ok(Exit::Done)
}

fn is_over(room: &Room, begun: Duration, wait: Span) -> bool {
    room.clock.elapsed().saturating_sub(begun) >= wait.0
}

/// A place that failed once is tried again, and waited for.
fn is_under_way(shown: &NoticeShown) -> bool {
    let due = |it: &Telling| it.state == TellingState::Due;
    shown.told_at.is_none() || shown.tellings.iter().any(due)
}

async fn list(room: &mut Room, server: &Server, (open, limit): (bool, u32)) -> Answer {
    let limit = limit.to_string();
    let mut pairs = vec![("limit", limit.as_str())];
    if open {
        pairs.push(("open", "true"));
    }
    let path = format!("/v1/notices?{}", query(&pairs));
    if room.terminal.wants_json() {
        let listed: Value = server.get(&path).await?;
        room.terminal.json(&listed);
        return Ok(Exit::Done);
    }
    let listed: Listed = server.get(&path).await?;
    let rows: Vec<Vec<String>> = listed.notices.iter().map(row).collect();
    let heading = ["NOTICE", "AT", "URGENCY", "STANDS", "SAYS"];
    table::write(
        &mut room.terminal,
        &heading,
        &rows,
        "nobody was told anything",
    );
    Ok(Exit::Done)
}

fn row(shown: &NoticeShown) -> Vec<String> {
    vec![
        shown.notice.id.to_string(),
        shown.notice.at.to_string(),
        shown.notice.urgency.word().to_owned(),
        stands(shown).to_owned(),
        shown.notice.text.clone(),
    ]
}

fn stands(shown: &NoticeShown) -> &'static str {
    match (shown.told_at, shown.acked_at, shown.resolved_at) {
        (_, _, Some(_)) => "over",
        (_, Some(_), None) => "in hand",
        (Some(_), None, None) => "told",
        (None, None, None) => "waiting",
    }
}

fn tell(terminal: &mut Terminal, shown: &NoticeShown) -> Exit {
    if terminal.wants_json() {
        terminal.json(shown);
        return Exit::Done;
    }
    let word = stands(shown).to_uppercase();
    terminal.line(&format!(
        "{word}  {}  {}",
        shown.notice.id, shown.notice.text
    ));
    for it in &shown.tellings {
        let said = it.said.as_deref().unwrap_or("not tried yet");
        let (whom, word, state) = (&it.whom, it.word.word(), it.state.word());
        terminal.line(&format!(
            "  {whom:<20} {word:<12} {state:<9} {} tries: {said}",
            it.attempts
        ));
    }
    Exit::Done
}
