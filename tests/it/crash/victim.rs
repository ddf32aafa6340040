//! The program that dies once, its sender that sends again, and whoever starts it again.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use estop::domain::moment::Moment;

use super::case::Case;
use crate::program::{Program, Site, exchange};

/// The signal of a program that dies by its own hand.
const ABORTED: i32 = 6;
/// The signal of `kill -9`.
const KILLED: i32 = 9;
/// Longest wait for a story to come to a word of its status: twice what a lease takes, and more.
const STORY_LIMIT: Duration = Duration::from_secs(90);
/// How often everyone looks.
const LOOK_EVERY: Duration = Duration::from_millis(15);

/// A service in front of the tenant, and a sender with one detection.
pub struct Victim {
    pub site: Site,
    program: Program,
    message: String,
    body: String,
    status_path: Option<String>,
    /// On the clock's own count, if it is killed whatever it does.
    killed_at: Option<Duration>,
    /// Whether it will die when it passes a point.
    armed: bool,
    /// When it was started again after its death.
    pub restarted_at: Option<Moment>,
}

impl Victim {
    /// Starts it; with a case, so that it will die.
    pub async fn new(case: Option<Case>) -> Self {
        let site = Site::new().await;
        let clock = site.clock.clone();
        Self {
            program: begin(&site, case),
            message: format!("msg_{}", clock.uuid().simple()),
            body: site.detection(),
            status_path: None,
            killed_at: killed_at(&site, case),
            armed: case.is_some(),
            restarted_at: None,
            site,
        }
    }

    /// Ends it in good order and starts it again so that it will die.
    pub async fn begin_again(&mut self, case: Case) {
        self.stop().await;
        self.program = begin(&self.site, Some(case));
        self.killed_at = killed_at(&self.site, Some(case));
        self.armed = true;
    }

    /// Asks it to stop, and sees that it ends well. What a story waits for is seen from outside a
    /// moment before the program passes the points behind it: it may still die of one of them.
    pub async fn stop(&mut self) {
        let mut ended = self.program.ask_to_stop().await;
        if self.armed && ended.signal() == Some(ABORTED) {
            self.restart(ended, ABORTED).await;
            self.doors().await;
            ended = self.program.ask_to_stop().await;
        }
        assert_eq!(ended.code(), Some(0), "asked to stop, it ended as {ended}");
    }

    /// Sends, sends again, restarts the dead, until the status says `word`.
    pub async fn until(&mut self, word: &str) {
        let clock = self.site.clock.clone();
        let mut last = String::new();
        let waiting = async {
            while last != word {
                self.bury_the_dead().await;
                let Some(address) = self.doors().await else {
                    clock.sleep(LOOK_EVERY).await;
                    continue;
                };
                match self.status_path.clone() {
                    None => self.post(&address).await,
                    Some(path) => last = self.status(&address, &path).await.unwrap_or(last.clone()),
                }
                if last != word {
                    clock.sleep(LOOK_EVERY).await;
                }
            }
        };
        let came = clock.within(STORY_LIMIT, waiting).await;
        assert!(
            came.is_ok(),
            "it is `{last}`, and never came to be `{word}`:\n{}",
            self.site.log()
        );
    }

    /// Where deliveries are taken; `None` when it died, or must die, before it said so.
    async fn doors(&mut self) -> Option<String> {
        let doors = self.program.doors();
        match self.killed_at {
            None => doors.await,
            Some(at) => {
                let left = at.saturating_sub(self.site.clock.elapsed());
                self.site.clock.within(left, doors).await.ok().flatten()
            }
        }
    }

    /// Sees whether it has died, and starts it again if it has. It may die only once.
    async fn bury_the_dead(&mut self) {
        if let Some(ended) = self.program.has_ended() {
            return self.restart(ended, ABORTED).await;
        }
        let due = self
            .killed_at
            .is_some_and(|at| self.site.clock.elapsed() >= at);
        if due || self.site.entra.held() > 0 {
            let ended = self.program.kill().await;
            // What was on its way when we died arrives after our death.
            self.site.entra.release();
            self.restart(ended, KILLED).await;
        }
    }

    async fn restart(&mut self, ended: ExitStatus, signal: i32) {
        assert_eq!(ended.signal(), Some(signal), "it ended as {ended}");
        assert_eq!(self.restarted_at, None, "it died twice");
        self.restarted_at = Some(self.site.clock.now());
        self.killed_at = None;
        self.armed = false;
        self.program = begin(&self.site, None);
    }

    /// One attempt of a sender that tries until it is thanked: the same id, a fresh signature.
    async fn post(&mut self, address: &str) {
        let request = self.site.signed(&self.message, &self.body);
        let Some(answer) = exchange(&self.site.clock, address, &request).await else {
            return;
        };
        assert_eq!(answer.status, 202, "{}", answer.text);
        let location = answer.header("location").unwrap();
        // After a restart the same path is found behind another port.
        let path = location.splitn(4, '/').nth(3).unwrap();
        self.status_path = Some(format!("/{path}"));
    }

    async fn status(&self, address: &str, path: &str) -> Option<String> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = exchange(&self.site.clock, address, &request).await?;
        answer.member("state")
    }
}

fn killed_at(site: &Site, case: Option<Case>) -> Option<Duration> {
    let after = case.and_then(Case::after)?;
    Some(site.clock.elapsed().saturating_add(after))
}

fn begin(site: &Site, case: Option<Case>) -> Program {
    if let Some(fault) = case.and_then(Case::fault) {
        site.entra.push_fault(fault);
    }
    let armed = case.and_then(Case::armed);
    let variables: Vec<_> = armed
        .iter()
        .map(|point| ("ESTOP_CRASH_POINT", point.as_str()))
        .collect();
    site.start(&variables)
}
