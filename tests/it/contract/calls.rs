//! How each call of the table is made. A name is the type, the function, and where one function
//! makes several requests its case.

use estop::domain::entity::{Entity, EntityKind, ObjectId};
use estop::domain::found::{AppRole, DirectoryRole, Grant, OpaqueId};
use estop::domain::inventory::{Bond, Part};
use estop::domain::moment::Moment;
use estop::domain::pull::RiskList;
use estop::foundry::Sessions;
use estop::graph::{Ask, ChangesOf, Enabled, Priority, Removable, SignInsOf, Wanted};
use uuid::Uuid;

use super::{Bench, End};

/// Makes one call once.
pub(super) async fn make(at: &Bench, call: &str, priority: Priority) -> End {
    let ask = Ask {
        priority,
        correlation: Uuid::from_u128(7),
    };
    if let Some(end) = objects(at, call, ask).await {
        return end;
    }
    if let Some(end) = switches(at, call, ask).await {
        return end;
    }
    if let Some(end) = held(at, call, ask).await {
        return end;
    }
    if let Some(end) = put_back(at, call, ask).await {
        return end;
    }
    if let Some(end) = whole_lists(at, call, ask).await {
        return end;
    }
    if let Some(end) = logs(at, call, ask).await {
        return end;
    }
    if let Some(end) = risks(at, call, ask).await {
        return end;
    }
    around(at, call, ask)
        .await
        .unwrap_or_else(|| panic!("nobody knows how to make {call}"))
}

/// What evidence reads.
async fn logs(at: &Bench, call: &str, ask: Ask) -> Option<End> {
    let (graph, it, since) = (&at.graph, &at.things, Moment::from_millis(0));
    let sign_ins = |whose| graph.sign_ins(ask, whose, since);
    let changes = |whose| graph.directory_changes(ask, whose, since);
    match call {
        "Graph::sign_ins/itself" => end(sign_ins(SignInsOf::Itself(it.agent)).await),
        "Graph::sign_ins/callers" => end(sign_ins(SignInsOf::Callers(it.agent)).await),
        "Graph::sign_ins/on behalf" => end(sign_ins(SignInsOf::OnBehalf(it.agent)).await),
        "Graph::sign_ins/user" => end(sign_ins(SignInsOf::User(it.agent_user)).await),
        "Graph::directory_changes/target" => end(changes(ChangesOf::Target(it.agent)).await),
        "Graph::directory_changes/app" => end(changes(ChangesOf::App(it.agent)).await),
        "Graph::directory_changes/user" => end(changes(ChangesOf::User(it.agent_user)).await),
        "Graph::alert" => {
            let id = OpaqueId::new("alert").unwrap();
            end(graph.alert(ask, &id).await)
        }
        "Graph::role_names" => end(graph.role_names(ask).await),
        "Graph::assignments_of_role" => {
            let role = OpaqueId::new("role").unwrap();
            end(graph.assignments_of_role(ask, &role).await)
        }
        "Sentinel::comment" => {
            let said = ("**Contained** by estop.", None);
            end(at.sentinel.comment(&it.incident, it.comment, said).await)
        }
        "Sentinel::comment_etag" => end(at.sentinel.comment_etag(&it.incident, it.comment).await),
        "Sentinel::incident" => end(at.sentinel.incident(&it.incident).await),
        "Sentinel::write_incident" => {
            let read = it.read.clone();
            end(at.sentinel.write_incident(&it.incident, read).await)
        }
        "Table::add" => end(at.table.add(vec![serde_json::json!({ "Number": 7 })]).await),
        "Graph::incident" => end(graph.incident(ask, &it.number).await),
        "Graph::comment_incident" => end(graph
            .comment_incident(ask, &it.number, "Contained by estop.")
            .await),
        "Graph::tag_incident" => {
            let tags = ["estop:contained".to_owned()];
            end(graph.tag_incident(ask, &it.number, &tags).await)
        }
        "Graph::judge_incident" => {
            let judgement = estop::graph::Judgement::FalsePositive;
            end(graph.judge_incident(ask, &it.number, judgement).await)
        }
        "Arm::roles_of" => end(at.arm.roles_of(it.plain, it.agent).await),
        _ => None,
    }
}

fn end<T, E: Into<End>>(result: Result<T, E>) -> Option<End> {
    Some(result.map_or_else(Into::into, |_| End::Done))
}

