//! Graph, with a far end in our hands and a clock moved by hand.

mod answers;
mod batches;
mod contract;
mod lanes;
mod pages;
mod shapes;
mod units;
mod verdicts;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use secrecy::SecretString;
use uuid::Uuid;

use super::{Ask, Budgets, Cloud, Endpoints, Graph, Link, Priority};
use crate::clock::{Clock, Hand};
use crate::domain::entity::ObjectId;
use crate::domain::moment::Moment;
use crate::entra::{AccessToken, TokenSource};
use crate::transport::{Answer, Failure, Request, Transport};

/// What was sent, in order.
type Seen = Arc<Mutex<Vec<Request>>>;

fn clock() -> (Clock, Hand) {
    Clock::by_hand(Moment::from_millis(1_790_000_000_000))
}

fn id(number: u128) -> ObjectId {
    ObjectId::from_uuid(Uuid::from_u128(number << 64 | number))
}

fn ask(priority: Priority) -> Ask {
    Ask {
        priority,
        correlation: Uuid::from_u128(7),
    }
}

/// Tokens `t1`, `t2`, … of one hour; a new one for every fetch.
fn tokens(clock: &Clock) -> TokenSource {
    let (number, now) = (Mutex::new(0), clock.clone());
    TokenSource::fetching(clock.clone(), move |_| {
        let mut number = number.lock().unwrap();
        *number += 1;
        let secret = SecretString::from(format!("t{number}"));
        let ends = now.now().plus(Duration::from_secs(3_600));
        std::future::ready(AccessToken::new(&secret, ends)).boxed()
    })
}

fn linked(clock: &Clock, transport: Transport) -> Graph {
    Graph::new(Link {
        endpoints: Endpoints::of(Cloud::Global, None, None).unwrap(),
        transport,
        tokens: tokens(clock),
        clock: clock.clone(),
        budgets: Budgets::default(),
    })
}

/// A tenant that answers the n-th request (from 1) as `answer` says.
fn answering(
    clock: &Clock,
    answer: impl Fn(&Request, usize) -> Result<Answer, Failure> + Send + Sync + 'static,
) -> (Graph, Seen) {
    let seen = Seen::default();
    let log = Arc::clone(&seen);
    let transport = Transport::in_process(move |request| {
        let mut log = log.lock().unwrap();
        let result = answer(&request, log.len() + 1);
        log.push(request);
        std::future::ready(result).boxed()
    });
    (linked(clock, transport), seen)
}

fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    http::Response::builder()
        .status(status)
        .header("request-id", "a1b2")
        .body(body.into())
        .unwrap()
}

fn with_header(mut answer: Answer, name: &'static str, value: &str) -> Answer {
    answer.headers_mut().insert(name, value.parse().unwrap());
    answer
}

/// Moves time on in steps until `work` is done, and says how many steps it took.
async fn moving<T>(hand: &Hand, step: Duration, work: impl Future<Output = T>) -> (T, u32) {
    let mut work = Box::pin(tokio::task::unconstrained(work));
    for taken in 0..1_000 {
        if let std::task::Poll::Ready(done) = futures_util::poll!(&mut work) {
            return (done, taken);
        }
        hand.advance(step);
    }
    panic!("still not done after 1000 steps");
}
