//! Incidents of Defender: read, commented, tagged, judged. Needs `SecurityIncident.ReadWrite.All`.
//!
//! Microsoft publishes no limit of these calls that we know of today; they go in the slow lane of
//! the logs, well below what was published before (50 in a minute).

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::call::Call;
use super::error::{Error, Receipt};
use super::lanes::Lane;
use super::logs::NEW_WORDS;
use super::place::Place;
use super::shape;
use super::{Ask, Graph};
use crate::domain::found::OpaqueId;

/// Longest comment that is sent.
const COMMENT_MAX: usize = 30_000;
/// Most comments of one incident that are looked through.
const COMMENTS_MAX: usize = 1_000;
const COMMENT: &str = "microsoft.graph.security.alertComment";

/// An incident as Defender has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefenderIncident {
    /// Its number.
    pub id: OpaqueId,
    /// Where it went when it was merged into another.
    pub redirected_to: Option<OpaqueId>,
    /// A person's judgement; `unknown` before there is one.
    pub classification: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// What was said on it.
    pub comments: Vec<String>,
}

/// A person's judgement, in Defender's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// A false alarm.
    FalsePositive,
    /// Real, and meant.
    Expected,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IncidentJson {
    id: OpaqueId,
    redirect_incident_id: Option<OpaqueId>,
    classification: Option<String>,
    #[serde(default)]
    custom_tags: Vec<String>,
    #[serde(default)]
    comments: Vec<CommentJson>,
}

#[derive(Deserialize)]
struct CommentsJson {
    value: Vec<CommentJson>,
}

#[derive(Deserialize)]
struct CommentJson {
    comment: Option<String>,
}

impl Graph {
    /// One incident.
    pub async fn incident(&self, ask: Ask, id: &OpaqueId) -> Result<DefenderIncident, Error> {
        let mut call = Call::read(place(id));
        call.lane = Lane::Reports;
        call.prefer = Some(NEW_WORDS);
        let spoken = call.spoken();
        let answer = self.send(ask, call).await?;
        let read: IncidentJson = shape::read(&spoken, &answer.body)?;
        if read.id != *id {
            return Err(Error::unknown(&spoken, "the answer is about another"));
        }
        Ok(DefenderIncident {
            id: read.id,
            redirected_to: read.redirect_incident_id,
            classification: read.classification.unwrap_or_else(|| "unknown".to_owned()),
            tags: read.custom_tags,
            comments: read
                .comments
                .into_iter()
                .filter_map(|it| it.comment)
                .take(COMMENTS_MAX)
                .collect(),
        })
    }

    /// Adds a comment. A repeat adds it again: look first.
    pub async fn comment_incident(
        &self,
        ask: Ask,
        id: &OpaqueId,
        text: &str,
    ) -> Result<Receipt, Error> {
        let text: String = text.chars().take(COMMENT_MAX).collect();
        let body = json!({ "@odata.type": COMMENT, "comment": text });
        let mut call =
            Call::write(Method::POST, place(id).then("/comments"), Lane::Reports).with_body(&body);
        call.prefer = Some(NEW_WORDS);
        call.odata_version = Some(http::HeaderValue::from_static("4.0"));
        let spoken = call.spoken();
        let answer = self.send(ask, call).await?;
        let said: CommentsJson = shape::read(&spoken, &answer.body)?;
        if said.value.is_empty() {
            return Err(Error::unknown(&spoken, "no comment is there"));
        }
        Ok(answer.receipt)
    }

    /// Sets its tags, all of them. Safe to repeat.
    pub async fn tag_incident(
        &self,
        ask: Ask,
        id: &OpaqueId,
        tags: &[String],
    ) -> Result<Receipt, Error> {
        self.change_incident(ask, id, &json!({ "customTags": tags }))
            .await
    }

    /// Passes a person's judgement on. Safe to repeat.
    pub async fn judge_incident(
        &self,
        ask: Ask,
        id: &OpaqueId,
        judgement: Judgement,
    ) -> Result<Receipt, Error> {
        let word = match judgement {
            Judgement::FalsePositive => "falsePositive",
            Judgement::Expected => "informationalExpectedActivity",
        };
        self.change_incident(ask, id, &json!({ "classification": word }))
            .await
    }

    async fn change_incident(
        &self,
        ask: Ask,
        id: &OpaqueId,
        body: &serde_json::Value,
    ) -> Result<Receipt, Error> {
        let mut call = Call::write(Method::PATCH, place(id), Lane::Reports).with_body(body);
        call.prefer = Some(NEW_WORDS);
        let spoken = call.spoken();
        let answer = self.send(ask, call).await?;
        let changed: IncidentJson = shape::read(&spoken, &answer.body)?;
        if changed.id != *id {
            return Err(Error::unknown(&spoken, "the answer is about another"));
        }
        Ok(answer.receipt)
    }
}

fn place(id: &OpaqueId) -> Place {
    Place::v1("/security/incidents/").opaque(id)
}
