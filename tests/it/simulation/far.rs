//! The far ends beside the tenant: where people are told, and where anchors are kept.

use bytes::Bytes;
use estop::domain::record::Seal;
use estop::transport::Failure;
use serde_json::Value;

use super::agenda::Told;
use super::sent::Sent;
use super::weather::Fate;

/// What they were told.
#[derive(Default)]
pub struct Far {
    /// Heads of the record that somebody else keeps.
    pub anchors: Vec<(i64, Seal)>,
    pub pages: usize,
}

impl Far {
    /// Takes what arrived, and answers.
    pub fn answer(&mut self, sent: &Sent, fate: &Fate) -> Told {
        let status = match fate.fault {
            Some(_) => 503,
            None => 202,
        };
        if fate.fault.is_none() {
            self.take(&serde_json::from_str(&sent.body).unwrap_or_default());
        }
        if fate.loses_answer {
            return Err(Failure::Lost("the answer was lost (played)".to_owned()));
        }
        let answer = http::Response::builder().status(status).body(Bytes::new());
        Ok(answer.unwrap())
    }

    fn take(&mut self, body: &Value) {
        self.pages += usize::from(body["data"]["text"].is_string());
        self.keep_anchors(body);
    }

    fn keep_anchors(&mut self, body: &Value) {
        let seal = body["seal"].as_str().and_then(Seal::from_hex);
        self.anchors.extend(body["number"].as_i64().zip(seal));
        let items = body.as_array().into_iter().flatten();
        let members = body.as_object().into_iter().flat_map(|it| it.values());
        items
            .chain(members)
            .for_each(|within| self.keep_anchors(within));
    }
}
