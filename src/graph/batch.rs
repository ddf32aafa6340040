//! Many small reads in one exchange, matched by their own ids (threat G09).
//!
//! Off the kill path only: one damaged answer would cost twenty entities their proof, and every
//! read inside counts against the limits as if it had come alone (Microsoft: JSON batching).

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Deserialize;
use serde_json::{Value, json};

use super::agents::{AgentRead, agent_call, agent_in};
use super::call::{Answered, Call, Kind};
use super::error::Error;
use super::lanes::{Lane, Priority};
use super::place::Place;
use super::shape;
use super::{Ask, Graph};
use crate::domain::entity::ObjectId;
use crate::transport::Answer;

/// Most reads in one exchange (Microsoft: JSON batching).
const BATCH_LIMIT: usize = 20;
/// How often a throttled read is asked again before its caller is told to come back.
const ROUNDS: usize = 4;

/// What became of each read, in the order asked.
type Outcomes = Vec<Option<Result<Answered, Error>>>;

#[derive(Deserialize)]
struct Replies {
    responses: Vec<Reply>,
}

#[derive(Deserialize)]
struct Reply {
    id: String,
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Value,
}

impl Graph {
    /// Many agent identities, each with an outcome of its own, in the order of `ids`: for the
    /// inventory and whoever else looks at many. Refused with the priority of containing.
    pub async fn agents_by_id(
        &self,
        ask: Ask,
        ids: &[ObjectId],
    ) -> Vec<(ObjectId, Result<AgentRead, Error>)> {
        let calls: Vec<Call> = ids.iter().map(|id| agent_call(*id)).collect();
        let spoken: Vec<String> = calls.iter().map(Call::spoken).collect();
        let read = self.batch(ask, calls).await;
        let read = ids.iter().zip(spoken).zip(read);
        read.map(|((id, spoken), outcome)| {
            (
                *id,
                outcome.and_then(|answered| agent_in(&spoken, *id, &answered)),
            )
        })
        .collect()
    }

    /// Any reads of the stable API, 20 an exchange. An outcome for each, in the order asked;
    /// throttled ones are asked again, the others never.
    pub(super) async fn batch(&self, ask: Ask, calls: Vec<Call>) -> Vec<Result<Answered, Error>> {
        let mut outcomes = Vec::with_capacity(calls.len());
        for chunk in calls.chunks(BATCH_LIMIT) {
            let told = self.chunk(ask, chunk).await;
            let told = chunk.iter().zip(told);
            outcomes.extend(told.map(|(call, outcome)| {
                outcome.unwrap_or_else(|| Err(Error::unknown(&call.spoken(), "no answer to it")))
            }));
        }
        outcomes
    }

    async fn chunk(&self, ask: Ask, calls: &[Call]) -> Outcomes {
        let mut outcomes: Outcomes = calls.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..calls.len()).collect();
        for _ in 0..ROUNDS {
            let asked: Vec<(usize, &Call)> = open.iter().map(|at| (*at, &calls[*at])).collect();
            let throttled = match self.exchanged(ask, &asked).await {
                Ok(replies) => self.matched(ask, (&asked, replies), &mut outcomes),
                Err(error) => {
                    let error = of_each(error);
                    for (at, _) in &asked {
                        outcomes[*at] = Some(Err(error.clone()));
                    }
                    break;
                }
            };
            if throttled.is_empty() {
                break;
            }
            // The lane stands still for as long as they were told to wait.
            open = throttled;
        }
        outcomes
    }

    async fn exchanged(&self, ask: Ask, asked: &[(usize, &Call)]) -> Result<Vec<Reply>, Error> {
        let requests: Vec<Value> = asked
            .iter()
            .map(|(at, call)| {
                let url = call.place.text().trim_start_matches("/v1.0");
                json!({ "id": at.to_string(), "method": "GET", "url": url })
            })
            .collect();
        let call = Call {
            kind: Kind::Read,
            units: asked.iter().map(|(_, call)| call.units).sum(),
            ..Call::write(Method::POST, Place::v1("/$batch"), Lane::DirectoryReads)
        }
        .with_body(&json!({ "requests": requests }));
        if ask.priority == Priority::Contain {
            return Err(Error::Refused {
                code: "BatchOnKillPath".to_owned(),
                status: None,
                because: format!("{}: containing makes every call alone", call.spoken()),
            });
        }
        let spoken = call.spoken();
        let answered = self.send(ask, call).await?;
        let replies: Replies = shape::read(&spoken, &answered.body)?;
        let strange = |reply: &Reply| !asked.iter().any(|(at, _)| at.to_string() == reply.id);
        if replies.responses.iter().any(strange) {
            // Answers to what nobody asked: then none of them can be trusted to be ours.
            return Err(Error::unknown(&spoken, "it answers what was not asked"));
        }
        Ok(replies.responses)
    }

    /// Gives each reply to the read it names, and says which were throttled.
    fn matched(
        &self,
        ask: Ask,
        (asked, replies): (&[(usize, &Call)], Vec<Reply>),
        outcomes: &mut Outcomes,
    ) -> Vec<usize> {
        let mut by_id: BTreeMap<String, Vec<Reply>> = BTreeMap::new();
        for reply in replies {
            by_id.entry(reply.id.clone()).or_default().push(reply);
        }
        let mut throttled = Vec::new();
        for (at, call) in asked {
            let mut named = by_id.remove(&at.to_string()).unwrap_or_default();
            let outcome = match (named.pop(), named.is_empty()) {
                (Some(reply), true) => {
                    if reply.status == 429 {
                        throttled.push(*at);
                    }
                    self.outcome(ask, call, reply)
                }
                (Some(_), false) => Err(Error::unknown(&call.spoken(), "answered twice")),
                (None, _) => Err(Error::unknown(&call.spoken(), "no answer to it")),
            };
            outcomes[*at] = Some(outcome);
        }
        throttled
    }

    fn outcome(&self, ask: Ask, call: &Call, reply: Reply) -> Result<Answered, Error> {
        let answer = as_answer(reply)
            .ok_or_else(|| Error::unknown(&call.spoken(), "an answer that is none"))?;
        self.heard(call, &answer);
        self.sorted(ask, call, answer)
    }
}

/// What the failure of a whole exchange says about each read in it. That there is no `$batch` says
/// nothing about any entity.
fn of_each(error: Error) -> Error {
    match error {
        Error::NotFound { because } => Error::Unknown { because },
        other @ (Error::TryAgain { .. } | Error::Unknown { .. } | Error::Refused { .. }) => other,
    }
}

/// The reply as if it had come alone.
fn as_answer(reply: Reply) -> Option<Answer> {
    let mut headers = HeaderMap::new();
    for (name, value) in &reply.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.insert(name, HeaderValue::from_str(value).ok()?);
    }
    let body = if reply.body.is_null() {
        String::new()
    } else {
        reply.body.to_string()
    };
    let mut answer = http::Response::builder()
        .status(reply.status)
        .body(body.into())
        .ok()?;
    *answer.headers_mut() = headers;
    Some(answer)
}
