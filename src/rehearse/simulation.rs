//! What would be done, looked up in the tenant and not done.
//!
//! A [`Looker`] is the only way to the tenant here. It is made from a way to Graph and closes it:
//! the graph is built sealed, so that no call of ours sends a write, and the way itself lets
//! nothing but reads pass, whoever builds them.

use crate::act::{self, Approval, Context, Means, Seen};
use crate::domain::action::Action;
use crate::domain::decision::Decision;
use crate::domain::detection::Detection;
use crate::domain::entity::Entity;
use crate::domain::guard::Guards;
use crate::domain::id::DetectionId;
use crate::domain::plan::{Plan, PlanStep};
use crate::domain::playbook::PlaybookName;
use crate::domain::step::Before;
use crate::graph::{Graph, Link};
use crate::traces::Traces;
use crate::transport::{Failure, Request, Transport};

use super::explanation::Judge;
use super::replay::playbook_of;
use super::words;
use crate::catalog::Decided;

/// What one detection would lead to for one entity.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Simulated {
    /// Of which detection.
    pub detection: DetectionId,
    /// Whom it is about.
    pub entity: Entity,
    /// What is decided.
    pub decision: &'static str,
    /// Would anything be carried out before a person was asked?
    pub acts: bool,
    /// Why, where the decision says.
    pub because: Option<String>,
    /// The strongest playbook that matched.
    pub playbook: Option<PlaybookName>,
    /// Each of its steps; none where nothing follows.
    pub steps: Vec<WouldDo>,
}

/// What one step would find and do.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct WouldDo {
    /// The action.
    pub action: Action,
    /// What would be done, or what stands in the way.
    pub would: String,
    /// What was read.
    pub seen: String,
}

/// A tenant that can be looked at, and not touched.
pub struct Looker {
    graph: Graph,
    means: Means,
}

impl Looker {
    /// Closes this way to Graph for writes, for good. Of `means` only what the deployment may do is
    /// kept: a way to Foundry is not for looking.
    pub fn new(link: Link, means: Means) -> Self {
        let transport = reads_only(link.transport.clone(), &link);
        Self {
            graph: Graph::sealed(Link { transport, ..link }, Traces::off()),
            means: Means {
                foundry: None,
                ..means
            },
        }
    }

    /// What every entity of a detection would lead to.
    pub async fn simulate(
        &self,
        judge: &Judge<'_>,
        detection: &Detection,
        before: &[Decision],
    ) -> Vec<Simulated> {
        let mut simulated = Vec::new();
        for decision in judge.decide(detection, detection.received_at, before) {
            let playbook = playbook_of(&decision.verdict).cloned();
            let known = playbook.as_ref().and_then(|name| judge.catalog.get(name));
            let mut steps = Vec::new();
            if let Some(known) = known {
                for step in Plan::of(known, decision.entity).steps {
                    if step.action != Action::Verify {
                        steps.push(self.look(judge.guards, detection, &step).await);
                    }
                }
            }
            simulated.push(Simulated {
                detection: detection.id,
                entity: decision.entity,
                decision: Decided::of(&decision.verdict).word(),
                acts: Decided::of(&decision.verdict).acts(),
                because: words::reason(&decision.verdict),
                playbook,
                steps,
            });
        }
        simulated
    }

    async fn look(&self, guards: &Guards, detection: &Detection, step: &PlanStep) -> WouldDo {
        let context = Context {
            graph: &self.graph,
            guards,
            agreed: 0,
            means: &self.means,
            approval: Approval::Moot,
            correlation: detection.id.uuid(),
        };
        let (would, seen) = match act::look(&context, step).await {
            Ok(seen) => (would(step.action, &seen), seen.evidence),
            Err(error) => ("nothing".to_owned(), error.to_string()),
        };
        WouldDo {
            action: step.action,
            would,
            seen,
        }
    }
}

fn would(action: Action, seen: &Seen) -> String {
    match &seen.before {
        Before::Switches { switches } => {
            let on = switches.iter().filter(|one| one.account_enabled).count();
            let off = switches.len() - on;
            match (on, off) {
                (0, 0) => "nothing: there is none".to_owned(),
                (0, _) => "nothing: it is disabled already".to_owned(),
                (1, 0) => format!("{action}"),
                (on, 0) => format!("{action} ({on} of them)"),
                (on, off) => format!("{action} ({on} of them; {off} are disabled already)"),
            }
        }
        Before::Found { .. } | Before::Unproven { .. } | Before::Nothing => format!("{action}"),
    }
}

/// Lets reads and requests for access tokens pass, and nothing else. A token endpoint is a POST, and
/// it is told from Graph by its host, or where one stand-in plays both by its path.
fn reads_only(transport: Transport, link: &Link) -> Transport {
    let graph = link.endpoints.graph().host_str().map(str::to_owned);
    Transport::in_process(move |request| {
        let transport = transport.clone();
        let to_graph = request.uri().host().map(str::to_owned) == graph;
        let token = request.uri().path().ends_with("/token");
        let passes = !to_graph || token || reads(&request);
        Box::pin(async move {
            if passes {
                transport.send(request).await
            } else {
                let why = "a simulation sends no write".to_owned();
                Err(Failure::NotSent(why))
            }
        })
    })
}

/// Is it a read, or a batch of nothing but reads?
fn reads(request: &Request) -> bool {
    if request.method() == http::Method::GET {
        return true;
    }
    if !request.uri().path().ends_with("/$batch") {
        return false;
    }
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let inner = body["requests"].as_array();
    inner.is_some_and(|inner| inner.iter().all(|one| one["method"] == "GET"))
}
