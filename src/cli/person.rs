//! `estop person`: people's own credentials, at the machine that holds the store.

use serde_json::json;

use super::Room;
use super::answers::{Answer, Failure};
use super::args::PersonCommand;
use super::exit::Exit;
use super::table;
use super::terminal::Terminal;
use super::token::{Fresh, hand_over, unreadable, visit, who};
use crate::command::{NewName, add_person, revoke_person};
use crate::domain::person::{GroupName, Person};
use crate::store::StoredPerson;

pub(super) async fn person(room: &mut Room, command: PersonCommand) -> Answer {
    match command {
        PersonCommand::Add {
            name,
            role,
            group,
            entra,
            expires,
            out,
            store,
        } => {
            let name = NewName::new(&name).ok_or_else(|| {
                Failure::usage("a person's name has 1 to 64 letters, digits, `.`, `-` and `_`")
            })?;
            let person = Person {
                entra,
                role,
                groups: group,
            };
            let (who, clock) = (who(room), room.clock.clone());
            let admitted = visit(room, &store, async |store| {
                Ok(add_person((store, &clock), &who, (name, person), expires.0).await?)
            })
            .await?;
            let fresh = Fresh {
                id: admitted.id.to_string(),
                text: admitted.text,
                expires_at: admitted.expires_at,
                revoke: "estop person revoke",
            };
            hand_over(&mut room.terminal, &fresh, out.as_deref())
        }
        PersonCommand::List { store } => {
            let people = visit(room, &store, async |store| {
                store.people().await.map_err(unreadable)
            })
            .await?;
            list(&mut room.terminal, &people);
            Ok(Exit::Done)
        }
        PersonCommand::Revoke { id, store } => {
            let (who, clock) = (who(room), room.clock.clone());
            visit(room, &store, async |store| {
                Ok(revoke_person((store, &clock), &who, id).await?)
            })
            .await?;
            if room.terminal.wants_json() {
                room.terminal.json(&json!({ "revoked": id }));
            } else {
                room.terminal.line(&format!("{id} is revoked"));
            }
            Ok(Exit::Done)
        }
    }
}

fn list(terminal: &mut Terminal, people: &[StoredPerson]) {
    if terminal.wants_json() {
        let people: Vec<_> = people
            .iter()
            .map(|person| {
                json!({
                    "id": person.id, "name": person.name, "person": person.person,
                    "created_at": person.created_at, "expires_at": person.expires_at,
                    "revoked_at": person.revoked_at,
                })
            })
            .collect();
        terminal.json(&json!({ "people": people }));
        return;
    }
    let rows: Vec<Vec<String>> = people.iter().map(row).collect();
    let heading = ["PERSON", "NAME", "ROLE", "GROUPS", "ENTRA", "ENDS"];
    table::write(terminal, &heading, &rows, "no people");
}

fn row(person: &StoredPerson) -> Vec<String> {
    let groups: Vec<_> = person.person.groups.iter().map(GroupName::as_str).collect();
    let ended = person.revoked_at.map(|at| format!("revoked {at}"));
    vec![
        person.id.to_string(),
        person.name.clone(),
        person.person.role.to_string(),
        groups.join(","),
        person.person.entra.to_string(),
        ended.unwrap_or_else(|| person.expires_at.to_string()),
    ]
}
