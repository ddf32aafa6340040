//! Every key of a playbook and of its tests, from the schema that the parser's tables make.

use serde_json::Value;

use super::row;
use crate::catalog::{noisy_types, playbook_schema, test_schema};

pub(super) fn page() -> String {
    let mut page = String::from(
        "# Keys of playbooks\n\nWritten by `estop reference playbooks`, and kept by a test. How to \
         write one: [README.md](README.md); step by step: [tutorial.md](tutorial.md).\n\n\
         ## A playbook\n\n",
    );
    page.push_str(&table(&playbook_schema()));
    page.push_str("\n## Its tests\n\n");
    page.push_str(&table(&test_schema()));
    let noisy: Vec<_> = noisy_types().map(|name| format!("`{name}`")).collect();
    page.push_str("\n## Detection types that may be announced\n\n");
    page.push_str(&format!(
        "`estop expect` lowers only {}.\n",
        noisy.join(", ")
    ));
    page
}

fn table(schema: &Value) -> String {
    let mut rows = String::from("| Key | Needed | Takes | What it is for |\n|---|---|---|---|\n");
    add(&mut rows, schema, "");
    rows
}

/// The keys of a map, each followed by the keys within it.
fn add(rows: &mut String, schema: &Value, above: &str) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    let needed: Vec<&str> = schema["required"]
        .as_array()
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    for (name, inner) in properties {
        let path = format!("{above}{name}");
        let must = if needed.contains(&name.as_str()) {
            "yes"
        } else {
            ""
        };
        let means = inner["description"].as_str().unwrap_or_default();
        rows.push_str(&row(&[&format!("`{path}`"), must, &takes(inner), means]));
        add(rows, inner, &format!("{path}."));
        add(rows, &inner["items"], &format!("{path}[]."));
        for either in inner["anyOf"].as_array().into_iter().flatten() {
            add(rows, either, &format!("{path}."));
        }
    }
}

/// What stands behind a key, in a few words.
fn takes(schema: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(spelled).collect::<Vec<_>>().join(", ");
    }
    if let Some(either) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let named: Vec<String> = either.iter().map(takes).collect();
        return named.join(", or ");
    }
    let (least, most) = (&schema["minimum"], &schema["maximum"]);
    match schema["type"].as_str() {
        Some("integer") if most.is_number() => format!("a number, {least} to {most}"),
        Some("integer") => "a number".to_owned(),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("array") => format!("a list of: {}", takes(&schema["items"])),
        Some("object") if schema["properties"].is_object() => "a map".to_owned(),
        Some("object") => format!(
            "names, each with: {}",
            takes(&schema["additionalProperties"])
        ),
        Some("string") => text(schema),
        Some(_) | None => String::new(),
    }
}

fn text(schema: &Value) -> String {
    match (schema["pattern"].as_str(), schema["maxLength"].as_u64()) {
        (Some(pattern), _) if pattern.contains("(ms|s|m|h|d)") => {
            "a time, such as `10m`".to_owned()
        }
        (Some(pattern), _) => format!("text like `{pattern}`"),
        (None, Some(most)) => format!("text of at most {most} characters"),
        (None, None) => "text".to_owned(),
    }
}

fn spelled(word: &Value) -> String {
    format!("`{}`", word.as_str().unwrap_or_default())
}
