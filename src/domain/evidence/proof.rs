//! Whether containment is seen to work: what became of sign-ins after it.

use serde::{Deserialize, Serialize};

use super::logs::{SignIn, SignInList};
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

/// The sign-ins after containment and what they prove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What was seen.
    pub effective: Effective,
    /// When it was looked at.
    pub looked_at: Moment,
    /// The lines.
    #[serde(flatten)]
    pub list: SignInList,
}

impl Proof {
    /// Judges sign-ins that happened after containment was certain to have spread.
    pub fn of(list: SignInList, looked_at: Moment) -> Self {
        let any = |is: fn(&SignIn) -> bool| list.sign_ins.iter().any(is);
        let effective = if any(|one| one.error_code == 0) {
            Effective::StillSucceeds
        } else if any(|one| OUR_DOING.contains(&one.error_code)) {
            Effective::Refused
        } else {
            Effective::NotTried
        };
        Self {
            effective,
            looked_at,
            list,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Effective, Moment, Proof, SignIn, SignInList};

    fn judged(codes: &[i64]) -> Effective {
        let at = Moment::from_millis(0);
        let line = |code: &i64| SignIn {
            id: "1".to_owned(),
            at,
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
        let sign_ins = codes.iter().map(line).collect();
        let list = SignInList {
            since: at,
            whole: true,
            sign_ins,
        };
        Proof::of(list, at).effective
    }

    #[test]
    fn only_a_refusal_that_is_our_doing_proves_and_one_success_outweighs_it() {
        assert_eq!(judged(&[]), Effective::NotTried);
        assert_eq!(judged(&[7_000_215]), Effective::NotTried);
        assert_eq!(judged(&[7_000_215, 7_000_112]), Effective::Refused);
        assert_eq!(judged(&[53_003]), Effective::Refused);
        assert_eq!(judged(&[7_000_112, 0]), Effective::StillSucceeds);
    }
}
