//! Does a Conditional Access policy really stop who is at high risk? Telling Entra about a
//! compromise stops nothing by itself: only an enabled policy does, at the next token, and none
//! does while security defaults are on (Microsoft: Conditional Access for agents).
//!
//! Three policies are needed for three kinds: one on agents does not reach their user accounts, and
//! neither reaches classic agents. Tokens on behalf of a person are reached by none of them: their
//! subject is the person.

use super::board::Enforcement;
use super::report::{Line, State};
use crate::graph::{Enabled, Error, Policy};

const DEFAULTS_ON: &str =
    "security defaults are on, and with them no Conditional Access policy applies";

/// What was read about Conditional Access.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) policies: Vec<Policy>,
    pub(super) defaults: Enabled,
}

pub(super) type Read = Result<Rules, Error>;

/// Whom a policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whom {
    Agents,
    AgentUsers,
    ClassicAgents,
}

/// What one policy is worth to one of them, worst first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// Nothing: it is about something else, or switched off.
    Nothing,
    /// It would block, and only reports.
    ReportOnly,
    /// It blocks some.
    Narrow(String),
    /// It blocks all of them.
    Whole,
}

impl Whom {
    const fn check(self) -> &'static str {
        match self {
            Self::Agents => "risk_policy",
            Self::AgentUsers => "risk_policy_agent_users",
            Self::ClassicAgents => "risk_policy_classic",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Agents => "agents at high risk",
            Self::AgentUsers => "agents' user accounts at high risk",
            Self::ClassicAgents => "classic agents at high risk",
        }
    }

    /// Is the policy about their high risk at all?
    fn aims(self, policy: &Policy) -> bool {
        let has = |list: &[String], word: &str| list.iter().any(|it| it == word);
        let blocks = has(&policy.controls, "block");
        let about = match self {
            Self::Agents => has(&policy.agent_risk, "high") && !policy.agents.is_empty(),
            Self::AgentUsers => {
                let risk = has(&policy.agent_risk, "high") || has(&policy.user_risk, "high");
                risk && has(&policy.users, "AllAgentIdUsers")
            }
            Self::ClassicAgents => {
                has(&policy.principal_risk, "high") && !policy.principals.is_empty()
            }
        };
        blocks && about
    }

    /// What keeps it from reaching all of them.
    fn gaps(self, policy: &Policy) -> Vec<String> {
        let has = |list: &[String], word: &str| list.iter().any(|it| it == word);
        let mut gaps = policy.narrowings.clone();
        if !has(&policy.resources, "All") {
            gaps.push("it is not for all resources".to_owned());
        }
        let (all, left_out) = match self {
            Self::Agents => (has(&policy.agents, "All"), policy.agents_left_out.len()),
            Self::AgentUsers => (true, policy.users_left_out),
            Self::ClassicAgents => (
                has(&policy.principals, "ServicePrincipalsInMyTenant"),
                policy.principals_left_out,
            ),
        };
        if !all {
            gaps.push("it is for some of them only".to_owned());
        }
        if left_out > 0 {
            gaps.push(format!("{left_out} of them left out"));
        }
        gaps
    }

    fn worth(self, policy: &Policy) -> Worth {
        if !self.aims(policy) {
            return Worth::Nothing;
        }
        match policy.state.as_str() {
            "enabled" => match self.gaps(policy) {
                gaps if gaps.is_empty() => Worth::Whole,
                gaps => Worth::Narrow(gaps.join(", ")),
            },
            "enabledForReportingButNotEnforced" => Worth::ReportOnly,
            _ => Worth::Nothing,
        }
    }
}

/// What all policies together are worth to them.
pub(super) fn enforcement(whom: Whom, read: &Read) -> Enforcement {
    let Ok(rules) = read else {
        return Enforcement::NotKnown;
    };
    if rules.defaults == Enabled::Yes {
        let why = DEFAULTS_ON.to_owned();
        return Enforcement::NotEnforced { why };
    }
    let best = rules
        .policies
        .iter()
        .map(|policy| (whom.worth(policy), policy.display_name.as_str()))
        .max_by(|(one, _), (other, _)| one.cmp(other));
    let none = || format!("no policy blocks {}", whom.words());
    match best {
        None | Some((Worth::Nothing, _)) => Enforcement::NotEnforced { why: none() },
        Some((Worth::ReportOnly, name)) => Enforcement::NotEnforced {
            why: format!("`{name}` is report-only"),
        },
        Some((Worth::Narrow(gaps), name)) => Enforcement::NotEnforced {
            why: format!("`{name}` blocks some only: {gaps}"),
        },
        Some((Worth::Whole, name)) => Enforcement::Enforced {
            policy: name.to_owned(),
        },
    }
}

/// `relies` are the loaded playbooks that have nothing but this.
pub(super) fn judge(whom: Whom, read: &Read, relies: &[String]) -> Line {
    let check = whom.check();
    match (enforcement(whom, read), read) {
        (Enforcement::Enforced { policy }, _) => {
            Line::ok(check, format!("`{policy}` blocks {}", whom.words()))
        }
        (Enforcement::NotEnforced { why }, _) => {
            let grave = if relies.is_empty() {
                State::Warn
            } else {
                State::Fail
            };
            let only = match relies {
                [] => String::new(),
                some => format!("; {} rely on nothing else", some.join(", ")),
            };
            let said = format!("{why}: confirming risk stops nothing by itself{only}");
            Line::of(check, grave, said, fix(read))
        }
        (Enforcement::NotKnown, Err(Error::Refused { code, .. })) => {
            let said = format!("the policies may not be read: {code}");
            Line::of(check, State::Unknown, said, "Grant Policy.Read.All")
        }
        (Enforcement::NotKnown, Err(error)) => Line::of(
            check,
            State::Unknown,
            error.to_string(),
            "Run this again in a moment",
        ),
        (Enforcement::NotKnown, Ok(_)) => Line::of(
            check,
            State::Unknown,
            "not known",
            "Run this again in a moment",
        ),
    }
}

fn fix(read: &Read) -> &'static str {
    let on = |rules: &Rules| rules.defaults == Enabled::Yes;
    if read.as_ref().is_ok_and(on) {
        "Before an incident, let policies of your own take the place of security defaults, then \
         switch those off in Entra: Properties. Disabling works regardless"
    } else {
        "Before an incident, turn on a policy: block, high risk, all of them, all resources, no \
         exclusions. Disabling works regardless"
    }
}

/// Classic agents matter only where a playbook acts on them.
pub(super) fn judge_classic(read: &Read, playbooks: &[String]) -> Line {
    if playbooks.is_empty() {
        let said = "no loaded playbook acts on classic agents";
        let check = Whom::ClassicAgents.check();
        return Line::of(check, State::Skipped, said, "Nothing");
    }
    judge(Whom::ClassicAgents, read, &[])
}
