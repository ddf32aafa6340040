//! `$select`, `$filter` (one `property eq value`), `$top`, `$skiptoken`: as much OData as the
//! modelled calls need. Anything else in a query is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::moment::Moment;
use crate::sim::calls::call::{Call, guid};
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::show::Declared;

/// Page size of lists, and the most that agent lists give.
pub(in crate::sim) const PAGE: usize = 100;
/// The most that other lists give.
const PAGE_LIMIT: usize = 999;

/// What a call asks to see of each entity.
#[derive(Clone, Debug)]
pub(in crate::sim) struct View {
    declared: Declared,
    select: Option<Vec<String>>,
}

impl View {
    /// For a single entity: only `$select` may be there.
    pub(in crate::sim) fn of_one(call: &Call, declared: Declared) -> Result<Self, Refusal> {
        only(call, &["$select"])?;
        Self::of(call, declared)
    }

    fn of(call: &Call, declared: Declared) -> Result<Self, Refusal> {
        let select: Option<Vec<String>> = call.parameter("$select").map(|names| {
            names
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect()
        });
        if let Some(name) = select.iter().flatten().find(|name| !declared.has(name)) {
            return Err(Refusal::bad_request(format!(
                "Could not find a property named '{name}' on type '{}'.",
                declared.type_name().trim_start_matches('#')
            )));
        }
        Ok(Self { declared, select })
    }

    /// Was this property chosen?
    pub(in crate::sim) fn chooses(&self, name: &str) -> bool {
        self.select.iter().flatten().any(|chosen| chosen == name)
    }

    /// The entity as asked for. The type is said where it is not the declared one.
    pub(in crate::sim) fn cut(&self, mut whole: Map<String, Value>) -> Map<String, Value> {
        let said = whole
            .get("@odata.type")
            .and_then(Value::as_str)
            .map(str::to_owned);
        match (&self.select, self.declared.unasked()) {
            (Some(chosen), _) => {
                whole.retain(|name, _| name == "@odata.type" || chosen.contains(name));
            }
            (None, Some(unasked)) => {
                whole.retain(|name, _| name == "@odata.type" || unasked.contains(&name.as_str()));
            }
            // Microsoft shows it only to who chooses it.
            (None, None) => {
                whole.remove("customSecurityAttributes");
            }
        }
        if said.as_deref() == Some(self.declared.type_name()) {
            whole.remove("@odata.type");
        }
        whole
    }

    pub(in crate::sim) fn context(&self, call: &Call) -> String {
        let version = call
            .segments()
            .first()
            .copied()
            .unwrap_or_default()
            .to_owned();
        format!(
            "{}/{version}/$metadata#{}",
            call.base,
            self.declared.set_name()
        )
    }
}

/// What a filter compares a property with.
#[derive(Clone, Debug)]
enum Comparison {
    Equals(String, Value),
    /// At this moment or later.
    Since(String, Moment),
}

/// A list as asked for.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Listing {
    pub(in crate::sim) view: View,
    filter: Option<Comparison>,
    pub(in crate::sim) after: Option<Uuid>,
    pub(in crate::sim) top: usize,
}

impl Listing {
    pub(in crate::sim) fn of(call: &Call, declared: Declared) -> Result<Self, Refusal> {
        only(
            call,
            &["$select", "$filter", "$top", "$count", "$skiptoken"],
        )?;
        let most = if matches!(declared, Declared::User | Declared::ServicePrincipal) {
            PAGE_LIMIT
        } else {
            PAGE
        };
        let top = match call.parameter("$top").map(str::parse::<usize>) {
            None => PAGE,
            Some(Ok(top)) if (1..=most).contains(&top) => top,
            Some(_) => {
                let message = format!("Invalid page size: it must be between 1 and {most}.");
                return Err(Refusal::unsupported_query(message));
            }
        };
        let after = match call.parameter("$skiptoken") {
            None => None,
            Some(text) => Some(place(text).ok_or_else(|| {
                Refusal::bad_request("The skip token is not one this list has given.")
            })?),
        };
        let filter = match call.parameter("$filter") {
            None => None,
            Some(text) => Some(comparison(text, declared)?),
        };
        Ok(Self {
            view: View::of(call, declared)?,
            filter,
            after,
            top,
        })
    }

    pub(in crate::sim) fn wants(&self, whole: &Map<String, Value>) -> bool {
        match &self.filter {
            None => true,
            Some(Comparison::Equals(name, value)) => whole.get(name) == Some(value),
            Some(Comparison::Since(name, since)) => {
                let said = whole.get(name).and_then(Value::as_str);
                said.and_then(Moment::parse).is_some_and(|at| at >= *since)
            }
        }
    }

    /// The body of a page; `more` is the last id on it when another page follows.
    pub(in crate::sim) fn page(&self, call: &Call, items: Vec<Value>, more: Option<Uuid>) -> Value {
        let mut page = Map::new();
        page.insert("@odata.context".to_owned(), self.view.context(call).into());
        if let Some(last) = more {
            page.insert("@odata.nextLink".to_owned(), next_link(call, last).into());
        }
        page.insert("value".to_owned(), items.into());
        Value::Object(page)
    }
}

fn next_link(call: &Call, last: Uuid) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in call.parameters().filter(|(name, _)| *name != "$skiptoken") {
        query.append_pair(name, value);
    }
    query.append_pair("$skiptoken", &URL_SAFE_NO_PAD.encode(last.to_string()));
    format!("{}{}?{}", call.base, call.path, query.finish())
}

fn place(text: &str) -> Option<Uuid> {
    guid(std::str::from_utf8(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?)
}

/// The one property of risky agents that is documented to take `ge`.
const SINCE: &str = "riskLastModifiedDateTime ge ";

fn comparison(text: &str, declared: Declared) -> Result<Comparison, Refusal> {
    let refusal = || Refusal::unsupported_query(format!("Unsupported Query: '{text}'."));
    if let Some(since) = text.strip_prefix(SINCE)
        && declared == Declared::RiskyAgent
    {
        let since = Moment::parse(since).ok_or_else(refusal)?;
        let name = "riskLastModifiedDateTime".to_owned();
        return Ok(Comparison::Since(name, since));
    }
    let (name, value) = text.trim().split_once(" eq ").ok_or_else(refusal)?;
    let (name, value) = (name.trim(), value.trim());
    if !declared.has(name) {
        return Err(refusal());
    }
    let quoted = value
        .strip_prefix('\'')
        .and_then(|it| it.strip_suffix('\''));
    let value = match (quoted, value) {
        (Some(text), _) if !text.replace("''", "").contains('\'') => text.replace("''", "'").into(),
        (None, "true") => true.into(),
        (None, "false") => false.into(),
        _ => return Err(refusal()),
    };
    Ok(Comparison::Equals(name.to_owned(), value))
}

pub(in crate::sim) fn only(call: &Call, known: &[&str]) -> Result<(), Refusal> {
    match call.parameters().find(|(name, _)| !known.contains(name)) {
        None => Ok(()),
        Some((name, _)) => Err(Refusal::bad_request(format!(
            "The query parameter '{name}' is not supported here."
        ))),
    }
}
