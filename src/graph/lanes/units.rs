//! What a call costs in resource units (Microsoft: Graph throttling limits, table of base costs).

use http::{HeaderMap, Method};

/// What `$top` must stay under to be cheaper.
const FEW: u32 = 20;

/// Resource units of one call, by its method and its path with query. Zero for the families that
/// have limits of their own.
pub(in crate::graph) fn units(method: &Method, place: &str) -> u32 {
    let (path, query) = place.split_once('?').unwrap_or((place, ""));
    let segments: Vec<&str> = path
        .split('/')
        .filter(|it| !it.is_empty())
        .skip(1)
        .collect();
    let Some(base) = base(method, &segments) else {
        return 0;
    };
    let chosen = |name: &str| {
        let mut options = query.split('&').filter_map(|it| it.split_once('='));
        options
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    };
    // A getByIds with `$select` has a price of its own.
    if segments.last() == Some(&"getByIds") {
        return if chosen("$select").is_some() { 2 } else { base };
    }
    if *method != Method::GET {
        return base;
    }
    let few = chosen("$top").and_then(|top| top.parse::<u32>().ok());
    let cheaper =
        u32::from(chosen("$select").is_some()) + u32::from(few.is_some_and(|it| it < FEW));
    let dearer = u32::from(chosen("$expand").is_some());
    (base + dearer).saturating_sub(cheaper).max(1)
}

fn base(method: &Method, segments: &[&str]) -> Option<u32> {
    let first = *segments.first()?;
    let last = *segments.last()?;
    match first {
        "identityProtection" | "identity" | "auditLogs" | "security" => return None,
        "directoryObjects" if last == "getByIds" => return Some(5),
        _ => {}
    }
    if *method != Method::GET {
        return Some(1);
    }
    let name = first.split('(').next().unwrap_or(first);
    Some(match (name, last) {
        ("groups", "transitiveMembers") => 5,
        ("groups", "members") => 3,
        ("users" | "applications" | "oauth2PermissionGrants", _) => 2,
        (_, "appRoleAssignments" | "oauth2PermissionGrants") => 2,
        (_, "memberOf" | "transitiveMemberOf" | "ownedObjects") => 2,
        _ => 1,
    })
}

/// What the tenant says that a call has cost.
pub(super) fn said(headers: &HeaderMap) -> Option<u32> {
    let text = headers.get("x-ms-resource-unit")?.to_str().ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::units;

    #[test]
    fn a_call_costs_what_microsoft_publishes() {
        let cases = [
            (
                "GET",
                "/v1.0/servicePrincipals/x/microsoft.graph.agentIdentity",
                1,
            ),
            ("GET", "/v1.0/servicePrincipals/x?$select=id", 1),
            ("GET", "/v1.0/users/x", 2),
            ("GET", "/v1.0/users/x?$select=id", 1),
            ("GET", "/v1.0/users?$filter=a%20eq%20'b'&$expand=manager", 3),
            ("GET", "/v1.0/users?$select=id&$top=1", 1),
            ("GET", "/v1.0/users?$top=999", 2),
            ("GET", "/v1.0/applications/x", 2),
            ("GET", "/v1.0/applications(appId='x')?$select=id", 1),
            ("GET", "/v1.0/oauth2PermissionGrants?$filter=x", 2),
            ("GET", "/v1.0/servicePrincipals/x/appRoleAssignments", 2),
            ("GET", "/v1.0/servicePrincipals/x/transitiveMemberOf", 2),
            ("GET", "/v1.0/groups/x/members", 3),
            ("GET", "/v1.0/groups/x/transitiveMembers?$select=id", 4),
            ("POST", "/v1.0/directoryObjects/getByIds", 5),
            ("POST", "/v1.0/directoryObjects/getByIds?$select=id", 2),
            ("PATCH", "/v1.0/servicePrincipals/x", 1),
            ("DELETE", "/v1.0/oauth2PermissionGrants/x", 1),
            ("POST", "/beta/identityProtection/riskyAgents/dismiss", 0),
            ("GET", "/beta/identity/conditionalAccess/policies", 0),
        ];

        for (method, place, wanted) in cases {
            let method = Method::from_bytes(method.as_bytes()).unwrap();

            assert_eq!(units(&method, place), wanted, "{method} {place}");
        }
    }
}
