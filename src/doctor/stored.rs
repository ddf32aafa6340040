//! Does the store take what must be stored, and where several services share it, who keeps house?

use super::report::{Line, State};
use crate::domain::role::ServiceRole;
use crate::store::{Error, Facts};

const CHECK: &str = "store";

/// What is known of the store.
#[derive(Debug)]
pub(super) enum Read {
    /// There is none yet: the service makes it.
    NotYet,
    /// It could not be opened.
    Away(String),
    /// It was asked; a file says nothing of itself.
    Asked(Result<Option<Facts>, Error>),
}

pub(super) fn judge(read: &Read) -> Line {
    let facts = match read {
        Read::NotYet => return Line::ok(CHECK, "none yet: the service makes it"),
        Read::Asked(Ok(None)) => return Line::ok(CHECK, "a SQLite file, for one service"),
        Read::Asked(Ok(Some(facts))) => facts,
        Read::Asked(Err(error)) => return away(&error.to_string()),
        Read::Away(why) => return away(why),
    };
    let version = facts.version / 10_000;
    let way = if facts.tls { "TLS" } else { "no TLS" };
    let begun = format!("PostgreSQL {version}, schema step {}, {way}", facts.step);
    if facts.follows {
        let said = format!("{begun}: it only follows another server, and stores nothing");
        let fix = "Name the primary in `store`, or let the name lead to it";
        return Line::of(CHECK, State::Fail, said, fix);
    }
    if !facts.keeps() {
        let said = format!(
            "{begun}: synchronous_commit is `{}`, so what it says is stored may be lost",
            facts.commits
        );
        let fix = "Set synchronous_commit to `on` for our role";
        return Line::of(CHECK, State::Fail, said, fix);
    }
    if facts.step > facts.ours {
        let said = format!(
            "{begun}: a newer version changed the schema beyond our step {}",
            facts.ours
        );
        let fix = "It works for now: bring every service to the newer version";
        return Line::of(CHECK, State::Warn, said, fix);
    }
    let line = shared(begun, facts);
    if facts.sums || line.state != State::Ok {
        return line;
    }
    let said = format!(
        "{}; data_checksums is off: what a failing disk changes is not seen",
        line.said
    );
    let fix = "With the server stopped: pg_checksums --enable, which reads every page once";
    Line::of(CHECK, State::Warn, said, fix)
}

fn shared(begun: String, facts: &Facts) -> Line {
    let services: i64 = facts.services.values().sum();
    match (services, &facts.keeper) {
        (0, _) => Line::ok(CHECK, format!("{begun}; no service works on it now")),
        (services, Some(keeper)) => {
            let share = if services == 1 {
                "service works"
            } else {
                "services work"
            };
            let parts = parts(facts);
            Line::ok(
                CHECK,
                format!("{begun}; {services} {share} on it{parts}, and {keeper} keeps house"),
            )
        }
        (_, None) if !facts.services.keys().any(|role| role.works()) => {
            let parts = parts(facts);
            let said =
                format!("{begun}; no worker is alive{parts}: what is taken and ordered waits");
            let fix = "Start one: estop serve --role worker";
            Line::of(CHECK, State::Fail, said, fix)
        }
        (services, None) => {
            let said = format!("{begun}; {services} at work on it, and none keeps house");
            let fix = "One takes it within 15 s; if none does, their logs say why";
            Line::of(CHECK, State::Warn, said, fix)
        }
    }
}

/// What they are, where they are parts of one.
fn parts(facts: &Facts) -> String {
    let each = facts.services.iter();
    let each: Vec<_> = each.map(|(role, many)| format!("{many} {role}")).collect();
    match facts.services.keys().any(|role| *role != ServiceRole::All) {
        true => format!(" ({})", each.join(", ")),
        false => String::new(),
    }
}

fn away(why: &str) -> Line {
    let fix = "Until it is mended senders are told to come again; deploy/postgres.md says what a \
               server must be";
    Line::of(CHECK, State::Fail, why, fix)
}
