//! Lines of the tenant's logs, as evidence keeps them: who, when, what for, how it went. No token,
//! no credential and no content is ever in a line.

use serde::{Deserialize, Serialize};

use crate::domain::entity::ObjectId;
use crate::domain::moment::Moment;

/// One sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// Microsoft's id of the line.
    pub id: String,
    /// When.
    pub at: Moment,
    /// 0 for a token that was issued; else an AADSTS code.
    pub error_code: i64,
    /// Why it was refused, in Microsoft's words.
    pub failure: Option<String>,
    /// Object id of the service principal that signed in.
    pub service_principal: Option<ObjectId>,
    /// Object id of the user it was for.
    pub user: Option<ObjectId>,
    /// App id of who asked.
    pub app: Option<ObjectId>,
    /// Object id of the resource the token is for.
    pub resource: Option<ObjectId>,
    /// What people call that resource.
    pub resource_name: Option<String>,
    /// From where.
    pub ip: Option<String>,
    /// What the beta property `agent` says, where it says anything we can read.
    pub agent: Option<AgentWord>,
}

/// The beta property `agent`. Its words are kept as they come: the list of them grows, and the
/// documentation names some that the metadata does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentWord {
    /// `agentType`, such as `agenticAppInstance`.
    pub kind: Option<String>,
    /// `agentSubjectType`.
    pub subject: Option<String>,
    /// `agentSubjectParentId`.
    pub parent: Option<String>,
    /// `parentAppId`.
    pub parent_app: Option<String>,
}

/// Sign-ins since a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInList {
    /// From when on.
    pub since: Moment,
    /// Were there no more than these?
    pub whole: bool,
    /// Newest first, as the log gives them.
    pub sign_ins: Vec<SignIn>,
}

/// One change of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Microsoft's id of the line.
    pub id: String,
    /// When.
    pub at: Moment,
    /// What was done, such as `Update service principal`.
    pub activity: String,
    /// `success`, `failure` or another word of Microsoft's.
    pub result: Option<String>,
    /// Object id of the user, or app id of the application, that did it.
    pub by: Option<String>,
    /// Object ids of what was changed.
    pub targets: Vec<String>,
    /// Names of the properties that were changed; never their values.
    pub properties: Vec<String>,
}

/// Changes since a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeList {
    /// From when on.
    pub since: Moment,
    /// Were there no more than these?
    pub whole: bool,
    /// Changes about the entity.
    pub about: Vec<Change>,
    /// Changes by the entity; `None` where the log cannot be asked for them.
    pub by: Option<Vec<Change>>,
}

/// Who called the entity and whom it called, within a day, as far as logs show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerList {
    /// From when on.
    pub since: Moment,
    /// Were there no more than these?
    pub whole: bool,
    /// Object ids of those who were issued tokens for it.
    pub callers: Vec<ObjectId>,
    /// Object ids of the resources it was issued tokens for.
    pub called: Vec<ObjectId>,
    /// Those of `called` that the inventory knows as agents.
    pub sub_agents: Vec<ObjectId>,
}
