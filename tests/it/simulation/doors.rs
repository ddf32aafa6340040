//! Senders and people at the doors: what they say, what they hear, and that they say it again.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use estop::signature::sign;
use http::Request;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::acts::Act;
use super::agenda::Event;
use super::laws::Broken;
use super::planted::Planted;
use super::stage::{NOW, Stage};
use super::tally::Kind;
use super::words::{Said, Word, say};

/// How often a sender tries before it gives up.
const TRIES: usize = 8;
/// What is left behind by a delivery, where that is planted.
const LEFT_BEHIND: usize = 40;

pub type Replies = Arc<Mutex<Vec<(usize, Reply)>>>;
pub type Words = Arc<Mutex<Vec<(Word, Said)>>>;

/// What a sender hears.
#[derive(Clone, Debug)]
pub enum Reply {
    Nothing,
    Status {
        status: u16,
        id: Option<String>,
        text: String,
    },
}

/// What a sender waits for. Whatever ends the waiting, it hears.
struct Answer {
    to: Replies,
    delivery: usize,
    reply: Reply,
    counts: bool,
}

impl Answer {
    fn is(&mut self, reply: Reply) {
        self.reply = reply;
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if self.counts {
            let told = (self.delivery, self.reply.clone());
            self.to.lock().unwrap().push(told);
        }
    }
}

impl Stage {
    /// Every sender says all that it has, at once.
    pub fn flood(&mut self, kind: Kind) {
        self.tally.count(kind);
        for delivery in 0..self.plot.letters.len() {
            self.post(delivery, None);
        }
    }

    pub fn post(&mut self, delivery: usize, other: Option<String>) {
        let letter = self.plot.letters[delivery].clone();
        let counts = other.is_none();
        let body = other.unwrap_or(letter.body);
        // Dropped with the process, it tells the sender that nobody answered.
        let mut answer = Answer {
            to: Arc::clone(&self.replies),
            delivery,
            reply: Reply::Nothing,
            counts,
        };
        let Some(live) = self.live.clone() else {
            return;
        };
        if counts && self.laws.thanked_letters.contains(&delivery) {
            self.tally.count(Kind::Replay);
        }
        if serde_json::from_str::<serde_json::Value>(&body).is_err() {
            self.tally.count(Kind::Unreadable);
        }
        let request = self.signed(&letter.key, body);
        self.crew.take(Box::pin(async move {
            let reply = live.door.oneshot(request).await.unwrap();
            let (parts, body) = reply.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let read: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
            answer.is(Reply::Status {
                status: parts.status.as_u16(),
                id: read["id"].as_str().map(str::to_owned),
                text: String::from_utf8_lossy(&body).into_owned(),
            });
        }));
        self.leave_behind();
    }

    fn signed(&self, key: &str, body: String) -> Request<Body> {
        let at = NOW + i64::try_from(self.clock.elapsed().as_secs()).unwrap();
        let signature = sign(&self.secret, key, at, body.as_bytes());
        Request::post("/v1/ingest/lab")
            .header("content-type", "application/json")
            .header("webhook-id", key)
            .header("webhook-timestamp", at.to_string())
            .header("webhook-signature", signature)
            .body(Body::from(body))
            .unwrap()
    }

    fn leave_behind(&self) {
        if self.planted == Some(Planted::WorkPilesUp) {
            for _ in 0..LEFT_BEHIND {
                self.crew.take(Box::pin(std::future::pending()));
            }
        }
    }

    pub fn speak(&mut self, word: Word, drawn: u64) {
        let agents = self.cast.agents.clone();
        self.say((word, drawn), agents);
    }

    /// Somebody says it of one of these.
    pub fn say(&mut self, word: (Word, u64), agents: Vec<uuid::Uuid>) {
        let Some(live) = self.live.clone() else {
            return;
        };
        let words = Arc::clone(&self.words);
        self.crew.take(Box::pin(async move {
            let said = say(live, word, agents).await;
            words.lock().unwrap().push((word.0, said));
        }));
    }

    /// Notes what senders and people were told.
    pub fn hear(&mut self) -> Result<(), Broken> {
        let here = self.clock.elapsed();
        for (delivery, reply) in std::mem::take(&mut *self.replies.lock().unwrap()) {
            self.trace
                .say(here, format!("letter {delivery}: {reply:?}"));
            if let Reply::Status { text, .. } = &reply {
                self.laws.i15_no_secret_in("an answer", text)?;
            }
            if let Reply::Status {
                status: 202,
                id: Some(id),
                ..
            } = reply
            {
                // A delivery and what it becomes share one number.
                self.laws.thanked.insert(id.replacen("det_", "dlv_", 1));
                self.laws.thanked_letters.insert(delivery);
                continue;
            }
            self.tried[delivery] += 1;
            if self.tried[delivery] < TRIES {
                let after = self.dice.span(2_000, 20_000);
                self.agenda
                    .put(after, Event::Happens(Act::Post { delivery }));
            }
        }
        for (word, said) in std::mem::take(&mut *self.words.lock().unwrap()) {
            self.trace.say(here, format!("{word:?}: {said:?}"));
            if let Ok((_, order)) = said {
                self.tally.count(word.kind());
                self.laws.taken.insert(order.to_string());
            }
        }
        Ok(())
    }
}
