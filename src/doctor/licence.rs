//! Will ID Protection take our word on an agent? A refusal for want of a licence looks like one for
//! want of consent, and only what else is known tells them apart.

use std::collections::BTreeSet;

use super::permissions::holds;
use super::report::{Line, State};
use super::{Need, Wants};
use crate::domain::action::Action;
use crate::graph::{Cloud, Error, Receipt};

const CHECK: &str = "agent_risk";
const RIGHT: &str = "IdentityRiskyAgent.ReadWrite.All";
/// The plan that carries ID Protection while agents are in preview (Microsoft, 2025-11); a
/// Microsoft Agent 365 licence is announced to follow.
const PLAN: &str = "AAD_PREMIUM_P2";

/// What is known besides the refusal itself.
pub(super) struct Known<'a> {
    pub(super) cloud: Cloud,
    pub(super) roles: Option<&'a [String]>,
    /// The tenant's service plans, where they could be read.
    pub(super) plans: Option<&'a BTreeSet<String>>,
}

pub(super) fn judge(read: &Result<Receipt, Error>, known: &Known<'_>, wants: &Wants) -> Line {
    if !known.cloud.knows_agent_risk() {
        let said = "this cloud has no ID Protection for agents";
        let fix = "Nothing: disabling works regardless";
        return Line::of(CHECK, State::Skipped, said, fix);
    }
    let Some(need) = wants.actions.get(&Action::ConfirmCompromised) else {
        let said = "nothing that is loaded tells Entra about risk";
        return Line::of(CHECK, State::Skipped, said, "Nothing");
    };
    let grave = match need {
        Need::Required => State::Fail,
        Need::Wanted => State::Warn,
    };
    match read {
        Ok(_) => Line::ok(CHECK, "ID Protection answers about agents"),
        Err(Error::Refused {
            code,
            status: Some(403),
            ..
        }) => refused(code, known, grave),
        Err(error) => {
            let fix = "Run this again in a moment; risk steps are optional, disabling is not hurt";
            Line::of(CHECK, State::Unknown, error.to_string(), fix)
        }
    }
}

fn refused(code: &str, known: &Known<'_>, grave: State) -> Line {
    let consented = known.roles.map(|roles| holds(roles, RIGHT));
    let licensed = known.plans.map(|plans| plans.contains(PLAN));
    let licence = "Entra ID P2 (for agents perhaps Microsoft Agent 365), or take \
                   confirm_compromised out of the playbooks; disabling works regardless";
    let consent = format!("Grant {RIGHT} with admin consent; this is not about the licence");
    match (consented, licensed) {
        (Some(false), _) => Line::of(
            CHECK,
            grave,
            format!("403 {code}: consent is missing"),
            consent,
        ),
        (Some(true), Some(false)) => {
            let said = format!("403 {code}: consent is there, the licence is missing");
            Line::of(CHECK, grave, said, format!("Get {licence}"))
        }
        (Some(true), Some(true)) => {
            let said = format!("403 {code}, although consent and {PLAN} are there");
            let fix = "A new grant may take a day to reach a managed identity's token; a Microsoft \
                       Agent 365 licence may be wanted";
            Line::of(CHECK, State::Unknown, said, fix)
        }
        (Some(true), None) => {
            let said = format!("403 {code}: consent is there, so most likely the licence is not");
            Line::of(
                CHECK,
                grave,
                said,
                format!("Look at your licences: {licence}"),
            )
        }
        (None, _) => {
            let said = format!("403 {code}: consent or licence, our token cannot be read");
            Line::of(CHECK, State::Unknown, said, consent)
        }
    }
}
