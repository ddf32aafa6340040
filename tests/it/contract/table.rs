//! Every request against its row: place, headers, body, lane, permission.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use estop::domain::action::Action;
use estop::domain::permission::PERMISSIONS;
use estop::graph::{Lane, Priority};
use estop::transport::Request;
use serde_json::Value;
use syn::visit::{self, Visit};

use super::calls::make;
use super::rows::{Host, Kind, ROWS, Row};
use super::{Bench, End, permissions};

/// Every call that a row names.
pub(super) fn calls() -> BTreeSet<&'static str> {
    ROWS.iter().flat_map(|row| row.calls).copied().collect()
}

/// The kill path makes every call but this one.
pub(super) fn priority(call: &str) -> Priority {
    if call == "Graph::agents_by_id" {
        Priority::Watch
    } else {
        Priority::Contain
    }
}

#[tokio::test]
async fn every_call_sends_what_its_rows_say_and_nothing_else() {
    for call in calls() {
        let bench = Bench::new();

        let end = bench.moving(make(&bench, call, priority(call))).await;

        assert_eq!(end, End::Done, "{call}");
        let mut met = BTreeSet::new();
        for request in bench.sent() {
            met.insert(matched(&request));
            met.extend(inner(&request).iter().map(matched));
        }
        let named = |(_, row): &(usize, &Row)| row.calls.contains(&call);
        let wanted: BTreeSet<usize> = ROWS
            .iter()
            .enumerate()
            .filter(named)
            .map(|it| it.0)
            .collect();
        assert_eq!(met, wanted, "{call}");
    }
}

#[tokio::test]
async fn every_request_carries_its_headers_and_no_others() {
    for call in calls() {
        for priority in [Priority::Watch, priority(call)] {
            let bench = Bench::new();
            bench.moving(make(&bench, call, priority)).await;

            for request in bench.sent() {
                let row = &ROWS[matched(&request)];
                assert_eq!(
                    headers(&request),
                    wanted(row, priority),
                    "{call} {priority:?}"
                );
            }
        }
    }
}

/// Names and, but for the token and our version, values.
fn headers(request: &Request) -> BTreeSet<(String, String)> {
    let shown = |name: &str, value: &str| match name {
        "authorization" => value.split(' ').next().unwrap().to_owned(),
        "user-agent" => value.split('/').next().unwrap().to_owned(),
        _ => value.to_owned(),
    };
    let all = request.headers().iter();
    all.map(|(name, value)| {
        (
            name.to_string(),
            shown(name.as_str(), value.to_str().unwrap()),
        )
    })
    .collect()
}

fn wanted(row: &Row, priority: Priority) -> BTreeSet<(String, String)> {
    let json = "application/json";
    let mut wanted = vec![("authorization", "Bearer")];
    match row.host {
        Host::Graph => {
            let id = "00000000-0000-0000-0000-000000000007";
            wanted.extend([
                ("accept", json),
                ("user-agent", "estop"),
                ("client-request-id", id),
            ]);
            if priority == Priority::Contain {
                wanted.push(("x-ms-throttle-priority", "high"));
            }
        }
        Host::Foundry => wanted.push(("user-agent", "estop")),
        Host::Azure | Host::Monitor => wanted.push(("accept", json)),
    }
    if !row.body.is_empty() {
        wanted.push(("content-type", json));
    }
    let risks = row.calls.iter().any(|call| call.starts_with("Risks::"));
    if risks || matches!(row.lane, Some(Lane::Reports | Lane::Security)) {
        wanted.push(("prefer", "include-unknown-enum-members"));
    }
    if row.body.contains("@odata.type") {
        wanted.push(("odata-version", "4.0"));
    }
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    wanted.into_iter().map(owned).collect()
}

#[tokio::test]
async fn every_call_waits_in_the_lane_of_its_limit() {
    for call in calls() {
        let bench = Bench::new();
        bench.moving(make(&bench, call, priority(call))).await;

        let mut used: Vec<Lane> = bench
            .graph
            .lanes()
            .iter()
            .filter(|it| it.turns > 0)
            .map(|it| it.lane)
            .collect();
        // A write passes through the lane of resource units too.
        if used.contains(&Lane::DirectoryWrites) {
            used.retain(|lane| *lane != Lane::DirectoryReads);
        }

        let rows = ROWS.iter().filter(|row| row.calls.contains(&call));
        let lanes: BTreeSet<String> = rows
            .filter_map(|row| row.lane)
            .map(|it| it.to_string())
            .collect();
        assert_eq!(
            used.iter()
                .map(ToString::to_string)
                .collect::<BTreeSet<_>>(),
            lanes,
            "{call}"
        );
    }
}

