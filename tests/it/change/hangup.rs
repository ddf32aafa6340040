//! The real binary: a changed file and a SIGHUP are noticed, and neither ends it.

use std::path::Path;
use std::time::Duration;

use estop::store::{Brake, SetShown, Store};

use super::acting;
use crate::program::Site;

/// How often a test looks at what it waits for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long it looks before it gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the set in force is as wanted.
async fn until(site: &Site, store: &Store, wanted: impl Fn(&SetShown) -> bool) -> SetShown {
    let looking = async {
        loop {
            let set = store.set_in_force().await.unwrap();
            if let Some(set) = set.filter(|set| wanted(set)) {
                return set;
            }
            site.clock.sleep(LOOK_EVERY).await;
        }
    };
    let found = site.clock.within(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("it did not come to that:\n{}", site.log()))
}

/// A site whose playbooks lie in a folder.
async fn with_folder() -> (Site, std::path::PathBuf) {
    let site = Site::new().await;
    let folder = site.folder().join("set");
    std::fs::create_dir(&folder).unwrap();
    write(&folder, "Watch it.");
    site.write(
        "estop.yaml",
        &format!("{}playbooks: set\n", site.configuration()),
    );
    (site, folder)
}

fn write(folder: &Path, summary: &str) {
    // As a careful editor does: whole, under its name.
    let draft = folder.join(".draft");
    std::fs::write(&draft, acting("observe", summary)).unwrap();
    std::fs::rename(&draft, folder.join("stop.yaml")).unwrap();
}

#[tokio::test]
async fn a_changed_file_and_a_hangup_are_noticed_while_it_runs() {
    let (site, folder) = with_folder().await;
    let mut program = site.start_as_written();
    program.doors().await.unwrap();
    let visit = site.visit().await;
    let first = until(&site, &visit.store, |set| set.cause == "start").await;

    write(&folder, "Watch it closely.");
    let second = until(&site, &visit.store, |set| set.digest != first.digest).await;
    program.signal("HUP").await;
    let third = until(&site, &visit.store, |set| set.cause == "signal").await;

    assert_eq!(second.cause, "files");
    assert_eq!(third.digest, second.digest);
    visit.leave().await;
    assert_eq!(program.ask_to_stop().await.code(), Some(0));
}

#[tokio::test]
async fn a_hangup_without_a_folder_ends_nothing() {
    let site = Site::new().await;
    let mut program = site.start(&[]);
    program.doors().await.unwrap();

    program.signal("HUP").await;
    let said = async {
        while !site.log().contains("there is no folder of playbooks") {
            site.clock.sleep(LOOK_EVERY).await;
        }
    };
    site.clock.within(PATIENCE, said).await.unwrap();

    assert_eq!(program.has_ended(), None);
    assert_eq!(program.ask_to_stop().await.code(), Some(0));
}

#[tokio::test]
async fn e20_a_signal_stops_every_write() {
    let site = Site::new().await;
    let mut program = site.start(&[]);
    program.doors().await.unwrap();
    let visit = site.visit().await;

    program.signal("USR1").await;
    let tripped = async {
        while visit.store.standing().await.unwrap().brake != Brake::On {
            site.clock.sleep(LOOK_EVERY).await;
        }
    };
    site.clock.within(PATIENCE, tripped).await.unwrap();

    let (by, _) = visit.store.standing().await.unwrap().brake_by.unwrap();
    assert_eq!(by, "local:signal");
    visit.leave().await;
    assert_eq!(program.ask_to_stop().await.code(), Some(0));
}