/// One object, or the few that hang from it.
async fn objects(at: &Bench, call: &str, ask: Ask) -> Option<End> {
    let (graph, it) = (&at.graph, &at.things);
    match call {
        "Graph::agent" => end(graph.agent(ask, it.agent).await),
        "Graph::agents_of" => end(graph.agents_of(ask, it.blueprint_app).await),
        "Graph::agents" => end(graph.agents(ask).await),
        "Graph::agents_by_id" => {
            let mut ends = graph.agents_by_id(ask, &[it.agent, it.agent]).await;
            end(ends.remove(0).1)
        }
        "Graph::blueprint" => end(graph.blueprint(ask, it.blueprint).await),
        "Graph::blueprint_by_app_id" => end(graph.blueprint_by_app_id(ask, it.blueprint_app).await),
        "Graph::agent_user" => end(graph.agent_user(ask, it.agent_user).await),
        "Graph::person" => end(graph.person(ask, it.person).await),
        "Graph::agent_users_of" => end(graph.agent_users_of(ask, it.agent).await),
        "Graph::manager_of" => end(graph.manager_of(ask, it.person).await),
        "Graph::principal" => end(graph.principal(ask, it.plain).await),
        "Graph::tag_of" => end(graph.tag_of(ask, it.agent, &it.tag).await),
        "Graph::is_deleted" => end(graph.is_deleted(ask, it.deleted).await),
        "Graph::people_of/owners" => end(people(at, ask, (EntityKind::Agent, Bond::Owner)).await),
        "Graph::people_of/sponsors of an agent" => {
            end(people(at, ask, (EntityKind::Agent, Bond::Sponsor)).await)
        }
        "Graph::people_of/sponsors of a blueprint" => {
            end(people(at, ask, (EntityKind::Blueprint, Bond::Sponsor)).await)
        }
        _ => None,
    }
}

async fn people(
    at: &Bench,
    ask: Ask,
    (kind, bond): (EntityKind, Bond),
) -> Result<(), estop::graph::Error> {
    let id = match kind {
        EntityKind::Blueprint => at.things.blueprint,
        EntityKind::Agent
        | EntityKind::ServicePrincipal
        | EntityKind::AgentUser
        | EntityKind::User => at.things.agent,
    };
    let people = at.graph.people_of(ask, Entity { kind, id }, bond).await;
    people.map(drop)
}

async fn switches(at: &Bench, call: &str, ask: Ask) -> Option<End> {
    let (graph, it, no) = (&at.graph, &at.things, Enabled::No);
    match call {
        "Graph::set_agent_enabled" => end(graph.set_agent_enabled(ask, it.agent, no).await),
        "Graph::set_blueprint_enabled" => {
            end(graph.set_blueprint_enabled(ask, it.blueprint, no).await)
        }
        "Graph::set_agent_user_enabled" => {
            end(graph.set_agent_user_enabled(ask, it.agent_user, no).await)
        }
        "Graph::set_principal_enabled" => end(graph.set_principal_enabled(ask, it.plain, no).await),
        "Graph::revoke_sessions" => end(graph.revoke_sessions(ask, it.agent_user).await),
        "Graph::confirm_compromised" => end(graph.confirm_compromised(ask, it.agent).await),
        "Graph::confirm_safe" => end(graph.confirm_safe(ask, it.agent).await),
        "Graph::dismiss" => end(graph.dismiss(ask, it.agent).await),
        "Graph::set_tag" => {
            let value = Some(it.tag.value.as_str());
            end(graph.set_tag(ask, it.agent, &it.tag, value).await)
        }
        "Graph::set_tag/away" => end(graph.set_tag(ask, it.agent, &it.tag, None).await),
        "Graph::restore" => end(graph.restore(ask, it.deleted).await),
        "Foundry::switch/stop" => end(at.foundry.switch(&it.runtime, Sessions::Stopped).await),
        "Foundry::switch/allow" => end(at.foundry.switch(&it.stopped, Sessions::Allowed).await),
        _ => None,
    }
}

