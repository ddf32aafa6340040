//! The inventory: agents and blueprints as they were last listed, with how far that came.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Api;
use super::body::Named;
use super::problem::Problem;
use super::query::Params;
use crate::command::EntityShown;
use crate::domain::entity::{EntityKind, ObjectId};
use crate::store::StockFilter;

pub(super) async fn agents(State(api): State<Api>, params: Params) -> Result<Json<Value>, Problem> {
    params.only(&["kind", "blueprint", "limit", "cursor"])?;
    let kind = params.each("kind", listable)?.pop();
    list(&api, &params, kind.unwrap_or(EntityKind::Agent)).await
}

pub(super) async fn blueprints(
    State(api): State<Api>,
    params: Params,
) -> Result<Json<Value>, Problem> {
    params.only(&["limit", "cursor"])?;
    list(&api, &params, EntityKind::Blueprint).await
}

async fn list(api: &Api, params: &Params, kind: EntityKind) -> Result<Json<Value>, Problem> {
    let limit = params.limit()?;
    let store = api.desk.store();
    let blueprint: Option<ObjectId> = params.one("blueprint")?;
    let blueprint = match blueprint {
        Some(id) => Some(api.desk.entity(id).await?.family.root.app_id.unwrap_or(id)),
        None => None,
    };
    let filter = StockFilter {
        kind,
        blueprint,
        after: params.one("cursor")?,
        limit,
    };
    let found = store.stock(filter).await?;
    let full = u32::try_from(found.len()).is_ok_and(|count| count == limit);
    let next = found.last().filter(|_| full).map(|known| known.entity.id);
    let name = match kind {
        EntityKind::Blueprint => "blueprints",
        EntityKind::Agent
        | EntityKind::AgentUser
        | EntityKind::ServicePrincipal
        | EntityKind::User => "agents",
    };
    Ok(Json(
        json!({ name: found, "next": next, "listed": store.listed().await? }),
    ))
}

pub(super) async fn show(
    State(api): State<Api>,
    Named(id): Named<ObjectId>,
) -> Result<Json<EntityShown>, Problem> {
    Ok(Json(api.desk.entity(id).await?))
}

/// The same, but for blueprints only: any of its three ids finds it.
pub(super) async fn show_blueprint(
    State(api): State<Api>,
    Named(id): Named<ObjectId>,
) -> Result<Json<EntityShown>, Problem> {
    let shown = api.desk.entity(id).await?;
    if shown.resolved.entity.kind == EntityKind::Blueprint {
        Ok(Json(shown))
    } else {
        Err(Problem::nowhere())
    }
}

pub(super) async fn orphans(
    State(api): State<Api>,
    params: Params,
) -> Result<Json<Value>, Problem> {
    params.only(&[])?;
    let store = api.desk.store();
    Ok(Json(
        json!({ "orphans": store.orphans().await?, "listed": store.listed().await? }),
    ))
}

fn listable(word: &str) -> Option<EntityKind> {
    EntityKind::from_word(word).filter(|kind| *kind != EntityKind::User)
}
