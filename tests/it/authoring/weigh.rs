//! Playbooks weighed against what was stored: explained, simulated, compared.

use std::path::PathBuf;
use std::time::Duration;

use estop::act::Means;
use estop::catalog::Catalog;
use estop::cli::Exit;
use estop::clock::Clock;
use estop::domain::entity::ObjectId;
use estop::domain::guard::Guards;
use estop::domain::moment::{Moment, Span};
use estop::domain::permission::Profile;
use estop::domain::playbook::ServiceMode;
use estop::entra::{AccessToken, TokenSource};
use estop::graph::{Ask, Budgets, Cloud, Enabled, Endpoints, Graph, Link, Priority};
use estop::rehearse::{Judge, Looker};
use estop::sim::{Entra, Tenant};
use estop::traces::Traces;

use super::{Ended, folder, playbook, shown, types_beside};
use crate::world::{NOW, Setting, World, invoice_bot};

/// A world in which every agent was detected once, and nothing was done. The commands read its file.
async fn watched() -> World {
    let world = World::in_file(Setting {
        yaml: "mode: observe\nprotected: []\n".to_owned(),
        ..Setting::default()
    })
    .await;
    for agent in Tenant::contoso().agents.into_keys() {
        world.detect_agent(agent).await;
    }
    world.settle().await;
    world
}

fn store(world: &World) -> String {
    format!("sqlite:{}", world.folder.path().join("estop.db").display())
}

async fn beside(world: &World, words: &[&str]) -> Ended {
    let store = store(world);
    let words: Vec<_> = words.iter().copied().chain(["--store", &store]).collect();
    types_beside(world, &words).await
}

#[tokio::test]
async fn every_why_and_why_not_is_explained_with_each_clauses_value() {
    let world = watched().await;
    let id = world
        .detect_agent(invoice_bot())
        .await
        .replace("dlv_", "det_");
    world.settle().await;

    let ended = beside(&world, &["explain", &id, "--as-recommended"]).await;
    let json = beside(&world, &["explain", &id, "--json"]).await.json();
    let later = [
        "explain",
        &id,
        "--as-recommended",
        "--at",
        "2030-01-01T00:00:00Z",
    ];
    let later = beside(&world, &later).await;
    let missing = beside(&world, &["explain", "det_00000000000000000000000007"]).await;

    assert_eq!(ended.exit, Exit::Done, "{ended:?}");
    for part in [
        format!("agent {}  respond", invoice_bot()),
        "  => agent-threat-intelligence  matched, enforce".to_owned(),
        "       when fresh: true     age(detection.detected_at) < duration(\"24h\")".to_owned(),
        "     agent-user-risk  not called: entity is agent, not agent_user".to_owned(),
    ] {
        assert!(ended.output.contains(&part), "{part}\n{}", ended.output);
    }
    for (file, _) in Catalog::shipped_files() {
        let name = file
            .trim_start_matches("playbooks/")
            .trim_end_matches(".yaml");
        assert!(ended.output.contains(name), "{name}");
    }
    let considered = json["decisions"][0]["considered"].as_array().unwrap();
    assert_eq!(considered.len(), Catalog::shipped_files().len());
    assert!(
        later.output.contains("when fresh: false"),
        "{}",
        later.output
    );
    assert_eq!(missing.exit, Exit::NotFound);
}

#[tokio::test]
async fn a_diff_says_what_would_be_contained_and_what_no_longer() {
    let world = watched().await;
    let old = folder(&[("x.yaml", &playbook("x", "observe"))]);
    let new = folder(&[("x.yaml", &playbook("x", "enforce"))]);
    let (old, new) = (shown(old.path()), shown(new.path()));

    let same = beside(&world, &["diff", old, old]).await;
    let stronger = beside(&world, &["diff", old, new, "--since", "7d"]).await;
    let weaker = beside(&world, &["diff", new, old]).await;
    let none = beside(&world, &["diff", old, new, "--since", "1ms"]).await;

    let agents = Tenant::contoso().agents.len();
    assert_eq!(same.exit, Exit::Done, "{same:?}");
    assert_eq!(
        same.output,
        format!("{agents} detections of the last 7d: {agents} decided the same\n")
    );
    assert_eq!(stronger.exit, Exit::Failed);
    let head = format!("{agents} would now be contained:\n");
    assert!(stronger.output.contains(&head), "{}", stronger.output);
    assert!(
        stronger
            .output
            .contains("    - observe by x: disable_agent\n    + respond by x")
    );
    let head = format!("{agents} would no longer be contained:\n");
    assert!(weaker.output.contains(&head), "{}", weaker.output);
    assert!(none.output.starts_with("0 detections"), "{}", none.output);
}