/// What an entity holds: listed and taken away.
async fn held(at: &Bench, call: &str, ask: Ask) -> Option<End> {
    let (graph, it) = (&at.graph, &at.things);
    let delete = |what| graph.delete(ask, what);
    match call {
        "Graph::grants_of" => end(graph.grants_of(ask, it.agent).await),
        "Graph::app_roles_of" => end(graph.app_roles_of(ask, it.agent).await),
        "Graph::directory_roles_of" => end(graph.directory_roles_of(ask, it.agent).await),
        "Graph::packages_of" => end(graph.packages_of(ask, it.agent).await),
        "Graph::credentials_of" => end(graph.credentials_of(ask, it.blueprint_app).await),
        "Graph::instances_of" => end(graph.instances_of(ask, it.agent).await),
        "Graph::quarantined" => end(graph.quarantined(ask).await),
        "Graph::delete/grant" => end(delete(Removable::Grant(&it.grant.id)).await),
        "Graph::delete/app role" => {
            end(delete(Removable::AppRole(it.agent, &it.app_role.id)).await)
        }
        "Graph::delete/directory role" => end(delete(Removable::DirectoryRole(&it.role.id)).await),
        "Graph::delete/trust" => end(delete(Removable::Trust(it.application, &it.trust)).await),
        "Graph::delete/quarantine" => end(delete(Removable::Quarantine(&it.quarantined)).await),
        "Graph::remove_package" => end(graph.remove_package(ask, &it.package).await),
        "Graph::remove_secret" => end(graph.remove_secret(ask, it.application, it.secret).await),
        "Graph::remove_certificates" => end(graph.remove_certificates(ask, it.application).await),
        _ => None,
    }
}

/// What was taken away, given anew; unlike what is held still, or it would be refused.
async fn put_back(at: &Bench, call: &str, ask: Ask) -> Option<End> {
    let (graph, it) = (&at.graph, &at.things);
    let other = ObjectId::from_uuid(Uuid::from_u128(0xBEEF));
    match call {
        "Graph::grant" => {
            let grant = Grant {
                resource_id: other,
                ..it.grant.clone()
            };
            end(graph.grant(ask, &grant).await)
        }
        "Graph::assign_app_role" => {
            let role = AppRole {
                resource_id: other,
                ..it.app_role.clone()
            };
            end(graph.assign_app_role(ask, &role).await)
        }
        "Graph::assign_directory_role" => {
            let role = DirectoryRole {
                directory_scope_id: "/other".to_owned(),
                ..it.role.clone()
            };
            end(graph.assign_directory_role(ask, &role).await)
        }
        "Graph::assign_package" => end(graph.assign_package(ask, &it.package).await),
        "Graph::quarantine" => end(graph.quarantine(ask, &it.instance).await),
        _ => None,
    }
}

async fn whole_lists(at: &Bench, call: &str, ask: Ask) -> Option<End> {
    let named = call.strip_prefix("Roll::next/")?;
    let plain = named.strip_suffix(", attributes");
    let part = match plain.unwrap_or(named) {
        "blueprints" => Part::Blueprints,
        "agents" => Part::Agents,
        "agent users" => Part::AgentUsers,
        "applications" => Part::Applications,
        "classic agents" => Part::ClassicAgents,
        "instances" => Part::Instances,
        _ => return None,
    };
    let attributes = plain.map(|_| "Governance");
    let wanted = Wanted { part, attributes };
    let mut roll = at.graph.roll(ask, wanted, Moment::from_millis(0)).unwrap();
    loop {
        match roll.next().await {
            Ok(Some(_)) => {}
            Ok(None) => return Some(End::Done),
            Err(error) => return Some(error.into()),
        }
    }
}

/// What is pulled.
async fn risks(at: &Bench, call: &str, ask: Ask) -> Option<End> {
    let which = call.strip_prefix("Risks::next/")?;
    let since = match which.strip_prefix("all ") {
        Some(_) => None,
        None => Some(Moment::from_millis(0)),
    };
    let list = match which.trim_start_matches("all ") {
        "agent detections" => RiskList::AgentRiskDetections,
        "risky agents" => RiskList::RiskyAgents,
        "principal detections" => RiskList::ServicePrincipalRiskDetections,
        _ => return None,
    };
    let mut risks = at.graph.risks(ask, list, since);
    loop {
        match risks.next().await {
            Ok(Some(_)) => {}
            Ok(None) => return Some(End::Done),
            Err(error) => return Some(error.into()),
        }
    }
}

/// What the tenant is like. New kinds of evidence belong here too.
async fn around(at: &Bench, call: &str, ask: Ask) -> Option<End> {
    let (graph, it) = (&at.graph, &at.things);
    match call {
        "Graph::warm" => end(graph.warm(ask).await),
        "Graph::probe" => end(graph.probe(ask).await),
        "Graph::policies" => end(graph.policies(ask).await),
        "Graph::security_defaults" => end(graph.security_defaults(ask).await),
        "Graph::agent_risk_answers" => end(graph.agent_risk_answers(ask).await),
        "Graph::service_plans" => end(graph.service_plans(ask).await),
        "Graph::objects_there" => end(graph.objects_there(ask, &[it.agent]).await),
        "Arm::diagnostic_settings" => end(at.arm.diagnostic_settings().await),
        _ => None,
    }
}
