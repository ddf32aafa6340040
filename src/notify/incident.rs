//! Back to the incident a detection came from: one comment that is kept up to date, and a tag.

use uuid::Uuid;

use super::attempt::{Ended, again, backoff, mend};
use super::comment::comment;
use super::outlook::{Outlook, outlook, time_to_contain};
use super::{Teller, words};
use crate::domain::action::RiskVerdict;
use crate::domain::detection::Detection;
use crate::domain::found::OpaqueId;
use crate::domain::id::{DeliveryId, DetectionId};
use crate::domain::telling::Telling;
use crate::graph::{Ask, DefenderIncident, Error as Refusal, Judgement, Priority};
use crate::sentinel::{self, IncidentPath, Marks, Sentinel};
use crate::store::{Error, Status, TellingEnd};

/// What every tag of ours begins with.
const FAMILY: &str = "estop:";
/// How far a merged incident is followed.
const REDIRECTS_MAX: usize = 3;
/// How often an incident is read again when somebody else was faster.
const MARKS_MAX: usize = 5;
/// Longest number of a Defender incident.
const DIGITS_MAX: usize = 18;

/// What a deployment lets us do to incidents.
#[derive(Clone, Debug, Default)]
pub struct Incidents {
    /// Sentinel, and whether an incident nobody has begun is made active.
    pub sentinel: Option<(Sentinel, Begin)>,
    /// Defender, by Graph.
    pub defender: Option<Judge>,
}

/// Whether an incident nobody has begun is made active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// It is.
    Yes,
    /// Its state is left alone.
    #[default]
    No,
}

/// Whether a person's verdict becomes the incident's classification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Judge {
    /// It does.
    Yes,
    /// The classification is left alone.
    #[default]
    No,
}

/// Which incident a sender named.
enum Case {
    Sentinel(IncidentPath),
    Defender(OpaqueId),
}

impl Case {
    fn of(reference: &str) -> Option<Self> {
        if let Some(path) = IncidentPath::parse(reference) {
            return Some(Self::Sentinel(path));
        }
        let digits = reference.len() <= DIGITS_MAX && reference.bytes().all(|b| b.is_ascii_digit());
        let number = OpaqueId::new(reference).filter(|_| digits);
        number.map(Self::Defender)
    }
}

/// What is to be said: the comment, its tag, and whether more is to come.
struct Said {
    text: String,
    state: &'static str,
    outlook: Outlook,
}

impl Teller {
    pub(super) async fn tell_incident(&self, tried: &Telling) -> Result<Ended, Error> {
        let moot = |said: &str| Ok((TellingEnd::Moot, said.to_owned()));
        let delivery = DeliveryId::from_uuid(tried.about);
        let status = self.store.status_of(delivery).await?;
        let Some((status, detection)) = status.and_then(with_detection) else {
            return moot("its detection is gone");
        };
        let Some(reference) = detection.incident.as_ref() else {
            return moot("the detection names no incident");
        };
        let said = self.said(&status, &detection);
        match (Case::of(&reference.id), &self.incidents) {
            (
                Some(Case::Sentinel(path)),
                Incidents {
                    sentinel: Some((sentinel, begin)),
                    ..
                },
            ) => {
                if !path.lies_in(&sentinel.workspaces) {
                    return moot("its workspace is not under `incidents.sentinel.workspaces`");
                }
                let name = Uuid::new_v5(&tried.about, b"estop incident comment");
                let told = to_sentinel((sentinel, *begin), (&path, name), &said).await;
                Ok(self.sorted(tried, told))
            }
            (
                Some(Case::Defender(number)),
                Incidents {
                    defender: Some(judge),
                    ..
                },
            ) => {
                let verdict = match judge {
                    Judge::Yes => self.verdict(&status).await?,
                    Judge::No => None,
                };
                let told = self
                    .to_defender(number, (detection.id, verdict), &said)
                    .await;
                Ok(self.sorted_by_graph(tried, told))
            }
            (Some(_), _) => moot(words::NO_WAY_TO_INCIDENT),
            (None, _) => moot("what the sender named is no incident of Sentinel or Defender"),
        }
    }

    fn said(&self, status: &Status, detection: &Detection) -> Said {
        let (state, outlook) = outlook(status);
        let took = time_to_contain(state, &status.runs);
        let page = self.public_url.as_ref().map(|url| {
            let base = url.as_str().trim_end_matches('/');
            format!("{base}/d/{}", detection.id)
        });
        Said {
            text: comment(status, (state, outlook), took, page.as_deref()),
            state,
            outlook,
        }
    }

    /// A person's verdict at an undo, where all its runs that have one agree.
    async fn verdict(&self, status: &Status) -> Result<Option<RiskVerdict>, Error> {
        let mut verdicts = Vec::new();
        for run in &status.runs {
            verdicts.extend(self.store.risk_verdict(run.id).await?);
        }
        verdicts.dedup();
        Ok(verdicts.first().copied().filter(|_| verdicts.len() == 1))
    }

