//! What entities hold: listed by their holder, given and taken as the real tenant does.

use serde_json::json;
use uuid::Uuid;

use super::World;
use crate::sim::{Aspect, BlueprintIds, INVOICE_BOT, Shelf, Tenant};

const ALL_RIGHTS: [&str; 12] = [
    "DelegatedPermissionGrant.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "Application.Read.All",
    "RoleManagement.ReadWrite.Directory",
    "EntitlementManagement.ReadWrite.All",
    "AgentIdentityBlueprint.Read.All",
    "AgentIdentityBlueprint.AddRemoveCreds.All",
    "CustomSecAttributeAssignment.ReadWrite.All",
    "AgentInstance.Read.All",
    "AgentCollection.ReadWrite.All",
    "AgentIdentityBlueprintPrincipal.DeleteRestore.All",
    "Application.ReadWrite.All",
];
const QUARANTINE: &str =
    "/beta/agentRegistry/agentCollections/00000000-0000-0000-0000-000000000002/members";

fn finance() -> BlueprintIds {
    let tenant = Tenant::contoso();
    let app = tenant.agents[&INVOICE_BOT].blueprint_app_id;
    tenant.blueprint_of_app(app).unwrap().ids
}

fn furnish(tenant: &mut Tenant, rights: &[&str]) {
    tenant.furnish(INVOICE_BOT);
    tenant.furnish(finance().principal);
    tenant.register(INVOICE_BOT, "one");
    tenant.run_in_foundry(INVOICE_BOT, "p", "invoice-bot");
    tenant.attributes.insert("Estop.State".to_owned());
    tenant.client.permissions = rights.iter().map(|&it| it.to_owned()).collect();
}

fn furnished(rights: &[&str]) -> World {
    World::with(|tenant| furnish(tenant, rights))
}

fn key(world: &World, shelf: Shelf, owner: Uuid) -> String {
    world.entra.tenant().held(shelf, owner)[0].0.clone()
}

/// Method, path, body, and the right it needs.
type Write = (&'static str, String, serde_json::Value, &'static str);

/// Each write with the right it needs.
fn writes(world: &World) -> Vec<Write> {
    let mut all = of_agent(world);
    all.extend(of_blueprint(world));
    all
}

fn of_agent(world: &World) -> Vec<Write> {
    let principal = format!("/v1.0/servicePrincipals/{INVOICE_BOT}");
    let of = |shelf| key(world, shelf, INVOICE_BOT);
    let tag = json!({ "customSecurityAttributes": { "Estop": {
        "@odata.type": "#Microsoft.DirectoryServices.CustomSecurityAttributeValue",
        "State": "contained",
    } } });
    let instance = format!(
        "https://graph.microsoft.com/beta/agentRegistry/agentInstances('{}')",
        of(Shelf::Instances)
    );
    let package = json!({
        "requestType": "adminRemove", "assignment": { "id": of(Shelf::Packages) },
    });
    let grant = format!("/v1.0/oauth2PermissionGrants/{}", of(Shelf::Grants));
    let app_role = format!("{principal}/appRoleAssignments/{}", of(Shelf::AppRoles));
    let roles = "/v1.0/roleManagement/directory/roleAssignments";
    let role = format!("{roles}/{}", of(Shelf::DirectoryRoles));
    let requests = "/v1.0/identityGovernance/entitlementManagement/assignmentRequests".to_owned();
    let none = || serde_json::Value::Null;
    vec![
        (
            "DELETE",
            grant,
            none(),
            "DelegatedPermissionGrant.ReadWrite.All",
        ),
        (
            "DELETE",
            app_role,
            none(),
            "AppRoleAssignment.ReadWrite.All",
        ),
        ("DELETE", role, none(), "RoleManagement.ReadWrite.Directory"),
        (
            "POST",
            requests,
            package,
            "EntitlementManagement.ReadWrite.All",
        ),
        (
            "PATCH",
            principal.clone(),
            tag,
            "CustomSecAttributeAssignment.ReadWrite.All",
        ),
        (
            "PATCH",
            principal,
            json!({ "accountEnabled": false }),
            "Application.ReadWrite.All",
        ),
        (
            "POST",
            format!("{QUARANTINE}/$ref"),
            json!({ "@odata.id": instance }),
            "AgentCollection.ReadWrite.All",
        ),
    ]
}

