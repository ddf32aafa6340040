//! `estop playbook simulate`: what would be done, looked up in the tenant and not done.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::super::Room;
use super::super::answers::{Answer, Failure};
use super::super::args::SimulateArgs;
use super::super::exit::Exit;
use super::super::terminal::Terminal;
use super::super::token::{unreadable, visit};
use super::explain::read_file;
use super::sets::Desk;
use crate::act::Means;
use crate::app;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::domain::detection::SourceName;
use crate::domain::entity::{ObjectId, TenantId};
use crate::domain::permission::Profile;
use crate::entra::{AccessToken, TokenSource};
use crate::graph::{Budgets, Cloud, Endpoints, Link};
use crate::rehearse::{Looker, Simulated};
use crate::sim::Entra;
use crate::store::Past;

/// Most detections that are simulated at once: each is looked up in the tenant.
const DETECTIONS_MAX: usize = 2_000;
/// The source of files, where the configuration has no other.
const SOURCE: &str = "sentinel";

pub(super) async fn simulate(room: &mut Room, args: &SimulateArgs) -> Answer {
    if args.files.is_empty() && args.since.is_none() {
        return Err(Failure::usage("there is nothing to simulate")
            .fix("name files, or stored detections with --since 30d"));
    }
    let mut desk = Desk::of(room, args.set.store.config.as_deref())?;
    let catalog = desk.playbooks(&args.set)?;
    let past = gather(room, &desk, args).await?;
    let (looker, tenant) = tenant(room, &mut desk, args).await?;
    let judge = desk.judge(&catalog, tenant);
    let mut simulated = Vec::new();
    for (number, (detection, before)) in past.iter().enumerate() {
        room.terminal.progress(&format!(
            "{} of {} detections looked up",
            number,
            past.len()
        ));
        simulated.extend(looker.simulate(&judge, detection, before).await);
    }
    room.terminal.progress_over();
    let breaches = breaches(&catalog, &past, &simulated);
    if room.terminal.wants_json() {
        let told = json!({ "simulated": simulated, "over_guardrail": breaches });
        room.terminal.json(&told);
    } else {
        tell(&mut room.terminal, &simulated, &breaches);
    }
    Ok(if breaches.is_empty() {
        Exit::Done
    } else {
        Exit::Guarded
    })
}

async fn gather(room: &Room, desk: &Desk, args: &SimulateArgs) -> Result<Vec<Past>, Failure> {
    let source = SourceName::new(SOURCE).ok_or_else(|| Failure::usage("no source"))?;
    let mut past = Vec::new();
    for file in &args.files {
        let detection = read_file((room, desk), file, (None, source.clone()), None)?;
        past.push((detection, Vec::new()));
    }
    let Some(since) = args.since else {
        return Ok(past);
    };
    let since = room.clock.now().minus(since.0);
    visit(room, &args.set.store, async |store| {
        let mut after = None;
        loop {
            let page = store.detections_since(since, after).await;
            let page = page.map_err(unreadable)?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after = Some(last.id);
            past.extend(page);
            if past.len() > DETECTIONS_MAX {
                let what = format!("more than {DETECTIONS_MAX} detections came since then");
                return Err(Failure::usage(what)
                    .fix("each is looked up in the tenant: name a shorter time, or use `diff`"));
            }
        }
    })
    .await?;
    Ok(past)
}

