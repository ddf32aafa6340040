//! A changed folder is taken whole, after its own tests, or not at all.

use std::path::PathBuf;
use std::time::Duration;

use estop::catalog::PLAYBOOKS_MAX;
use estop::domain::run::RunState;
use estop::reload::{Cause, Reloaded};
use estop::sim::{Fault, On, What};

use super::{acting, with};
use crate::power::Desk;
use crate::world::{World, invoice_bot};

const FOLDER: &str = "playbooks: set\n";

const TESTS: &str = "\
playbook: stop
cases:
  - case: it stops the agent
    detection: { type: signInSpike, severity: high, source: lab, entity: invoice-bot }
    expect: { decision: respond, state: contained, disabled: [invoice-bot] }
  - case: it does not answer what it does not name
    detection: { type: failedAccessAttempt, severity: high, source: lab, entity: invoice-bot }
    expect: { decision: stand_down }
";

/// A folder beside the service's configuration.
struct Folder(PathBuf);

impl Folder {
    fn of(desk: &Desk) -> Self {
        let folder = desk.world.folder.path().join("set");
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn holds(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }
}

/// A service whose one playbook only observes, and the folder it would be reloaded from.
async fn changing() -> (Desk, Folder) {
    let desk = Desk::with(with(FOLDER, acting("observe", "Watch it."))).await;
    let folder = Folder::of(&desk);
    folder.holds("stop.yaml", &acting("observe", "Watch it."));
    folder.holds("stop.test.yaml", TESTS);
    (desk, folder)
}

async fn look(desk: &Desk, cause: Cause) -> Reloaded {
    let reloader = desk.world.service.reloader.clone().unwrap();
    reloader.reload(cause).await.unwrap()
}

async fn reload(desk: &Desk) -> Reloaded {
    look(desk, Cause::Files).await
}

fn in_force(desk: &Desk) -> String {
    desk.world.service.catalog.load().digest()
}

#[tokio::test]
async fn a_good_set_is_rehearsed_recorded_and_in_force() {
    let (desk, folder) = changing().await;
    let before = in_force(&desk);
    folder.holds("stop.yaml", &acting("enforce", "Stop it."));

    let reloaded = reload(&desk).await;
    let again = reload(&desk).await;

    let now = in_force(&desk);
    assert_eq!(reloaded, Reloaded::InForce { set: now.clone() });
    assert_eq!(again, Reloaded::Same);
    assert_ne!(before, now);
    assert_eq!(
        desk.decided("signInSpike").await["verdict"]["verdict"],
        "respond"
    );
    let records = desk.records().await;
    let active: Vec<_> = records
        .iter()
        .filter(|record| record.what == "playbooks.active")
        .collect();
    assert_eq!(active.len(), 2, "{active:?}");
    assert_eq!(active[0].detail["set"], before);
    let detail = &active[1].detail;
    assert_eq!(detail["set"], now);
    assert_eq!(
        (&detail["cause"], &detail["changed"][0]),
        (&"files".into(), &"stop".into())
    );
    assert!(detail["owners"]["stop"].is_u64(), "{detail}");
    assert_eq!(desk.told_of("other playbooks are in force now").await, 1);
    let shown = desk.get("/v1/playbooks").await.body;
    assert_eq!(shown["set"]["digest"], now);
    assert!(shown["set"]["refused"].is_null(), "{shown}");
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn a_set_whose_own_tests_fail_is_refused_and_a_person_is_told_once() {
    let (desk, folder) = changing().await;
    let before = in_force(&desk);
    folder.holds("stop.yaml", &acting("enforce", "Stop it."));
    folder.holds("stop.test.yaml", &TESTS.replace("respond", "provisional"));

    let refused = reload(&desk).await;
    let same = reload(&desk).await;
    let asked = look(&desk, Cause::Signal).await;

    let Reloaded::Refused { why } = &refused else {
        panic!("{refused:?}");
    };
    for part in [
        "stop.test.yaml:3",
        "it stops the agent",
        "decision should be provisional",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    assert_eq!(same, Reloaded::Same);
    assert_eq!(asked, refused);
    assert_eq!(in_force(&desk), before);
    assert_eq!(desk.told_of("the last good ones stay in force").await, 1);
    assert_eq!(desk.recorded("playbooks.refused").await, 2);
    let listed = desk.types(&["playbook", "list"]).await;
    assert!(
        listed
            .talk
            .contains("the folder holds another set, refused"),
        "{listed:?}"
    );

    folder.holds("stop.test.yaml", TESTS);
    assert!(matches!(reload(&desk).await, Reloaded::InForce { .. }));
    let listed = desk.types(&["playbook", "list"]).await;
    assert!(!listed.talk.contains("refused"), "{listed:?}");
}

#[tokio::test]
async fn p08_a_set_cut_anywhere_leaves_the_last_good_one_in_force() {
    let (desk, folder) = changing().await;
    std::fs::remove_file(folder.0.join("stop.test.yaml")).unwrap();
    reload(&desk).await;
    let before = in_force(&desk);
    let whole = acting("ask", "Ask about it.").replace(
        "notify: []\n",
        "approval: { from: [soc], quorum: 1, within: 1h, on_timeout: keep }\n",
    );

    for cut in 0..whole.len() {
        folder.holds("stop.yaml", &whole[..cut]);
        let reloaded = reload(&desk).await;
        let taken = matches!(reloaded, Reloaded::InForce { .. });
        // Only the last line's end may be missing from a whole playbook.
        assert!(
            !taken || cut + 1 == whole.len(),
            "cut at {cut}: {reloaded:?}"
        );
        assert!(
            taken || in_force(&desk) == before,
            "cut at {cut}: {reloaded:?}"
        );
    }
    folder.holds("stop.yaml", &whole);
    assert!(matches!(reload(&desk).await, Reloaded::InForce { .. }));
}

#[tokio::test]
async fn p08_an_emptied_or_lost_folder_and_an_unproved_playbook_change_nothing() {
    let (desk, folder) = changing().await;
    let before = in_force(&desk);

    folder.holds("stop.yaml", &acting("enforce", "Stop it."));
    std::fs::remove_file(folder.0.join("stop.test.yaml")).unwrap();
    let unproved = reload(&desk).await;
    folder.holds("two.yaml", &acting("observe", "Another of that name."));
    let misnamed = reload(&desk).await;
    for file in ["two.yaml", "stop.yaml"] {
        std::fs::remove_file(folder.0.join(file)).unwrap();
    }
    let empty = reload(&desk).await;
    std::fs::remove_dir(&folder.0).unwrap();
    let lost = reload(&desk).await;

    for (refused, why) in [
        (unproved, "no test proves what this playbook does"),
        (misnamed, "two.yaml"),
        (empty, "there is no playbook here"),
        (lost, "cannot read it"),
    ] {
        let said = format!("{refused:?}");
        assert!(
            matches!(refused, Reloaded::Refused { .. }) && said.contains(why),
            "{said}"
        );
    }
    assert_eq!(in_force(&desk), before);
}

#[tokio::test]
async fn p08_a_set_ten_times_too_large_changes_nothing() {
    let (desk, folder) = changing().await;
    let before = in_force(&desk);
    let comment = "# Why: it goes on and on.\n";
    let long = comment.repeat(10 * 64 * 1024 / comment.len());

    folder.holds(
        "stop.yaml",
        &format!("{long}{}", acting("observe", "Watch it.")),
    );
    let large = reload(&desk).await;
    folder.holds("stop.yaml", &acting("observe", "Watch it."));
    for n in 0..10 * PLAYBOOKS_MAX {
        let name = format!("other-{n}");
        let text = acting("observe", "x").replace("playbook: stop", &format!("playbook: {name}"));
        folder.holds(&format!("{name}.yaml"), &text);
    }
    let many = reload(&desk).await;

    for (refused, why) in [(large, "larger than 64 KiB"), (many, "playbooks")] {
        let said = format!("{refused:?}");
        assert!(
            matches!(refused, Reloaded::Refused { .. }) && said.contains(why),
            "{said}"
        );
    }
    assert_eq!(in_force(&desk), before);
    assert_eq!(
        desk.decided("signInSpike").await["verdict"]["verdict"],
        "observe"
    );
}

#[tokio::test]
async fn p08_what_a_set_would_do_is_played_before_it_is_in_force() {
    let (desk, folder) = changing().await;
    let before = in_force(&desk);
    // It is whole, and stops more than its own tests allow.
    let wild =
        acting("enforce", "Stop it.").replace("[threatIntelligenceAccount", "[failedAccessAttempt");
    folder.holds("stop.yaml", &wild);

    let refused = reload(&desk).await;

    let said = format!("{refused:?}");
    assert!(
        said.contains("it does not answer what it does not name"),
        "{said}"
    );
    assert_eq!(in_force(&desk), before);
    assert!(desk.world.writes().is_empty(), "it was played on a stage");
}

#[tokio::test]
async fn a_playbook_that_acted_and_is_gone_or_weaker_pages_a_person() {
    let desk = Desk::with(with(FOLDER, acting("enforce", "Stop it."))).await;
    let folder = Folder::of(&desk);
    let other = acting("observe", "Another.").replace("playbook: stop", "playbook: other");
    folder.holds("other.yaml", &other);

    assert!(matches!(reload(&desk).await, Reloaded::InForce { .. }));

    let store = &desk.world.service.store;
    let notices = store.every_notice().await.unwrap();
    let paged = notices
        .iter()
        .find(|one| one.text.contains("removed: stop"));
    let paged = paged.unwrap();
    assert_eq!(paged.urgency.word(), "page", "{paged:?}");
    assert!(
        paged.text.contains("acting less than before: stop"),
        "{paged:?}"
    );
}

#[tokio::test]
async fn p07_a_run_under_way_keeps_the_playbook_it_began_with() {
    let desk = Desk::with(with(FOLDER, acting("enforce", "Stop it."))).await;
    let folder = Folder::of(&desk);
    let old = desk
        .world
        .service
        .catalog
        .load()
        .get(&super::name())
        .unwrap()
        .digest
        .clone();
    let patch = On::request("PATCH", "agentIdentity$");
    desk.world
        .entra
        .push_fault(Fault::new(patch, What::HoldReply));
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.until_held(1).await;

    let other = acting("observe", "Only watch it.");
    folder.holds("stop.yaml", &other);
    let reloaded = reload(&desk).await;
    desk.world.entra.release();
    desk.world.settle().await;

    assert!(matches!(reloaded, Reloaded::InForce { .. }), "{reloaded:?}");
    let run = desk.world.only_run().await;
    assert_eq!(run.state, RunState::Contained);
    let store = &desk.world.service.store;
    assert_eq!(store.playbook_of(run.id).await.unwrap(), old);
    desk.world.pass(Duration::from_secs(60)).await;
    let next = desk.decided("signInSpike").await;
    assert_eq!(next["verdict"]["verdict"], "observe", "{next}");
    assert_eq!(desk.recorded("playbooks.active").await, 2);
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn the_service_looks_by_itself_where_nothing_tells_it() {
    let (desk, folder) = changing().await;
    let before = in_force(&desk);
    folder.holds(
        "other.yaml",
        &acting("observe", "x").replace(": stop", ": other"),
    );
    std::fs::remove_file(folder.0.join("stop.test.yaml")).unwrap();

    let changed = || async { in_force(&desk) != before };

    assert!(desk.world.until(changed).await, "nobody looked");
}

/// The service begun anew with this playbook, which the folder holds too.
async fn begun_with(desk: Desk, folder: &Folder, playbook: String) -> World {
    folder.holds("stop.yaml", &playbook);
    let world = desk.leave().restart_as(|setting| {
        setting.playbooks = vec![("stop.yaml", playbook)];
    });
    world.await
}

async fn rehearse_the_start(world: &World) -> Reloaded {
    let reloader = world.service.reloader.clone().unwrap();
    reloader.reload(Cause::Start).await.unwrap()
}

async fn told_of(world: &World, part: &str) -> usize {
    let told = world.told().await;
    told.iter().filter(|text| text.contains(part)).count()
}

#[tokio::test]
async fn a_start_whose_tests_fail_goes_back_to_the_last_set_that_passed() {
    let (desk, folder) = changing().await;
    folder.holds("stop.yaml", &acting("enforce", "Stop it."));
    assert!(matches!(reload(&desk).await, Reloaded::InForce { .. }));
    let good = in_force(&desk);
    let world = begun_with(desk, &folder, acting("observe", "Watch it.")).await;
    let bad = world.service.catalog.load().digest();

    let looked = rehearse_the_start(&world).await;

    assert!(matches!(looked, Reloaded::Refused { .. }), "{looked:?}");
    assert_ne!(bad, good);
    assert_eq!(world.service.catalog.load().digest(), good);
    assert_eq!(told_of(&world, "the last good ones stay in force").await, 1);
}

#[tokio::test]
async fn a_first_start_whose_tests_fail_says_so_and_stays() {
    let (desk, folder) = changing().await;
    let world = begun_with(desk, &folder, acting("observe", "Watch it.")).await;
    let before = world.service.catalog.load().digest();

    let looked = rehearse_the_start(&world).await;

    assert!(matches!(looked, Reloaded::Refused { .. }), "{looked:?}");
    assert_eq!(world.service.catalog.load().digest(), before);
    assert_eq!(told_of(&world, "no set is known that passed").await, 1);
}

#[tokio::test]
async fn a_start_whose_tests_pass_changes_nothing() {
    let (desk, folder) = changing().await;
    let world = begun_with(desk, &folder, acting("enforce", "Stop it.")).await;
    let store = &world.service.store;
    let before = store.set_in_force().await.unwrap();
    let set = world.service.catalog.load().digest();

    let looked = rehearse_the_start(&world).await;

    assert_eq!(looked, Reloaded::InForce { set });
    assert_eq!(store.set_in_force().await.unwrap(), before);
    assert_eq!(store.last_rehearsed().await.unwrap().len(), 1);
}
