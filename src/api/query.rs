//! What a listing is asked for.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;

use super::Api;
use super::problem::Problem;
use crate::store::LIST_MAX;

/// Rows of a listing that names no limit.
const LIMIT: u32 = 50;

/// The parameters of a request, in order; a name may stand several times.
pub(super) struct Params(Vec<(String, String)>);

impl FromRequestParts<Api> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        Ok(Self(pairs.into_owned().collect()))
    }
}

impl Params {
    /// Refuses a parameter nobody would read, so that a misspelt filter does not show everything.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Problem> {
        match self.0.iter().find(|(name, _)| !known.contains(&&**name)) {
            None => Ok(()),
            Some((name, _)) => Err(unfit(
                name,
                &format!("it is not one of: {}", known.join(", ")),
            )),
        }
    }

    /// Every value of a name, read.
    pub(super) fn each<T>(
        &self,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, Problem> {
        let values = self.0.iter().filter(|(it, _)| it == name);
        values
            .map(|(_, value)| read(value).ok_or_else(|| unfit(name, "its value is not known")))
            .collect()
    }

    /// The one value of a name, read.
    pub(super) fn one<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        let mut values = self.each(name, |value| value.parse().ok())?;
        match values.len() {
            0 | 1 => Ok(values.pop()),
            _ => Err(unfit(name, "it stands there more than once")),
        }
    }

    /// How many rows are wanted.
    pub(super) fn limit(&self) -> Result<u32, Problem> {
        match self.one("limit")? {
            None => Ok(LIMIT),
            Some(limit) if (1..=LIST_MAX).contains(&limit) => Ok(limit),
            Some(_) => Err(unfit("limit", &format!("it is 1 to {LIST_MAX}"))),
        }
    }
}

fn unfit(name: &str, why: &str) -> Problem {
    let name: String = name.chars().take(40).collect();
    Problem::new(
        StatusCode::BAD_REQUEST,
        ("parameter-unfit", "A parameter cannot be read"),
        format!("`{name}`: {why}"),
        "Mend the parameter",
    )
}
