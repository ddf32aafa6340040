//! Does our token carry what nobody should hold who only switches agents off?

use super::report::{Line, State};
use crate::domain::permission::Profile;
use crate::entra::denied;

const CHECK: &str = "dangerous_rights";

pub(super) fn judge(roles: Option<&[String]>, profile: Profile) -> Line {
    let Some(roles) = roles else {
        let said = "our token cannot be read, so its rights are not known";
        let fix = "Look at the application's permissions in Entra";
        return Line::of(CHECK, State::Unknown, said, fix);
    };
    let found = denied(profile, roles);
    if found.is_empty() {
        let said = format!("none outside the profile `{}`", profile.word());
        return Line::ok(CHECK, said);
    }
    let trap = if found
        .iter()
        .any(|right| right == "Directory.AccessAsUser.All")
    {
        "; Directory.AccessAsUser.All makes Entra ignore the agent permissions beside it"
    } else {
        ""
    };
    let said = format!("{}{trap}", found.join(", "));
    let fix = "Remove the grant: whoever takes our credential takes more than agents. `estop serve` \
               refuses to start with it";
    Line::of(CHECK, State::Fail, said, fix)
}
