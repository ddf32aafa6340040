//! `estop expect`: announce a change, list what is announced, end it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{ExpectArgs, Reach};
use super::exit::Exit;
use super::table;
use super::terminal::Terminal;
use crate::domain::detection::DetectionType;
use crate::domain::restraint::Expectation;

#[derive(Deserialize, serde::Serialize)]
struct Listed {
    expectations: Vec<Expectation>,
}

#[derive(Deserialize)]
struct Announced {
    expectation: Option<Expectation>,
}

pub(super) async fn expect(room: &mut Room, reach: &Reach, args: ExpectArgs) -> Answer {
    let server = room.server(reach)?;
    if let Some(id) = args.end {
        let body = json!({ "reason": args.because });
        let said: Value = server
            .post(&format!("/v1/expectations/{id}/end"), &body)
            .await?;
        let line = format!("{id} is over");
        tell(&mut room.terminal, (&said, &line));
        return Ok(Exit::Done);
    }
    let Some(blueprint) = args.blueprint else {
        let listed: Listed = server.get("/v1/expectations").await?;
        list(&mut room.terminal, &listed);
        return Ok(Exit::Done);
    };
    let body = json!({
        "blueprint": blueprint, "for": args.span, "because": args.because,
        "detections": args.detection,
    });
    let said: Value = server.post("/v1/expectations", &body).await?;
    let announced: Announced = serde_json::from_value(said.clone())
        .map_err(|why| Failure::new(Exit::Unknown, format!("the answer cannot be read: {why}")))?;
    let line = announced
        .expectation
        .map_or_else(|| "announced".to_owned(), |one| line(&one));
    tell(&mut room.terminal, (&said, &line));
    Ok(Exit::Done)
}

fn line(one: &Expectation) -> String {
    format!(
        "{}  until {}  people are asked before agents of {} are contained for {}",
        one.id,
        one.until,
        one.blueprint,
        names(one)
    )
}

fn names(one: &Expectation) -> String {
    let names: Vec<_> = one.detections.iter().map(DetectionType::as_str).collect();
    names.join(", ")
}

fn tell(terminal: &mut Terminal, (said, line): (&Value, &str)) {
    if terminal.wants_json() {
        terminal.json(said);
    } else {
        terminal.line(line);
    }
}

fn list(terminal: &mut Terminal, listed: &Listed) {
    if terminal.wants_json() {
        terminal.json(listed);
        return;
    }
    let rows: Vec<Vec<String>> = listed
        .expectations
        .iter()
        .map(|one| {
            vec![
                one.id.to_string(),
                one.blueprint.to_string(),
                one.until.to_string(),
                one.by.clone(),
                one.because.clone(),
                names(one),
            ]
        })
        .collect();
    let heading = [
        "EXPECTED",
        "BLUEPRINT",
        "UNTIL",
        "BY",
        "BECAUSE",
        "DETECTIONS",
    ];
    table::write(terminal, &heading, &rows, "no change is announced");
}
