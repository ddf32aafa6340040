//! The control API: people's words and what there is to see, as JSON, on a listener of its own.
//!
//! Knows: HTTP, what a request must look like, how a refusal is told.
//! Never: what a word changes; that is `command`'s.
//!
//! Laws
//! * Every path but `/healthz` and `/readyz` asks for a bearer token, those that do not exist too.
//! * A credential in an address is refused, whoever's it is (threat C04).
//! * Who asks is the credential's word alone; a member nobody expects is refused (threat C02).
//! * Every refusal says what was done, whether the same again may help, and what to do.
//!
//! Read next: `door`, `problem`, `runs`.

mod door;
mod guesses;
mod problem;

mod body;
mod query;

mod agents;
mod approvals;
mod audit;
mod calls;
mod cases;
mod detections;
mod doctor;
mod drills;
mod evidence;
mod expectations;
mod heard;
mod holds;
mod motions;
mod notices;
mod playbooks;
mod probes;
mod runs;
mod service;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::routing::{get, post};

pub use body::BODY_MAX;
pub use door::Entrance;
pub use drills::{DrillShown, Leg};
pub use playbooks::PlaybookShown;
pub use probes::{Probes, Ready, Scrape, probes};
pub use problem::Told;
pub use runs::RunShown;
pub use service::{StandingShown, TokenShown};

use crate::catalog::Catalog;
use crate::command::{Desk, Drills};
use crate::doctor::Doctor;
use crate::evidence::Binder;

/// What the door for senders heard after a number: `heard` and `last`.
pub type Heard = Arc<dyn Fn(u64) -> serde_json::Value + Send + Sync>;

/// What the control API is made of; the roof provides it.
#[derive(Clone)]
pub struct Api {
    /// Takes people's words.
    pub desk: Desk,
    /// Looks at what a containment needs.
    pub doctor: Doctor,
    /// Takes and shows drills.
    pub drills: Drills,
    /// Hands out what was gathered beside a strike.
    pub evidence: Binder,
    /// The playbooks in force.
    pub catalog: Arc<ArcSwap<Catalog>>,
    /// What the door for senders heard lately, where it is in this process.
    pub heard: Option<Heard>,
    /// What every part of a service shows.
    pub probes: Probes,
}

/// The control API as a service for its listener.
pub fn router(api: Api) -> Router {
    Router::new()
        .merge(probes::routes().with_state(api.probes.clone()))
        .merge(about_runs())
        .route("/v1/approvals", get(approvals::list))
        .route("/v1/approvals/{id}", get(approvals::show))
        .route("/v1/approvals/{id}/approve", post(approvals::approve))
        .route("/v1/approvals/{id}/deny", post(approvals::deny))
        .route("/v1/approvals/{id}/extend", post(approvals::extend))
        .route("/v1/notices", get(notices::list))
        .route("/v1/notices/test", post(notices::test))
        .route("/v1/notices/{id}", get(notices::show))
        .route("/v1/notices/{id}/ack", post(notices::acknowledge))
        .route("/v1/notices/{id}/resolve", post(notices::resolve))
        .route("/v1/caps", get(motions::caps).post(motions::raise))
        .route("/v1/caps/lower", post(motions::lower))
        .route("/v1/motions", get(motions::list))
        .route("/v1/motions/{id}", get(motions::show))
        .route("/v1/motions/{id}/second", post(motions::second))
        .route("/v1/motions/{id}/deny", post(motions::deny))
        .route("/v1/freezes", get(motions::freezes).post(motions::freeze))
        .route("/v1/freezes/{id}", get(motions::show_freeze))
        .route("/v1/freezes/{id}/stop", post(motions::stop))
        .route("/v1/freezes/{id}/undo", post(motions::thaw))
        .route("/v1/holds", get(holds::list))
        .route("/v1/holds/{id}", get(holds::show))
        .route("/v1/detections", get(detections::list))
        .route("/v1/detections/{id}", get(detections::show))
        .route("/v1/detections/{id}/replay", post(detections::replay))
        .route("/v1/heard", get(heard::list))
        .route("/v1/doctor", get(doctor::last).post(doctor::look))
        .route("/v1/agents", get(agents::agents))
        .route("/v1/agents/orphans", get(agents::orphans))
        .route("/v1/agents/{id}", get(agents::show))
        .route("/v1/blueprints", get(agents::blueprints))
        .route("/v1/blueprints/{id}", get(agents::show_blueprint))
        .route("/v1/drills", get(drills::list).post(drills::ask))
        .route("/v1/drills/{id}", get(drills::show))
        .route("/v1/playbooks", get(playbooks::list))
        .route("/v1/playbooks/{name}/runs", post(calls::call))
        .route("/v1/playbooks/{name}/activate", post(playbooks::activate))
        .route("/v1/playbooks/{name}/lift", post(playbooks::lift))
        .route(
            "/v1/expectations",
            get(expectations::list).post(expectations::announce),
        )
        .route("/v1/expectations/{id}/end", post(expectations::end))
        .route("/v1/audit", get(audit::list))
        .route("/v1/audit/head", get(audit::head))
        .route("/v1/audit/export", get(audit::export))
        .route("/v1/mode", get(service::mode).put(service::set_mode))
        .route("/v1/brake", post(service::brake))
        .route("/v1/tokens", get(service::tokens))
        .fallback(door::nowhere)
        .method_not_allowed_fallback(door::no_such_method)
        .layer(axum::middleware::from_fn_with_state(
            api.probes.entrance.clone(),
            door::pass,
        ))
        .with_state(api)
}

fn about_runs() -> Router<Api> {
    Router::new()
        .route("/v1/plans", post(runs::plan))
        .route("/v1/runs", get(runs::list).post(runs::contain))
        .route("/v1/runs/{id}", get(runs::show))
        .route("/v1/runs/{id}/evidence", get(evidence::show))
        .route("/v1/runs/{id}/evidence/bundle", get(evidence::bundle))
        .route("/v1/runs/{id}/undo", post(runs::undo))
        .route("/v1/runs/{id}/resume", post(runs::resume))
        .route("/v1/runs/{id}/stop", post(runs::stop))
        .route("/v1/runs/{id}/keep", post(cases::keep))
        .route("/v1/runs/{id}/release", post(cases::release))
        .route("/v1/kept", get(cases::list))
}
