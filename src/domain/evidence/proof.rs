//! Whether containment is seen to work: what became of sign-ins after it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::logs::{SignIn, SignInList};
use super::{Evidence, EvidenceState, KeptPart};
use crate::domain::moment::Moment;

/// What a refusal says when it is our doing: the application is disabled (AADSTS7000112), the user
/// is disabled (50057), Conditional Access blocked it (53003).
const OUR_DOING: [i64; 3] = [7_000_112, 50_057, 53_003];

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effective {
    /// It tried, and was refused because it is disabled or blocked.
    Refused,
    /// It did not try, or was refused for other reasons: nothing is proved.
    NotTried,
    /// It was issued a token after it was disabled.
    StillSucceeds,
}

impl Effective {
    /// The words a person reads.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Refused => "effective: it tried to sign in and was refused",
            Self::NotTried => "not proved: no attempt to sign in was seen",
            Self::StillSucceeds => "NOT effective: it was issued a token after containment",
        }
    }
}

/// For how long an entity was contained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contained {
    /// From when on a token that is issued is one too many: every replica has heard by then. One that is
    /// refused proves its point before, too.
    pub surely: Moment,
    /// When it was to be put back, where it was.
    pub until: Option<Moment>,
}

/// The sign-ins after containment and what they prove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What was seen.
    pub effective: Effective,
    /// When it was looked at.
    pub looked_at: Moment,
    /// When it was to be put back, where it was: later lines are none of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// The lines.
    #[serde(flatten)]
    pub list: SignInList,
}

impl Proof {
    /// Judges the sign-ins since the strike.
    pub fn of(mut list: SignInList, contained: Contained, looked_at: Moment) -> Self {
        let Contained { surely, until } = contained;
        let before_the_end = |one: &SignIn| until.is_none_or(|until| one.at < until);
        list.sign_ins.retain(before_the_end);
        let any = |is: &dyn Fn(&SignIn) -> bool| list.sign_ins.iter().any(is);
        let effective = if any(&|one| is_issued(one) && one.at >= surely) {
            Effective::StillSucceeds
        } else if any(&is_our_doing) {
            Effective::Refused
        } else {
            Effective::NotTried
        };
        Self {
            effective,
            looked_at,
            until,
            list,
        }
    }
}

const fn is_issued(one: &SignIn) -> bool {
    one.error_code == 0
}

fn is_our_doing(one: &SignIn) -> bool {
    OUR_DOING.contains(&one.error_code)
}

/// Whether Entra was seen to refuse what was contained a token, as far as is known now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TokenSeen {
    /// It asked for one and was refused.
    Refused {
        /// When first, by Entra's clock.
        at: Moment,
    },
    /// It was issued one although it was contained.
    Issued {
        /// When last, by Entra's clock.
        at: Moment,
    },
    /// It did not ask for one in that time.
    NotTried,
    /// The sign-in log lags; it is looked at later.
    Awaited,
    /// The log could not be read.
    NotReadable {
        /// What was missing.
        why: String,
    },
    /// Nobody looks: evidence is not gathered, or nothing was struck.
    NotLooked,
}

impl TokenSeen {
    /// What the evidence of one run says about it. `kept` is its part [`super::EvidencePart::Refused`].
    pub fn of(evidence: Option<&Evidence>, kept: Option<&KeptPart>) -> Self {
        let Some(kept) = kept else {
            let open = |one: &Evidence| one.state != EvidenceState::Complete;
            return if evidence.is_some_and(open) {
                Self::Awaited
            } else {
                Self::NotLooked
            };
        };
        let proof: Option<Proof> = kept
            .body
            .as_deref()
            .and_then(|body| serde_json::from_str(body).ok());
        let Some(proof) = proof else {
            let why = kept.why.clone();
            let why = why.unwrap_or_else(|| "nobody knows why".to_owned());
            return Self::NotReadable { why };
        };
        let lines = &proof.list.sign_ins;
        let refused = lines.iter().filter(|one| is_our_doing(one));
        let issued = lines.iter().filter(|one| is_issued(one));
        let seen = match proof.effective {
            Effective::Refused => refused
                .map(|one| one.at)
                .min()
                .map(|at| Self::Refused { at }),
            Effective::StillSucceeds => {
                issued.map(|one| one.at).max().map(|at| Self::Issued { at })
            }
            Effective::NotTried => None,
        };
        seen.unwrap_or(Self::NotTried)
    }
}

impl fmt::Display for TokenSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { at } => write!(f, "seen {at}"),
            Self::Issued { at } => write!(f, "NOT refused: a token was issued {at}"),
            Self::NotTried => f.write_str("not proved: it asked for none while it was contained"),
            Self::Awaited => f.write_str("not known yet: the sign-in log lags"),
            Self::NotReadable { why } => write!(f, "not proved: {why}"),
            Self::NotLooked => f.write_str("not proved: nobody looks at the sign-in log"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Contained, Effective, Moment, Proof, SignIn, SignInList};

    fn at(seconds: i64) -> Moment {
        Moment::from_millis(seconds * 1000)
    }

    /// Struck at 0 s, spread at 60 s.
    fn judged(lines: &[(i64, i64)], until: Option<Moment>) -> Effective {
        let line = |(seconds, code): &(i64, i64)| SignIn {
            id: "1".to_owned(),
            at: at(*seconds),
            error_code: *code,
            failure: None,
            service_principal: None,
            user: None,
            app: None,
            resource: None,
            resource_name: None,
            ip: None,
            agent: None,
        };
        let sign_ins = lines.iter().map(line).collect();
        let list = SignInList {
            since: at(0),
            whole: true,
            sign_ins,
        };
        let contained = Contained {
            surely: at(60),
            until,
        };
        Proof::of(list, contained, at(900)).effective
    }

    #[test]
    fn only_a_refusal_that_is_our_doing_proves_and_one_success_outweighs_it() {
        let judged = |lines| judged(lines, None);

        assert_eq!(judged(&[]), Effective::NotTried);
        assert_eq!(judged(&[(70, 7_000_215)]), Effective::NotTried);
        assert_eq!(
            judged(&[(70, 7_000_215), (70, 7_000_112)]),
            Effective::Refused
        );
        assert_eq!(judged(&[(70, 53_003)]), Effective::Refused);
        assert_eq!(
            judged(&[(70, 7_000_112), (70, 0)]),
            Effective::StillSucceeds
        );
    }

    #[test]
    fn a_token_counts_once_all_have_heard_a_refusal_at_once_and_neither_after_the_end() {
        let until = Some(at(100));

        assert_eq!(judged(&[(59, 0)], None), Effective::NotTried);
        assert_eq!(judged(&[(60, 0)], None), Effective::StillSucceeds);
        assert_eq!(judged(&[(1, 7_000_112)], until), Effective::Refused);
        assert_eq!(
            judged(&[(100, 0), (101, 7_000_112)], until),
            Effective::NotTried
        );
    }
}
