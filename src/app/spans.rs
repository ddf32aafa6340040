//! Where traces go, with what the collector wants to see.

use std::collections::HashMap;

use super::{Parts, StartError};
use crate::signature::private_text;
use crate::traces::{Collector, Traces};

/// Nowhere, unless a collector is configured.
pub(super) fn traces(parts: &Parts) -> Result<Traces, StartError> {
    let Some(config) = &parts.config.traces else {
        return Ok(Traces::off());
    };
    let headers = match &config.headers {
        Some(path) => {
            let bad = |why: String| StartError::config(format!("`traces.headers_file`: {why}"));
            let text = private_text(path).map_err(|why| bad(why.to_string()))?;
            headers(&text).map_err(|why| bad(format!("{}: {why}", path.display())))?
        }
        None => HashMap::new(),
    };
    let collector = Collector {
        url: config.otlp.clone(),
        headers,
        transport: parts.outward.clone(),
    };
    Traces::to(collector, parts.clock.clone())
        .map_err(|why| StartError::config(format!("`traces.otlp`: {why}")))
}

/// `Name: value`, one a line. What is wrong is told without its value, which may be a key.
fn headers(text: &str) -> Result<HashMap<String, String>, String> {
    let lines = (1..).zip(text.lines());
    let said = lines.filter(|(_, line)| !line.trim().is_empty());
    said.map(|(number, line)| {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("line {number} is not `Name: value`"))?;
        let (name, value) = (name.trim(), value.trim());
        http::HeaderName::try_from(name)
            .map_err(|_| format!("line {number} begins with no header's name"))?;
        http::HeaderValue::try_from(value)
            .map_err(|_| format!("the value in line {number} cannot stand in a header"))?;
        Ok((name.to_owned(), value.to_owned()))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::headers;

    #[test]
    fn headers_are_read_by_lines_and_what_is_wrong_is_told_without_its_value() {
        let read = headers("X-Key: one: two\n\n  authorization :  Basic abc \n").unwrap();
        assert_eq!(read["X-Key"], "one: two");
        assert_eq!(read["authorization"], "Basic abc");

        for (text, place) in [
            ("secretvalue", "line 1"),
            ("a: b\nbad name: secretvalue", "line 2"),
        ] {
            let why = headers(text).unwrap_err();
            assert!(why.contains(place) && !why.contains("secretvalue"), "{why}");
        }
    }
}
