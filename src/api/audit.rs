//! The record, shown and handed over with the bytes that were sealed.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::Api;
use super::problem::Problem;
use super::query::Params;
use crate::audit;
use crate::store::{Error, Store};

/// The newest records, or those after a number; in order.
pub(super) async fn list(State(api): State<Api>, params: Params) -> Result<Response, Problem> {
    params.only(&["after", "limit"])?;
    let limit = params.limit()?;
    let store = api.desk.store();
    let after = match params.one::<u32>("after")? {
        Some(after) => i64::from(after),
        None => audit::head(store).await?.number - i64::from(limit),
    };
    let page = audit::page(store, after, limit).await?;
    let lines: Vec<String> = page.iter().map(audit::line).collect();
    // Written by hand, so that each record keeps its sealed bytes.
    let text = format!("{{\"records\":[{}]}}", lines.join(","));
    Ok(([(CONTENT_TYPE, "application/json")], text).into_response())
}

pub(super) async fn head(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    let store = api.desk.store();
    let head = audit::head(store).await?;
    let cut = audit::cut(store).await?.map(|cut| cut.to_string());
    Ok(Json(json!({
        "number": head.number, "seal": head.seal.hex(), "head": head.to_string(), "cut": cut,
    })))
}

/// All records up to the head of this moment, one a line. A failure on the way breaks the
/// connection, so that a part is never taken for the whole.
pub(super) async fn export(State(api): State<Api>) -> Result<Response, Problem> {
    let store = api.desk.store().clone();
    let last = audit::head(&store).await?.number;
    let cut = audit::cut(&store).await?;
    let begins = cut.map(|cut| Ok(Bytes::from(format!("{}\n", audit::cut_line(cut)))));
    let after = cut.map_or(0, |cut| cut.number);
    let pages = stream::try_unfold((store, after), move |(store, after)| {
        next(store, after, last)
    });
    let body = Body::from_stream(stream::iter(begins).chain(pages));
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

async fn next(store: Store, after: i64, last: i64) -> Result<Option<(Bytes, (Store, i64))>, Error> {
    if after >= last {
        return Ok(None);
    }
    let mut page = audit::page(&store, after, audit::PAGE).await?;
    page.retain(|line| line.number <= last);
    let Some(end) = page.last().map(|line| line.number) else {
        return Ok(None);
    };
    let text: String = page
        .iter()
        .map(|line| format!("{}\n", audit::line(line)))
        .collect();
    Ok(Some((Bytes::from(text), (store, end))))
}
