//! Findings for machines: JSON, SARIF, annotations of GitHub Actions, JUnit.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::catalog::{Code, Fault, Level};

pub(super) const fn word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

pub(super) fn json(faults: &[Fault]) -> Value {
    let said: Vec<_> = faults
        .iter()
        .map(|fault| {
            json!({
                "level": word(fault.level), "code": fault.code.id(), "name": fault.code.name(),
                "file": fault.file, "line": fault.line, "column": fault.column,
                "what": fault.what, "why": fault.why, "help": fault.help,
            })
        })
        .collect();
    json!({ "faults": said })
}

/// SARIF 2.1.0 (OASIS, 2020). Lines and columns count from 1, as ours do.
pub(super) fn sarif(faults: &[Fault]) -> Value {
    let codes: Vec<_> = Code::ALL
        .iter()
        .map(|code| {
            json!({
                "id": code.id(), "name": code.name(),
                "shortDescription": { "text": code.means() },
            })
        })
        .collect();
    let results: Vec<_> = faults.iter().map(sarif_result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "estop", "version": env!("CARGO_PKG_VERSION"), "rules": codes,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn sarif_result(fault: &Fault) -> Value {
    let mut place = json!({ "artifactLocation": { "uri": fault.file.replace('\\', "/") } });
    if fault.line > 0 {
        place["region"] = json!({ "startLine": fault.line, "startColumn": fault.column });
    }
    json!({
        "ruleId": fault.code.id(), "level": word(fault.level),
        "message": { "text": in_one(fault) },
        "locations": [{ "physicalLocation": place }],
    })
}

/// What is wrong and what to do, in one line.
fn in_one(fault: &Fault) -> String {
    match &fault.help {
        Some(help) => format!("{}; {help}", fault.what),
        None => fault.what.clone(),
    }
}

/// `::error file=F,line=1,col=1,title=P001::what`, as GitHub Actions reads it.
pub(super) fn github(faults: &[Fault]) -> String {
    let mut told = String::new();
    for fault in faults {
        let level = match fault.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "notice",
        };
        let _ = writeln!(
            told,
            "::{level} file={},line={},col={},title={}::{}",
            property(&fault.file),
            fault.line.max(1),
            fault.column.max(1),
            fault.code.id(),
            message(&in_one(fault))
        );
    }
    told
}

/// Signs that would end a message are written as GitHub's own tools write them.
pub(super) fn message(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The same for a property, which a colon or a comma would end.
pub(super) fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

/// One suite, one case a file; errors and warnings are its failures.
pub(super) fn junit(faults: &[Fault]) -> String {
    let mut files: BTreeMap<&str, Vec<&Fault>> = BTreeMap::new();
    for fault in faults {
        let told = files.entry(&fault.file).or_default();
        if fault.level != Level::Note {
            told.push(fault);
        }
    }
    let cases: Vec<_> = files
        .into_iter()
        .map(|(file, faults)| JunitCase {
            suite: "lint".to_owned(),
            name: file.to_owned(),
            failure: (!faults.is_empty()).then(|| {
                let drawn: Vec<_> = faults.iter().map(ToString::to_string).collect();
                drawn.join("\n")
            }),
        })
        .collect();
    junit_of(&cases)
}

/// One case of a JUnit report.
pub(super) struct JunitCase {
    pub(super) suite: String,
    pub(super) name: String,
    pub(super) failure: Option<String>,
}

pub(super) fn junit_of(cases: &[JunitCase]) -> String {
    let failed = cases.iter().filter(|case| case.failure.is_some()).count();
    let mut told = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  \
         <testsuite name=\"estop playbook\" tests=\"{}\" failures=\"{failed}\">\n",
        cases.len()
    );
    for case in cases {
        let (suite, name) = (xml(&case.suite), xml(&case.name));
        let _ = match &case.failure {
            None => writeln!(
                told,
                "    <testcase classname=\"{suite}\" name=\"{name}\"/>"
            ),
            Some(failure) => {
                let first = xml(failure.lines().next().unwrap_or_default());
                writeln!(
                    told,
                    "    <testcase classname=\"{suite}\" name=\"{name}\">\n      \
                     <failure message=\"{first}\">{}</failure>\n    </testcase>",
                    xml(failure)
                )
            }
        };
    }
    told.push_str("  </testsuite>\n</testsuites>\n");
    told
}

/// Text that cannot end an attribute or an element, without signs that XML does not know.
fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(c),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}