#[tokio::test]
async fn the_model_demands_what_the_table_says_and_no_more() {
    let singles = permissions();
    for call in calls() {
        let bench = Bench::new();
        bench.moving(make(&bench, call, priority(call))).await;
        for request in bench.sent() {
            let row = &ROWS[matched(&request)];
            if row.permissions.contains(&&[][..]) {
                continue;
            }
            for line in row.permissions {
                assert!(may(&bench, &request, line).await, "{call} with {line:?}");
                for left_out in *line {
                    let fewer: Vec<_> = line.iter().copied().filter(|it| it != left_out).collect();
                    assert!(
                        !may(&bench, &request, &fewer).await,
                        "{call} with {fewer:?}"
                    );
                }
            }
            for single in &singles {
                let enough = row.permissions.contains(&&[*single][..]);
                let may = may(&bench, &request, &[single]).await;
                assert_eq!(may, enough, "{call} with {single}");
            }
        }
    }
}

/// Does the tenant let this request in, with exactly these permissions?
async fn may(bench: &Bench, request: &Request, permissions: &[&str]) -> bool {
    bench.entra.set_permissions(permissions);
    let token = bench.entra.access_token().unwrap();
    let mut request = request.clone();
    let header = format!("Bearer {token}").parse().unwrap();
    request.headers_mut().insert("authorization", header);
    bench.entra.exchange(request).await.unwrap().status() != 403
}

#[test]
fn every_action_asks_for_what_its_calls_need_and_for_nothing_else() {
    for action in Action::ALL {
        let held = action.permissions();
        let rows: Vec<&Row> = ROWS
            .iter()
            .filter(|row| row.actions.contains(&action))
            .collect();
        // The gate is our own: nobody is called.
        let ours = action == Action::BlockTools;
        assert_eq!(rows.is_empty(), ours, "{action} makes no call");
        let enough = |line: &&[&str]| line.iter().all(|name| held.contains(name));
        for row in &rows {
            assert!(
                row.permissions.iter().any(enough),
                "{action}: {:?}",
                row.line
            );
        }
        for name in held {
            let used = |row: &&Row| row.permissions.iter().any(|line| line.contains(name));
            assert!(
                rows.iter().any(used),
                "{action} asks for {name} without need"
            );
            assert!(PERMISSIONS.iter().any(|one| one.name == *name), "{name}");
        }
    }
}

/// A GET reads, and whatever an action does beyond reading is a write.
#[test]
fn a_get_changes_nothing_and_a_delete_something() {
    for row in ROWS {
        match row.line.0 {
            "GET" => assert_eq!(row.kind, Kind::Read, "{:?}", row.line),
            "PATCH" | "DELETE" | "PUT" => assert_eq!(row.kind, Kind::Write, "{:?}", row.line),
            method => assert_eq!(method, "POST"),
        }
    }
}

#[test]
fn every_public_call_of_the_clients_has_a_row() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Functions::default();
    for place in ["graph", "foundry", "sentinel", "arm.rs"] {
        for file in rust_files(source.join(place)) {
            found.visit_file(&syn::parse_file(&std::fs::read_to_string(file).unwrap()).unwrap());
        }
    }

    let rows: BTreeSet<String> = calls()
        .into_iter()
        .map(|call| call.split('/').next().unwrap().to_owned())
        .collect();

    assert!(found.names.len() > 40, "{:?}", found.names);
    assert_eq!(found.names, rows);
}

#[derive(Default)]
struct Functions {
    names: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let syn::Type::Path(path) = &*item.self_ty {
            let of = path.path.segments.last().unwrap().ident.to_string();
            for function in &item.items {
                if let syn::ImplItem::Fn(it) = function
                    && it.sig.asyncness.is_some()
                    && matches!(it.vis, syn::Visibility::Public(_))
                {
                    self.names.insert(format!("{of}::{}", it.sig.ident));
                }
            }
        }
        visit::visit_item_impl(self, item);
    }
}

