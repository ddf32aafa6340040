//! `estop approvals`: what people are asked, and their answers.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{ApprovalsCommand, ApproveArgs, Reach};
use super::contain::yes;
use super::exit::Exit;
use super::server::{Server, query};
use super::table;
use super::terminal::Terminal;
use crate::command::{ApprovalShown, Offer};
use crate::domain::approval::{About, Approval, ApprovalState};
use crate::domain::id::ApprovalId;

#[derive(Deserialize)]
struct Listed {
    approvals: Vec<Approval>,
}

#[derive(Deserialize)]
struct Answered {
    approval: Approval,
}

pub(super) async fn approvals(room: &mut Room, reach: &Reach, command: ApprovalsCommand) -> Answer {
    let server = room.server(reach)?;
    match command {
        ApprovalsCommand::List { state, limit } => {
            let limit = limit.to_string();
            let mut pairs = vec![("limit", limit.as_str())];
            pairs.extend(state.iter().map(|state| ("state", state.as_str())));
            list(room, &server, &query(&pairs)).await
        }
        ApprovalsCommand::Show { approval } => {
            let shown = fetch(&server, approval).await?;
            if room.terminal.wants_json() {
                room.terminal.json(&shown);
            } else {
                tell(&mut room.terminal, &shown);
            }
            Ok(exit_of(&shown.approval))
        }
        ApprovalsCommand::Approve(args) => approve(room, &server, args).await,
        ApprovalsCommand::Deny { approval, reason } => {
            let body = json!({ "reason": reason });
            say(room, &server, (approval, "deny"), &body).await
        }
        ApprovalsCommand::Extend {
            approval,
            by,
            reason,
        } => {
            let body = json!({ "by": by, "reason": reason });
            say(room, &server, (approval, "extend"), &body).await
        }
    }
}

async fn fetch(server: &Server, id: ApprovalId) -> Result<ApprovalShown, Failure> {
    server.get(&format!("/v1/approvals/{id}")).await
}

async fn list(room: &mut Room, server: &Server, query: &str) -> Answer {
    let path = format!("/v1/approvals?{query}");
    if room.terminal.wants_json() {
        let listed: Value = server.get(&path).await?;
        room.terminal.json(&listed);
        return Ok(Exit::Done);
    }
    let listed: Listed = server.get(&path).await?;
    let rows: Vec<Vec<String>> = listed.approvals.iter().map(row).collect();
    let heading = ["APPROVAL", "STATE", "ASKS TO", "RUN", "ENDS", "THEN", "WHY"];
    table::write(&mut room.terminal, &heading, &rows, "nobody is asked");
    Ok(Exit::Done)
}

fn row(approval: &Approval) -> Vec<String> {
    vec![
        approval.id.to_string(),
        approval.state.to_string(),
        approval.about.word().to_owned(),
        approval.run.to_string(),
        approval.expires_at.to_string(),
        approval.then().to_owned(),
        approval.because.clone(),
    ]
}

/// A yes binds to what is shown here, so it is shown first.
async fn approve(room: &mut Room, server: &Server, args: ApproveArgs) -> Answer {
    let shown = fetch(server, args.approval).await?;
    let wants_json = room.terminal.wants_json();
    if !wants_json {
        say_shown(&mut room.terminal, &shown);
    }
    let digest = match &args.plan {
        Some(digest) => digest.clone(),
        None => chosen(&shown, &args)?.plan_digest.clone(),
    };
    if !args.yes {
        yes(&mut room.terminal, "Approve it? [y/N]")?;
    }
    let body = json!({ "plan_digest": digest, "reason": args.reason });
    say(room, server, (args.approval, "approve"), &body).await
}

