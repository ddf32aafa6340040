//! The blueprint of an agent that keeps being opened, proposed to people.

use super::Held;
use crate::domain::approval::ApprovalTerms;
use crate::domain::entity::Entity;
use crate::domain::id::{ApprovalId, RunId};
use crate::domain::inventory::Management;
use crate::domain::plan::Plan;
use crate::domain::playbook::{Mode, PlaybookName};
use crate::graph::BlueprintRead;
use crate::store::{Error, NewApproval, NewRun, Offered, Terms};

/// Proposes whatever is due. What cannot be read now is tried in the next round.
pub(super) async fn offer_due(held: &Held) -> Result<(), Error> {
    for agent in held.store.to_offer().await? {
        let Some(offered) = offered(held, agent).await? else {
            continue;
        };
        held.store.offer(agent, offered, held.clock.now()).await?;
    }
    Ok(())
}

async fn offered(held: &Held, agent: Entity) -> Result<Option<Offered>, Error> {
    let Ok(read) = held.graph.agent(held.ask(), agent.id).await else {
        return Ok(None);
    };
    let not = |because: &str| {
        Ok(Some(Offered::Not {
            because: because.to_owned(),
        }))
    };
    let Some(app_id) = read.blueprint_app_id else {
        return not("it hangs from none");
    };
    let Ok(blueprint) = held.graph.blueprint_by_app_id(held.ask(), app_id).await else {
        return Ok(None);
    };
    match Management::of(blueprint.owner_tenant, held.tenant) {
        Management::Microsoft => return not("Microsoft manages it"),
        Management::Foreign => return not("its application belongs to another tenant"),
        Management::Own | Management::Unknown => {}
    }
    let family = held.store.family(Entity::blueprint(blueprint.id)).await?;
    if family.is_some_and(|family| family.has_unrelated_owners()) {
        return not("agents of unrelated owners hang from it");
    }
    let run = proposal(held, agent, &blueprint);
    Ok(Some(Offered::Run(Box::new(run))))
}

fn proposal(held: &Held, agent: Entity, blueprint: &BlueprintRead) -> NewRun {
    let entity = Entity::blueprint(blueprint.id);
    NewRun {
        id: RunId::from_uuid(held.clock.uuid()),
        playbook: PlaybookName::drift(),
        mode: Mode::Ask,
        plan: Plan::bare(entity, &[]),
        terms: Terms::default(),
        asks: Some(NewApproval {
            id: ApprovalId::from_uuid(held.clock.uuid()),
            because: format!(
                "{agent} is held, and keeps being opened or its blueprint has a new credential; \
                 {entity} is the switch of all its agents"
            ),
            terms: ApprovalTerms::any_lead(1),
            requester: None,
            world: None,
        }),
    }
}
