//! Rows in columns. Nothing is cut: terminals are for pasting whole ids.

use super::terminal::{Terminal, printable};

/// Writes a table with a heading; with no rows, only `empty` on standard error.
pub(super) fn write(terminal: &mut Terminal, heading: &[&str], rows: &[Vec<String>], empty: &str) {
    if rows.is_empty() {
        terminal.say(empty);
        return;
    }
    let heading: Vec<String> = heading.iter().map(|word| (*word).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&heading).chain(rows).collect();
    let width = |column: usize| {
        let cells = all.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| printable(cell).chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    for row in &all {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        terminal.line(cells.join("  ").trim_end());
    }
}
