//! The far end, with every mood it may be in.

use std::sync::{Arc, Mutex};

use estop::transport::{Answer, Failure, Request, Transport};
use futures_util::FutureExt as _;
use serde_json::Value;

/// How the far end takes the next requests.
#[derive(Clone, Debug)]
pub enum Mood {
    /// It takes them.
    Well,
    /// Nobody is there.
    Down,
    /// It takes them, and the answer is lost.
    Forgetful,
    /// It never answers.
    Hangs,
    /// It answers so.
    Answers(u16, Vec<(&'static str, &'static str)>),
}

/// Whoever is told; remembers everything.
#[derive(Clone)]
pub struct FarEnd {
    sent: Arc<Mutex<Vec<Request>>>,
    mood: Arc<Mutex<Mood>>,
    /// Does Opsgenie say that somebody has it in hand?
    acknowledged: Arc<Mutex<bool>>,
}

impl FarEnd {
    pub fn new() -> Self {
        Self {
            sent: Arc::default(),
            mood: Arc::new(Mutex::new(Mood::Well)),
            acknowledged: Arc::default(),
        }
    }

    pub fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub fn somebody_acknowledges(&self) {
        *self.acknowledged.lock().unwrap() = true;
    }

    pub fn transport(&self) -> Transport {
        let far = self.clone();
        Transport::in_process(move |request| far.clone().answer(request).boxed())
    }

    async fn answer(self, request: Request) -> Result<Answer, Failure> {
        let reads = request.method() == http::Method::GET;
        self.sent.lock().unwrap().push(request);
        let mood = self.mood.lock().unwrap().clone();
        match mood {
            Mood::Well if reads => {
                let acknowledged = *self.acknowledged.lock().unwrap();
                let body = serde_json::json!({
                    "data": { "status": "open", "acknowledged": acknowledged },
                });
                Ok(http::Response::new(body.to_string().into()))
            }
            Mood::Well => Ok(answer(202, &[])),
            Mood::Down => Err(Failure::NotSent("connection refused".to_owned())),
            Mood::Forgetful => Err(Failure::Lost("reset".to_owned())),
            Mood::Hangs => std::future::pending().await,
            Mood::Answers(status, headers) => Ok(answer(status, &headers)),
        }
    }

    /// Everything that was sent, in order.
    pub fn sent(&self) -> Vec<Request> {
        self.sent.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    /// The bodies of everything that was sent.
    pub fn bodies(&self) -> Vec<Value> {
        let sent = self.sent();
        let bodies = sent.iter().map(|it| serde_json::from_slice(it.body()));
        bodies.map(|body| body.unwrap_or_default()).collect()
    }

    /// Method and address of everything that was sent.
    pub fn lines(&self) -> Vec<String> {
        let sent = self.sent();
        let line = |it: &Request| format!("{} {}", it.method(), it.uri());
        sent.iter().map(line).collect()
    }
}

fn answer(status: u16, headers: &[(&str, &str)]) -> Answer {
    let mut answer = http::Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    answer.body("{}".into()).unwrap()
}
