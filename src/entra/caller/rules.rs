//! What is demanded of whoever calls.

use serde::Deserialize;

use super::claims::Claims;
use super::doubt::Doubt;
use crate::domain::entity::{ObjectId, TenantId};
use crate::domain::moment::Moment;

/// How far our clock and Entra's may be apart, in seconds.
const LEEWAY_SECONDS: u64 = 60;
/// Most audiences, callers, applications or roles of one rule.
const LIST_MAX: usize = 64;

/// The two names under which Entra issues the access tokens of one tenant. Which of them it uses
/// is decided by the application registration that the token is for (Microsoft: access token
/// formats), so both are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuers {
    v1: String,
    v2: String,
}

/// How sure it must be that an application speaks for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppMark {
    /// `idtyp` may be absent, as it is unless the registration asks for it; then the token must
    /// carry no scope, and its subject must be the service principal itself.
    #[default]
    IfPresent,
    /// `idtyp` must be there and say `app`.
    Required,
}

/// Who may call. Every list that is not empty must hold; at least one must be filled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerRules {
    /// What the access token must be for, exactly: the App ID URI or the client id.
    pub audiences: Vec<String>,
    /// `oid`: object ids of service principals that may call.
    pub callers: Vec<ObjectId>,
    /// `appid` or `azp`: applications that may call.
    pub applications: Vec<ObjectId>,
    /// `roles`: any one of these app roles.
    pub roles: Vec<String>,
    /// What `idtyp` must say.
    pub idtyp: AppMark,
}

/// The rules cannot be used. Says which and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadRules(&'static str);

impl Issuers {
    /// Of a tenant in the cloud whose tokens come from `home`, such as
    /// `https://login.microsoftonline.com`.
    pub fn new(home: &str, tenant: TenantId) -> Self {
        let home = home.trim_end_matches('/');
        let old = if home.ends_with(".chinacloudapi.cn") {
            "https://sts.chinacloudapi.cn"
        } else {
            "https://sts.windows.net"
        };
        Self {
            v1: format!("{old}/{tenant}/"),
            v2: format!("{home}/{tenant}/v2.0"),
        }
    }
}

impl CallerRules {
    /// Whether they demand enough: an audience, and who may call.
    pub fn checked(self) -> Result<Self, BadRules> {
        let lists = [
            self.audiences.len(),
            self.callers.len(),
            self.applications.len(),
            self.roles.len(),
        ];
        if lists.iter().any(|length| *length > LIST_MAX) {
            return Err(BadRules("a list of it is longer than 64"));
        }
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return Err(BadRules(
                "it needs `audience`: the App ID URI or the client id",
            ));
        }
        if lists[1..].iter().all(|length| *length == 0) {
            return Err(BadRules(
                "it names nobody who may call, and any application of the tenant can get a token \
                 for us: add `callers`, `applications` or `roles`",
            ));
        }
        Ok(self)
    }

    /// Whether these claims, whose signature was checked, hold against the rules at `now`.
    pub(super) fn admit(
        &self,
        claims: &Claims,
        (issuers, tenant): (&Issuers, TenantId),
        now: Moment,
    ) -> Result<ObjectId, Doubt> {
        let app = match claims.ver.as_str() {
            "1.0" if claims.iss == issuers.v1 => claims.appid,
            "2.0" if claims.iss == issuers.v2 => claims.azp,
            _ => return Err(Doubt::Issuer),
        };
        if claims.tid != tenant {
            return Err(Doubt::Tenant);
        }
        if !self.audiences.contains(&claims.aud) {
            return Err(Doubt::Audience);
        }
        in_time(claims, now)?;
        // What names no application is an ID token or a stranger thing.
        let app = app.ok_or(Doubt::NotAnApplication)?;
        self.speaks_for_itself(claims)?;
        let among = |list: &[ObjectId], id| list.is_empty() || list.contains(&id);
        if !among(&self.callers, claims.oid) {
            return Err(Doubt::Caller);
        }
        if !among(&self.applications, app) {
            return Err(Doubt::Application);
        }
        let held = |role: &String| claims.roles.contains(role);
        if !self.roles.is_empty() && !self.roles.iter().any(held) {
            return Err(Doubt::Role);
        }
        Ok(app)
    }

    fn speaks_for_itself(&self, claims: &Claims) -> Result<(), Doubt> {
        let marked = match (claims.idtyp.as_deref(), self.idtyp) {
            (Some("app"), _) => true,
            (None, AppMark::IfPresent) => claims.sub == claims.oid.to_string(),
            (None, AppMark::Required) | (Some(_), _) => false,
        };
        if marked && !claims.scp {
            Ok(())
        } else {
            Err(Doubt::NotAnApplication)
        }
    }
}

fn in_time(claims: &Claims, now: Moment) -> Result<(), Doubt> {
    let now = u64::try_from(now.as_seconds()).map_err(|_| Doubt::NotYet)?;
    if claims.exp.saturating_add(LEEWAY_SECONDS) <= now {
        return Err(Doubt::Ended);
    }
    let begun = now.saturating_add(LEEWAY_SECONDS);
    if claims.nbf > begun || claims.iat > begun || claims.exp > i64::MAX as u64 {
        return Err(Doubt::NotYet);
    }
    Ok(())
}