fn of_blueprint(world: &World) -> Vec<Write> {
    let ids = finance();
    let blueprint = format!(
        "/v1.0/applications/{}/microsoft.graph.agentIdentityBlueprint",
        ids.application
    );
    let secret = key(world, Shelf::Secrets, ids.principal);
    let trust = key(world, Shelf::Trusts, ids.principal);
    let right = "AgentIdentityBlueprint.AddRemoveCreds.All";
    vec![
        (
            "POST",
            format!("{blueprint}/removePassword"),
            json!({ "keyId": secret }),
            right,
        ),
        (
            "PATCH",
            blueprint.clone(),
            json!({ "keyCredentials": [] }),
            right,
        ),
        (
            "DELETE",
            format!("{blueprint}/federatedIdentityCredentials/{trust}"),
            serde_json::Value::Null,
            right,
        ),
    ]
}

/// A write's body as it is sent.
fn text(body: &serde_json::Value) -> String {
    if body.is_null() {
        String::new()
    } else {
        body.to_string()
    }
}

#[tokio::test]
async fn each_thing_is_taken_once_and_then_it_is_gone() {
    let world = furnished(&ALL_RIGHTS);

    for (method, path, body, _) in writes(&world) {
        let before = world.entra.effects().len();
        let body = text(&body);
        let first = world.call(method, &path, &body).await;
        let once = world.entra.effects().len();
        world.call(method, &path, &body).await;
        let twice = world.entra.effects().len();

        assert!(matches!(first.status, 201 | 204), "{path}: {first:?}");
        assert_eq!((once, twice), (before + 1, before + 1), "{method} {path}");
    }
}

#[tokio::test]
async fn without_its_right_each_call_is_refused_and_changes_nothing() {
    let sample = furnished(&ALL_RIGHTS);
    for (method, path, body, right) in writes(&sample) {
        let mut rights = ALL_RIGHTS.to_vec();
        rights.retain(|it| *it != right);
        let world = furnished(&rights);

        let seen = world.call(method, &path, &text(&body)).await;

        assert_eq!(
            seen.refusal(),
            (403, "Authorization_RequestDenied"),
            "{method} {path}"
        );
        assert!(world.entra.effects().is_empty(), "{method} {path}");
    }
}

#[tokio::test]
async fn a_thing_of_another_holder_or_kind_is_not_there() {
    let world = furnished(&ALL_RIGHTS);
    let ids = finance();
    let role = key(&world, Shelf::AppRoles, INVOICE_BOT);
    let trust = key(&world, Shelf::Trusts, ids.principal);
    let cast = "microsoft.graph.agentIdentityBlueprint";

    for path in [
        // Of another principal.
        format!(
            "/v1.0/servicePrincipals/{}/appRoleAssignments/{role}",
            ids.principal
        ),
        // The app id, and the principal's id, where the application's object id is due.
        format!(
            "/v1.0/applications/{}/{cast}/federatedIdentityCredentials/{trust}",
            ids.app
        ),
        format!(
            "/v1.0/applications/{}/{cast}/federatedIdentityCredentials/{trust}",
            ids.principal
        ),
        // Without the cast, the least right would not be enough: not modelled.
        format!(
            "/v1.0/applications/{}/federatedIdentityCredentials/{trust}",
            ids.application
        ),
        // The entities themselves.
        format!("/v1.0/servicePrincipals/{INVOICE_BOT}"),
        format!("/v1.0/applications/{}", ids.application),
        format!("/v1.0/oauth2PermissionGrants/{role}"),
    ] {
        let seen = world.call("DELETE", &path, "").await;
        assert_eq!(seen.status, 404, "{path}");
    }
    assert!(world.entra.effects().is_empty());
}

#[tokio::test]
async fn what_is_given_again_must_be_whole_and_new() {
    let world = furnished(&ALL_RIGHTS);
    let grants = "/v1.0/oauth2PermissionGrants";
    let mut grant = world.entra.tenant().held(Shelf::Grants, INVOICE_BOT)[0]
        .1
        .clone();
    let with_id = grant.to_string();
    grant.as_object_mut().unwrap().remove("id");
    let there_already = grant.to_string();
    let mut short = grant.clone();
    short.as_object_mut().unwrap().remove("scope");
    let mut of_nobody = grant.clone();
    of_nobody["clientId"] = json!(Uuid::from_u128(9));

    assert_eq!(world.call("POST", grants, &with_id).await.status, 400);
    assert_eq!(world.call("POST", grants, &there_already).await.status, 409);
    assert_eq!(
        world.call("POST", grants, &short.to_string()).await.status,
        400
    );
    assert_eq!(
        world
            .call("POST", grants, &of_nobody.to_string())
            .await
            .status,
        404
    );
    assert!(world.entra.effects().is_empty());
}