/// The tenant that is looked at, closed for writes, and what it is called. What our own token says
/// about us is added to what is never touched.
async fn tenant(
    room: &mut Room,
    desk: &mut Desk,
    args: &SimulateArgs,
) -> Result<(Looker, TenantId), Failure> {
    if args.on_sim {
        let entra = Entra::contoso(room.clock.clone());
        let tenant = ObjectId::from_uuid(entra.tenant().id);
        return Ok((
            Looker::new(
                link_to_sim(&entra, &room.clock)?,
                Means::of(Profile::Agents),
            ),
            tenant,
        ));
    }
    let Some(config) = &desk.config else {
        return Err(
            Failure::usage("there is no configuration that says which tenant to look at")
                .fix("name one with --config FILE, or look at the simulated one: --on-sim"),
        );
    };
    let (clock, transport) = (room.clock.clone(), room.transport()?);
    let tokens = app::tokens(config, &clock, &transport, config.endpoints.scope())
        .map_err(|why| Failure::usage(why.to_string()))?;
    let token = tokens.token().await;
    let token = token.map_err(|why| Failure::new(Exit::Unreachable, why.to_string()))?;
    let guards = app::guards(config, token.identity());
    let link = Link {
        endpoints: config.endpoints.clone(),
        transport,
        tokens,
        clock,
        budgets: Budgets::default(),
    };
    let (tenant, means) = (
        config.tenant,
        Means {
            tag: config.actions.tag.clone(),
            ..Means::of(config.profile)
        },
    );
    desk.guards = guards;
    Ok((Looker::new(link, means), tenant))
}

fn link_to_sim(entra: &Entra, clock: &Clock) -> Result<Link, Failure> {
    let endpoints = Endpoints::of(Cloud::Global, None, None);
    let (giver, now) = (entra.clone(), clock.clone());
    let tokens = TokenSource::fetching(clock.clone(), move |_| {
        let text = giver.access_token().unwrap_or_default();
        let until = now.now().plus(std::time::Duration::from_secs(3600));
        Box::pin(std::future::ready(AccessToken::new(&text.into(), until)))
    });
    Ok(Link {
        endpoints: endpoints.map_err(|why| Failure::usage(why.to_string()))?,
        transport: entra.transport(),
        tokens,
        clock: clock.clone(),
        budgets: Budgets::default(),
    })
}

/// One line for each playbook that would have crossed its own guardrail (threat P06).
fn breaches(catalog: &Catalog, past: &[Past], simulated: &[Simulated]) -> Vec<String> {
    let mut hits: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for one in simulated.iter().filter(|one| one.acts) {
        let detection = past.iter().find(|(it, _)| it.id == one.detection);
        if let (Some(playbook), Some((detection, _))) = (&one.playbook, detection) {
            let hit = (detection.received_at, one.entity);
            hits.entry(playbook.as_str()).or_default().push(hit);
        }
    }
    let over = catalog.all().filter_map(|loaded| {
        let playbook = &loaded.playbook;
        let (guardrail, hits) = (playbook.guardrail?, hits.get_mut(playbook.name.as_str())?);
        hits.sort_unstable();
        let within = |from: usize| {
            let (start, _) = hits[from];
            let end = start.plus(guardrail.window.0);
            let inside = hits[from..].iter().take_while(|(at, _)| *at <= end);
            let entities: BTreeSet<_> = inside.map(|(_, entity)| *entity).collect();
            entities.len()
        };
        let most = (0..hits.len()).map(within).max()?;
        let allowed = usize::try_from(guardrail.entities_max).unwrap_or(usize::MAX);
        (most > allowed).then(|| {
            format!(
                "{} would have stopped {most} entities within {}; its guardrail is {allowed}",
                playbook.name, guardrail.window
            )
        })
    });
    over.collect()
}

fn tell(terminal: &mut Terminal, simulated: &[Simulated], breaches: &[String]) {
    for one in simulated {
        let by = one.playbook.as_ref();
        let by = by.map_or(String::new(), |playbook| format!(" by {playbook}"));
        let because = one.because.as_deref();
        let because = because.map_or(String::new(), |why| format!(" ({why})"));
        terminal.line(&format!(
            "{}  {}  {}{by}{because}",
            one.detection, one.entity, one.decision
        ));
        for step in &one.steps {
            let seen = match step.seen.as_str() {
                "" => String::new(),
                seen => format!("; {seen}"),
            };
            let action = step.action.word();
            terminal.line(&format!("    {action:<20} would: {}{seen}", step.would));
        }
    }
    for breach in breaches {
        terminal.line(&format!("OVER THE GUARDRAIL: {breach}"));
    }
    let acting = simulated.iter().filter(|one| one.acts);
    terminal.say(&format!(
        "{} entities of detections simulated, {} would be contained; no write was sent",
        simulated.len(),
        acting.count()
    ));
}
