//! The stage of every bench: the machine, the bodies, the senders, the child that is measured and
//! the bare floor it is held against.

pub mod bodies;
pub mod floor;
pub mod machine;
pub mod sender;
pub mod service;
pub mod stock;
pub mod tenant;

use std::time::Duration;

/// One line of the report.
pub struct Line {
    /// What was measured.
    pub figure: String,
    /// How much it came to, with its unit.
    pub value: String,
    /// The floor of the same run.
    pub floor: String,
    /// How the two compare.
    pub ratio: String,
    /// What design §11 asks for.
    pub gate: String,
    /// Whether the gate is held.
    pub holds: Option<bool>,
}

impl Line {
    /// A line with a figure and its value; the rest is filled where there is something to say.
    pub fn new(figure: &str, value: String) -> Self {
        let none = String::new;
        Self {
            figure: figure.to_owned(),
            value,
            floor: none(),
            ratio: none(),
            gate: none(),
            holds: None,
        }
    }

    /// Adds the floor and how we compare with it.
    pub fn against(mut self, floor: String, ratio: String) -> Self {
        self.floor = floor;
        self.ratio = ratio;
        self
    }

    /// Adds the gate and whether it is held.
    pub fn gate(mut self, gate: &str, holds: bool) -> Self {
        self.gate = gate.to_owned();
        self.holds = Some(holds);
        self
    }
}

/// Prints one table.
pub fn report(title: &str, lines: &[Line]) {
    println!("\n{title}\n");
    let row = |cells: [&str; 6]| {
        println!(
            "{:<46} {:>16} {:>16} {:>8} {:>18}  {}",
            cells[0], cells[1], cells[2], cells[3], cells[4], cells[5]
        );
    };
    row(["figure", "value", "floor, same run", "ratio", "gate", ""]);
    for line in lines {
        let verdict = match line.holds {
            Some(true) => "PASS",
            Some(false) => "MISS",
            None => "",
        };
        let texts = [
            &line.figure,
            &line.value,
            &line.floor,
            &line.ratio,
            &line.gate,
        ];
        let [figure, value, floor, ratio, gate] = texts.map(String::as_str);
        row([figure, value, floor, ratio, gate, verdict]);
    }
}

/// The value below which this share of the sorted spans lies.
pub fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    let at = (last as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Milliseconds with two digits.
pub fn millis(span: Duration) -> String {
    format!("{:.2} ms", span.as_secs_f64() * 1000.0)
}