#[tokio::test]
async fn a_list_is_of_one_holder_and_shows_what_was_asked_for() {
    let world = furnished(&ALL_RIGHTS);
    let id = INVOICE_BOT;
    let packages = "/v1.0/identityGovernance/entitlementManagement/assignments";
    let filter = format!("$filter=state%20eq%20'delivered'%20and%20target/objectId%20eq%20'{id}'");

    let grants = world
        .get(&format!(
            "/v1.0/oauth2PermissionGrants?$filter=clientId%20eq%20'{id}'"
        ))
        .await;
    let all = world.get("/v1.0/oauth2PermissionGrants").await;
    let bare = world.get(&format!("{packages}?{filter}")).await;
    let whole = world
        .get(&format!(
            "{packages}?$expand=target,accessPackage,assignmentPolicy&{filter}"
        ))
        .await;

    assert_eq!(grants.json["value"].as_array().unwrap().len(), 2);
    assert_eq!(all.refusal(), (400, "Request_UnsupportedQuery"));
    assert!(bare.json["value"][0]["target"].is_null());
    assert_eq!(whole.json["value"][0]["target"]["objectId"], json!(id));
}

#[tokio::test]
async fn an_attribute_must_be_defined_typed_and_chosen_to_be_seen() {
    let world = furnished(&ALL_RIGHTS);
    let path = format!("/v1.0/servicePrincipals/{INVOICE_BOT}");
    let set = |set: &str, name: &str, kind: &str| {
        json!({ "customSecurityAttributes": { set: { "@odata.type": kind, name: "x" } } })
            .to_string()
    };
    let kind = "#Microsoft.DirectoryServices.CustomSecurityAttributeValue";

    for bad in [
        set("Estop", "Other", kind),
        set("Other", "State", kind),
        set("Estop", "State", "#Int32"),
    ] {
        assert_eq!(world.call("PATCH", &path, &bad).await.status, 400, "{bad}");
    }
    let good = world
        .call("PATCH", &path, &set("Estop", "State", kind))
        .await;
    let unasked = world.get(&path).await;
    let asked = world
        .get(&format!("{path}?$select=id,customSecurityAttributes"))
        .await;

    assert_eq!(good.status, 204);
    assert!(unasked.json["customSecurityAttributes"].is_null());
    assert_eq!(
        asked.json["customSecurityAttributes"]["Estop"]["State"],
        "x"
    );
}

#[tokio::test]
async fn a_deleted_blueprint_is_gone_until_it_is_restored() {
    let world = World::with(|tenant| {
        furnish(tenant, &ALL_RIGHTS);
        tenant.soft_delete(finance().principal);
    });
    let id = finance().principal;
    let restore = format!("/v1.0/directory/deletedItems/{id}/restore");

    let listed = world
        .get("/v1.0/directory/deletedItems/microsoft.graph.servicePrincipal?$select=id")
        .await;
    let first = world.call("POST", &restore, "").await;
    let second = world.call("POST", &restore, "").await;

    assert_eq!(listed.ids(), [id]);
    assert_eq!((first.status, second.status), (200, 404));
    assert!(world.entra.blueprint(id).is_some());
    assert_eq!(world.entra.effects()[0].aspect, Aspect::Deleted);
}

#[tokio::test]
async fn foundry_takes_only_its_own_tokens_and_known_agents() {
    let world = furnished(&ALL_RIGHTS);
    let send = |path: &str, token: Option<String>| {
        let request = http::Request::post(format!("https://contoso.services.ai.azure.com{path}"))
            .header("authorization", format!("Bearer {}", token.unwrap()))
            .body(bytes::Bytes::new())
            .unwrap();
        world.send(request)
    };
    let ours = || world.entra.access_token_for("https://ai.azure.com");
    let path = "/api/projects/p/agents/invoice-bot:disable?api-version=v1";

    let by_graph = send(path, world.entra.access_token()).await.unwrap();
    let unversioned = send("/api/projects/p/agents/invoice-bot:disable", ours()).await;
    let unknown = send(
        "/api/projects/p/agents/other:disable?api-version=v1",
        ours(),
    )
    .await;
    let first = send(path, ours()).await.unwrap();
    let second = send(path, ours()).await.unwrap();

    assert_eq!(by_graph.status, 401);
    assert_eq!(unversioned.unwrap().status, 400);
    assert_eq!(unknown.unwrap().status, 404);
    assert_eq!((first.status, second.status), (204, 204));
    assert_eq!(world.entra.effects().len(), 1);
}