fn chosen<'s>(shown: &'s ApprovalShown, args: &ApproveArgs) -> Result<&'s Offer, Failure> {
    let why = match (&shown.unreadable, shown.approval.state) {
        (Some(why), _) => why.clone(),
        (None, ApprovalState::Asked) => "its time is over".to_owned(),
        (None, state) => format!("it is {state}"),
    };
    let none = || Failure::new(Exit::Failed, format!("there is no plan to approve: {why}"));
    let whole = shown.plan.as_ref().ok_or_else(none)?;
    if !args.smaller {
        return Ok(whole);
    }
    let smaller = shown.smaller.first();
    smaller.ok_or_else(|| Failure::new(Exit::Failed, "there is no smaller plan"))
}

async fn say(
    room: &mut Room,
    server: &Server,
    (id, word): (ApprovalId, &str),
    body: &Value,
) -> Answer {
    let said: Value = server
        .post(&format!("/v1/approvals/{id}/{word}"), body)
        .await?;
    let answered: Answered = serde_json::from_value(said.clone())
        .map_err(|why| Failure::new(Exit::Unknown, format!("the answer cannot be read: {why}")))?;
    let approval = &answered.approval;
    if room.terminal.wants_json() {
        room.terminal.json(&said);
    } else {
        let result = approval.result.clone().unwrap_or_else(|| {
            format!(
                "{} of {} said yes; it may be decided until {}",
                approval.votes.len(),
                approval.terms.quorum,
                approval.expires_at
            )
        });
        let state = approval.state.word().to_uppercase();
        room.terminal.line(&format!("{state}  {id}  {result}"));
        if approval.state == ApprovalState::Approved && approval.about == About::Begin {
            room.terminal
                .say(&format!("  follow it: estop runs watch {}", approval.run));
        }
    }
    Ok(exit_of(approval))
}

fn exit_of(approval: &Approval) -> Exit {
    match approval.state {
        ApprovalState::Asked => Exit::WaitsForPerson,
        ApprovalState::Approved
        | ApprovalState::Denied
        | ApprovalState::Expired
        | ApprovalState::Void => Exit::Done,
    }
}

fn tell(terminal: &mut Terminal, shown: &ApprovalShown) {
    for line in lines(shown) {
        terminal.line(&line);
    }
}

fn say_shown(terminal: &mut Terminal, shown: &ApprovalShown) {
    for line in lines(shown) {
        terminal.say(&line);
    }
}

/// An approval as people read it: what, why, what now, what else, until when and then what.
fn lines(shown: &ApprovalShown) -> Vec<String> {
    let approval = &shown.approval;
    let state = approval.state.word().to_uppercase();
    let contains = |offer: &Offer| offer.steps.iter().any(|step| step.action.contains());
    let what = match approval.about {
        About::Begin if !shown.plan.as_ref().is_none_or(contains) => "act on",
        About::Begin => "contain",
        About::Keep => "keep contained",
        About::Hold => "keep contained for longer",
    };
    let mut lines = vec![format!(
        "{state}  {}: {what} {}?",
        approval.id, shown.entity
    )];
    let mut add = |heading: &str, text: &str| lines.push(format!("  {heading:<10} {text}"));
    add("why", &approval.because);
    add(
        "run",
        &format!("{}  playbook {}", approval.run, shown.playbook),
    );
    let end = format!("{}, then: {}", approval.expires_at, shown.then);
    match &approval.result {
        Some(result) => add("result", result),
        None => add("ends", &end),
    }
    let names: Vec<_> = approval
        .votes
        .iter()
        .map(|vote| vote.name.as_str())
        .collect();
    let given = format!("{} of {} needed", names.len(), shown.needed);
    add("yes", format!("{given}  {}", names.join(", ")).trim_end());
    for change in &shown.changes {
        add("CHANGED", change);
    }
    if let Some(why) = &shown.unreadable {
        add("refused now", why);
    }
    for offer in shown.plan.iter().chain(&shown.smaller) {
        add("plan", &format!("{}  {}", &offer.what, offer.plan_digest));
        for step in &offer.steps {
            let optional = if step.optional { "  (optional)" } else { "" };
            add("", &format!("{} on {}{optional}", step.action, step.entity));
        }
    }
    lines
}
