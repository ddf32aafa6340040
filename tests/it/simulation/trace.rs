//! What happened, in order, and one number for all of it.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// Lines that are kept to be shown; all of them count.
const SHOWN: usize = 400;

#[derive(Default)]
pub struct Trace {
    hash: Sha256,
    lines: std::collections::VecDeque<String>,
    count: u64,
}

impl Trace {
    pub fn say(&mut self, at: Duration, what: String) {
        let line = format!("{:>10.3} {what}", at.as_secs_f64());
        self.hash.update(line.as_bytes());
        self.hash.update(b"\n");
        self.count += 1;
        if self.lines.len() == SHOWN {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The same events in the same order give the same number.
    pub fn hash(&self) -> String {
        hex::encode(self.hash.clone().finalize())
    }

    pub fn shown(&self) -> String {
        let lines: Vec<_> = self.lines.iter().map(String::as_str).collect();
        lines.join("\n")
    }
}
