//! `estop reference`: the pages of reference as Markdown, from the tables the program itself reads.

mod commands;
mod configuration;
mod playbooks;

use super::Room;
use super::answers::Answer;
use super::args::Page;
use super::exit::Exit;

pub(super) fn reference(room: &mut Room, page: Page) -> Answer {
    let text = match page {
        Page::Playbooks => playbooks::page(),
        Page::Commands => commands::page(),
        Page::Configuration => configuration::page(),
    };
    room.terminal.raw(&text);
    Ok(Exit::Done)
}

/// One row of a table. A bar inside a cell would end it.
fn row(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}
