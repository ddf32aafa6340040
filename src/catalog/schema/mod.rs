//! JSON Schema 2020-12 of playbooks and of their tests, for editors.
//!
//! Every word, bound and limit comes from the table the parser reads; what is said here is only
//! what each key is for. A key the parser knows and this page does not is a failing test.

mod cases;
mod keys;
mod shapes;

use serde_json::{Map, Value, json};

use super::fields::Words;
use shapes::Shape;

/// One key of a map: what it is for, and what it takes.
struct Key {
    name: &'static str,
    means: &'static str,
    takes: Shape,
    must: Must,
}

/// Must a key be there?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Must {
    Yes,
    No,
}

/// The schema of a playbook file, as `playbooks/playbook.schema.json` holds it.
pub fn playbook_schema() -> Value {
    let mut schema = map(&super::read::KEYS, &keys::playbook());
    head(&mut schema, "An estop playbook", "playbook.schema.json");
    // What an unknown clause means must be said wherever there are clauses.
    schema["dependentRequired"] = json!({ "when": ["on_unknown"], "unless": ["on_unknown"] });
    schema
}

/// The schema of a test file, as `playbooks/playbook.test.schema.json` holds it.
pub fn test_schema() -> Value {
    let mut schema = cases::schema();
    head(
        &mut schema,
        "The tests of an estop playbook",
        "playbook.test.schema.json",
    );
    schema
}

fn head(schema: &mut Value, title: &str, id: &str) {
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["$id"] = json!(id);
    schema["title"] = json!(title);
}

/// A map with exactly the keys of `words`.
fn map(words: &Words<'_>, keys: &[Key]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for known in words.known {
        let Some(key) = keys.iter().find(|key| key.name == *known) else {
            properties.insert((*known).to_owned(), json!({}));
            continue;
        };
        let mut said = key.takes.schema();
        said["description"] = json!(key.means);
        properties.insert((*known).to_owned(), said);
        if key.must == Must::Yes {
            required.push(*known);
        }
    }
    json!({
        "type": "object", "properties": properties, "required": required,
        "additionalProperties": false,
    })
}

const fn must(name: &'static str, means: &'static str, takes: Shape) -> Key {
    Key {
        name,
        means,
        takes,
        must: Must::Yes,
    }
}

const fn may(name: &'static str, means: &'static str, takes: Shape) -> Key {
    Key {
        name,
        means,
        takes,
        must: Must::No,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{playbook_schema, test_schema};

    /// Every map in a schema, with the path to it.
    fn undescribed(schema: &Value, path: &str, found: &mut Vec<String>) {
        if let Some(properties) = schema["properties"].as_object() {
            for (name, inner) in properties {
                let path = format!("{path}/{name}");
                if inner["description"].as_str().is_none_or(str::is_empty) {
                    found.push(path.clone());
                }
                undescribed(inner, &path, found);
            }
        }
    }

    #[test]
    fn every_key_the_parser_knows_is_described() {
        let mut found = Vec::new();

        undescribed(&playbook_schema(), "playbook", &mut found);
        undescribed(&test_schema(), "test", &mut found);

        assert!(
            found.is_empty(),
            "say in schema/keys.rs what these are for: {found:?}"
        );
    }

    #[test]
    fn the_schema_says_what_the_parser_knows() {
        let schema = playbook_schema();

        let actions = &schema["properties"]["steps"]["items"]["oneOf"][0]["enum"];
        assert!(
            actions
                .as_array()
                .unwrap()
                .contains(&json!("disable_agent"))
        );
        assert!(!actions.as_array().unwrap().contains(&json!("verify")));
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(
            schema["properties"]["mode"]["enum"],
            json!(super::super::read::MODES.known)
        );
    }
}