fn rust_files(place: PathBuf) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place];
    }
    let inside = std::fs::read_dir(place)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    inside
        .filter(|path| path.file_stem().is_none_or(|stem| stem != "tests"))
        .filter(|path| path.is_dir() || path.extension().is_some_and(|it| it == "rs"))
        .flat_map(rust_files)
        .collect()
}

/// The one row that describes this request.
pub(super) fn matched(request: &Request) -> usize {
    let fits = |row: &Row| {
        let uri = request.uri();
        let query = uri.query().unwrap_or_default().replace("%20", " ");
        let host = uri.host().is_none_or(|host| host == row.host.name());
        let line = row.line.0 == request.method() && is_like(row.line.1, uri.path());
        host && line && is_like(row.query, &query) && has_members(row.body, request.body())
    };
    let rows: Vec<usize> = (0..ROWS.len()).filter(|at| fits(&ROWS[*at])).collect();
    let shown = String::from_utf8_lossy(request.body()).into_owned();
    assert_eq!(
        rows.len(),
        1,
        "{rows:?}: {} {} {shown}",
        request.method(),
        request.uri()
    );
    rows[0]
}

/// The reads inside a batch, as if each had come alone.
fn inner(request: &Request) -> Vec<Request> {
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let all = body["requests"].as_array().cloned().unwrap_or_default();
    let alone = |one: &Value| {
        let members: Vec<&String> = one.as_object().unwrap().keys().collect();
        assert_eq!(members, ["id", "method", "url"]);
        http::Request::builder()
            .method(one["method"].as_str().unwrap())
            .uri(format!("/v1.0{}", one["url"].as_str().unwrap()))
            .body(bytes::Bytes::new())
            .unwrap()
    };
    all.iter().map(alone).collect()
}

fn is_like(pattern: &str, text: &str) -> bool {
    let Some(at) = pattern.find('{') else {
        return pattern == text;
    };
    let (before, rest) = pattern.split_at(at);
    let (name, after) = rest[1..].split_once('}').unwrap();
    let Some(text) = text.strip_prefix(before) else {
        return false;
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let length = text.find(|c| !plain(c)).unwrap_or(text.len());
    let (id, text) = text.split_at(length);
    let fits = if name == "id" {
        is_id(id)
    } else {
        !id.is_empty()
    };
    fits && is_like(after, text)
}

fn is_id(text: &str) -> bool {
    let guid = text.parse::<uuid::Uuid>();
    guid.is_ok_and(|it| it.hyphenated().to_string() == text)
}

fn has_members(pattern: &str, body: &[u8]) -> bool {
    if pattern.is_empty() || body.is_empty() {
        return pattern.is_empty() && body.is_empty();
    }
    let pattern: Value = serde_json::from_str(pattern).unwrap();
    serde_json::from_slice(body).is_ok_and(|body| has_value(&pattern, &body))
}

fn has_value(pattern: &Value, value: &Value) -> bool {
    let all = |fits: fn(&Value) -> bool| {
        let items = value.as_array();
        items.is_some_and(|items| !items.is_empty() && items.iter().all(fits))
    };
    let id = |value: &Value| value.as_str().is_some_and(is_id);
    match pattern {
        Value::Object(members) => value.as_object().is_some_and(|held| {
            held.len() == members.len()
                && members
                    .iter()
                    .all(|(name, like)| held.get(name).is_some_and(|it| has_value(like, it)))
        }),
        Value::String(like) => match like.as_str() {
            "bool" => value.is_boolean(),
            "id" => id(value),
            "id or null" => value.is_null() || id(value),
            "opaque" => value.as_str().is_some_and(|it| is_like("{opaque}", it)),
            "text" => value.is_string(),
            "null" => value.is_null(),
            "[]" => value.as_array().is_some_and(Vec::is_empty),
            "[id]" => all(|it| it.as_str().is_some_and(is_id)),
            "[text]" => all(Value::is_string),
            "[{}]" => all(Value::is_object),
            exact => {
                let exact = exact.strip_prefix('=').unwrap();
                value.as_str().is_some_and(|it| is_like(exact, it))
            }
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => unreachable!(),
    }
}
