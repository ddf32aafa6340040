//! Could a role that only reads change something all the same, with the token it was given?

use super::report::{Line, State};
use crate::entra::writing;

const CHECK: &str = "reading_rights";

pub(super) fn judge(roles: Option<&[String]>) -> Line {
    let Some(roles) = roles else {
        let said = "our token cannot be read, so its rights are not known";
        let fix = "Look at the application's permissions in Entra";
        return Line::of(CHECK, State::Unknown, said, fix);
    };
    let found = writing(roles);
    if found.is_empty() {
        return Line::ok(CHECK, format!("{} right(s), all to read", roles.len()));
    }
    let said = format!(
        "{}: this role never uses it, and whoever takes its credential could",
        found.join(", ")
    );
    let fix = "Give it an application of its own that only reads: estop init entra --role console";
    Line::of(CHECK, State::Warn, said, fix)
}

#[cfg(test)]
mod tests {
    use super::{State, judge};

    #[test]
    fn a_reader_that_could_write_is_warned_of() {
        let own = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let could = own(&["Directory.Read.All", "AgentIdentity.EnableDisable.All"]);

        let warned = judge(Some(&could));

        assert_eq!(warned.state, State::Warn);
        assert!(
            warned.said.starts_with("AgentIdentity.EnableDisable.All:"),
            "{warned:?}"
        );
        assert_eq!(judge(Some(&could[..1])).state, State::Ok);
        assert_eq!(judge(None).state, State::Unknown);
    }
}