#[tokio::test]
async fn a_playbook_that_would_cross_its_guardrail_is_told_before_it_is_in_force() {
    let world = watched().await;
    let small = folder(&[("x.yaml", &playbook("x", "enforce"))]);
    let wide = playbook("x", "enforce").replace("entities_max: 5", "entities_max: 50");
    let wide = folder(&[("x.yaml", &wide)]);
    let words = |set| {
        let set: PathBuf = set;
        let set = shown(&set).to_owned();
        ["simulate", "--since", "30d", "--on-sim", "--playbooks"]
            .map(str::to_owned)
            .into_iter()
            .chain([set])
            .collect::<Vec<_>>()
    };
    let typed = async |set: &tempfile::TempDir| {
        let words = words(set.path().to_owned());
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        beside(&world, &words).await
    };

    let over = typed(&small).await;
    let within = typed(&wide).await;

    assert_eq!(over.exit, Exit::Guarded, "{over:?}");
    let agents = Tenant::contoso().agents.len();
    let told = format!(
        "OVER THE GUARDRAIL: x would have stopped {agents} entities within 10m; its guardrail is 5"
    );
    assert!(over.output.contains(&told), "{}", over.output);
    assert_eq!(within.exit, Exit::Done, "{within:?}");
    assert!(within.talk.contains("no write was sent"), "{}", within.talk);
}

/// A simulated tenant, and a way to it as the roof would build it.
fn link() -> (Entra, Link) {
    let clock = Clock::system();
    let entra = Entra::contoso(clock.clone());
    let giver = entra.clone();
    let tokens = TokenSource::fetching(clock.clone(), move |_| {
        let text = giver.access_token().unwrap_or_default();
        let until = Clock::system().now().plus(Duration::from_secs(3600));
        Box::pin(std::future::ready(AccessToken::new(&text.into(), until)))
    });
    let link = Link {
        endpoints: Endpoints::of(Cloud::Global, None, None).unwrap(),
        transport: entra.transport(),
        tokens,
        clock,
        budgets: Budgets::default(),
    };
    (entra, link)
}

fn writes(entra: &Entra) -> usize {
    let journal = entra.journal();
    let writes = journal.iter().filter(|one| one.method != "GET");
    writes.filter(|one| !one.path.ends_with("/token")).count()
}

#[tokio::test]
async fn p06_a_simulation_looks_at_everything_and_writes_nothing() {
    let world = watched().await;
    let past = world
        .service
        .store
        .detections_since(Moment::from_millis(0), None);
    let past = past.await.unwrap();
    let (entra, link) = link();
    let catalog = Catalog::shipped_as_recommended().unwrap();
    let (guards, sources) = (Guards::default(), std::collections::BTreeMap::new());
    let judge = Judge {
        catalog: &catalog,
        guards: &guards,
        sources: &sources,
        tenant: ObjectId::from_uuid(entra.tenant().id),
        service: ServiceMode::Enforce,
    };

    let looker = Looker::new(link, Means::of(Profile::Agents));
    let mut steps = 0;
    for (detection, before) in &past {
        for one in looker.simulate(&judge, detection, before).await {
            assert_eq!(one.decision, "respond", "{one:?}");
            steps += one.steps.len();
        }
    }

    assert_eq!(steps, 3 * Tenant::contoso().agents.len());
    assert!(entra.journal_len() > 0, "nothing was looked at");
    assert_eq!((writes(&entra), entra.effects().len()), (0, 0));
}

#[tokio::test]
async fn p06_a_sealed_tenant_lets_no_write_leave_whoever_asks() {
    let (entra, link) = link();
    let graph = Graph::sealed(link, Traces::off());
    let ask = Ask {
        priority: Priority::Contain,
        correlation: Clock::system().uuid(),
    };

    graph.allow_writes();
    let refused = graph
        .set_agent_enabled(ask, invoice_bot(), Enabled::No)
        .await;

    assert!(refused.is_err());
    assert_eq!((writes(&entra), entra.effects().len()), (0, 0));
    assert!(graph.agent(ask, invoice_bot()).await.is_ok());
}

#[tokio::test]
async fn stored_detections_are_read_page_by_page_from_then_on() {
    let world = watched().await;
    let store = &world.service.store;
    let now = world.clock.now();

    let all = store
        .detections_since(Moment::from_millis(NOW * 1000), None)
        .await
        .unwrap();
    let rest = store
        .detections_since(Moment::from_millis(0), Some(all[3].0.id))
        .await
        .unwrap();
    let later = now.plus(Span::parse("1s").unwrap().0);
    let none = store.detections_since(later, None).await.unwrap();

    assert_eq!(all.len(), Tenant::contoso().agents.len());
    assert_eq!(rest.len(), all.len() - 4);
    assert_eq!(rest[0].0.id, all[4].0.id);
    assert!(none.is_empty());
    assert_eq!(store.count_detections(later).await.unwrap(), 0);
}