    async fn to_defender(
        &self,
        number: OpaqueId,
        (detection, verdict): (DetectionId, Option<RiskVerdict>),
        said: &Said,
    ) -> Result<String, Refusal> {
        let ask = Ask {
            priority: Priority::Watch,
            correlation: self.clock.uuid(),
        };
        let incident = self.followed(ask, number).await?;
        // Nothing finds a repeat over there, so it carries a name of its own to be looked for.
        let name = format!("[{detection} {}]", said.state);
        let is_told = incident.comments.iter().any(|it| it.contains(&name));
        if !is_told && said.outlook != Outlook::Soon {
            let text = format!("{}\n{name}", said.text);
            self.graph
                .comment_incident(ask, &incident.id, &text)
                .await?;
        }
        let tag = format!("{FAMILY}{}", said.state);
        let mut tags = incident.tags.clone();
        tags.retain(|it| !it.starts_with(FAMILY) || *it == tag);
        if !tags.contains(&tag) {
            tags.push(tag);
        }
        if tags != incident.tags {
            self.graph.tag_incident(ask, &incident.id, &tags).await?;
        }
        let judgement = match verdict {
            Some(RiskVerdict::Safe) => Some(Judgement::FalsePositive),
            Some(RiskVerdict::Dismiss) => Some(Judgement::Expected),
            Some(RiskVerdict::Leave) | None => None,
        };
        // What a person has judged over there stands.
        if let Some(judgement) = judgement.filter(|_| incident.classification == "unknown") {
            self.graph
                .judge_incident(ask, &incident.id, judgement)
                .await?;
        }
        Ok(format!("incident {}, {}", incident.id, said.state))
    }

    async fn followed(&self, ask: Ask, number: OpaqueId) -> Result<DefenderIncident, Refusal> {
        let mut incident = self.graph.incident(ask, &number).await?;
        for _ in 0..REDIRECTS_MAX {
            let Some(next) = &incident.redirected_to else {
                break;
            };
            incident = self.graph.incident(ask, next).await?;
        }
        Ok(incident)
    }

    fn sorted(&self, tried: &Telling, told: Result<String, sentinel::Error>) -> Ended {
        use sentinel::Error as E;
        match told {
            Ok(said) => (TellingEnd::Told, said),
            Err(E::TryAgain { after, because }) => {
                let pause = after.unwrap_or_else(|| backoff(self, tried));
                again(self, tried, (pause, because))
            }
            Err(error @ (E::Changed { .. } | E::NotFound { .. } | E::Unknown { .. })) => {
                again(self, tried, (backoff(self, tried), error.to_string()))
            }
            Err(error @ E::Refused { status: 400, .. }) => (TellingEnd::GivenUp, error.to_string()),
            Err(error @ E::Refused { .. }) => mend(self, tried, error.to_string()),
        }
    }

    fn sorted_by_graph(&self, tried: &Telling, told: Result<String, Refusal>) -> Ended {
        match told {
            Ok(said) => (TellingEnd::Told, said),
            Err(Refusal::TryAgain { after, because, .. }) => {
                let pause = after.max(backoff(self, tried));
                again(self, tried, (pause, because))
            }
            Err(error @ (Refusal::Unknown { .. } | Refusal::NotFound { .. })) => {
                again(self, tried, (backoff(self, tried), error.to_string()))
            }
            Err(Refusal::Refused {
                status: Some(400), ..
            }) => (TellingEnd::GivenUp, "refused with 400".to_owned()),
            Err(error @ Refusal::Refused { .. }) => mend(self, tried, error.to_string()),
        }
    }
}

fn with_detection(status: Status) -> Option<(Status, Detection)> {
    let detection = status.detection.clone()?;
    Some((status, detection))
}

async fn to_sentinel(
    (sentinel, begin): (&Sentinel, Begin),
    (path, name): (&IncidentPath, Uuid),
    said: &Said,
) -> Result<String, sentinel::Error> {
    match sentinel.comment(path, name, (&said.text, None)).await {
        // Where a comment that is there wants its own etag, it is read and sent along.
        Err(sentinel::Error::Changed { .. }) => {
            let etag = sentinel.comment_etag(path, name).await?;
            let over = (said.text.as_str(), Some(etag.as_str()));
            sentinel.comment(path, name, over).await?;
        }
        other => other?,
    }
    let marks = Marks {
        family: FAMILY,
        tag: format!("{FAMILY}{}", said.state),
        begin: begin == Begin::Yes,
    };
    let marked = mark(sentinel, path, &marks).await?;
    Ok(format!("commented, {}; {marked}", said.state))
}

/// Sets our tag over what is there now, whoever changes it meanwhile.
async fn mark(
    sentinel: &Sentinel,
    path: &IncidentPath,
    marks: &Marks,
) -> Result<&'static str, sentinel::Error> {
    for _ in 1..MARKS_MAX {
        match mark_once(sentinel, path, marks).await {
            Err(sentinel::Error::Changed { .. }) => {}
            other => return other,
        }
    }
    mark_once(sentinel, path, marks).await
}

async fn mark_once(
    sentinel: &Sentinel,
    path: &IncidentPath,
    marks: &Marks,
) -> Result<&'static str, sentinel::Error> {
    let incident = sentinel.incident(path).await?;
    if incident.is_closed() {
        return Ok("closed by a person, so no tag was set");
    }
    match incident.marked(marks) {
        Some(marked) => sentinel
            .write_incident(path, marked)
            .await
            .map(|()| "tagged"),
        None => Ok("its tag is there"),
    }
}
