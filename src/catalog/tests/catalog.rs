use super::*;
use crate::catalog::lint;
use crate::domain::entity::EntityKind;
use crate::domain::playbook::{Mode, PlaybookName};
use std::fs;
use std::path::{Path, PathBuf};

fn named(name: &str, mode: &str, clause: &str) -> (String, String) {
    let text = with_clause(clause)
        .replacen("playbook: x", &format!("playbook: {name}"), 1)
        .replacen("mode: observe", &format!("mode: {mode}"), 1);
    (format!("{name}.yaml"), text)
}

fn catalog(files: &[(String, String)]) -> Catalog {
    Catalog::of_texts(
        files
            .iter()
            .map(|(file, text)| (file.as_str(), text.as_str())),
    )
    .unwrap_or_else(|faults| panic!("{}", drawn(&faults)))
}

#[test]
fn every_playbook_is_weighed_and_says_why_not() {
    let quiet = (
        "b.yaml".to_owned(),
        PLAIN.replacen("playbook: x", "playbook: b", 1),
    );
    let catalog = catalog(&[
        quiet,
        named("a", "enforce", "detection.severity == \"low\""),
    ]);

    let other = catalog.considered(&detection("leakedCredentials"), &agent(), noon());
    let known = catalog.considered(&detection("signInSpike"), &agent(), noon());
    let user = Sighting {
        entity: Entity::agent_user(agent().entity.id),
        ..agent()
    };
    let of_user = catalog.considered(&detection("signInSpike"), &user, noon());

    let why = |considered: &Considered| considered.why_not.clone().unwrap_or_default();
    assert_eq!(why(&other[0]), "detection type is leakedCredentials");
    assert_eq!(why(&of_user[0]), "entity is agent_user, not agent");
    let names: Vec<&str> = known.iter().map(|one| one.playbook.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(!known[0].matched && known[0].mode.is_none());
    assert!(known[1].matched && known[1].mode == Some(Mode::Observe));
}

#[test]
fn an_unless_that_holds_spares_the_entity() {
    let spared = |clause: &str| {
        let (file, text) = named("a", "enforce", clause);
        let files = [(file, text.replacen("when:", "unless:", 1))];
        let considered = catalog(&files)
            .considered(&detection("signInSpike"), &agent(), noon())
            .remove(0);
        (considered.matched, considered.mode)
    };

    assert_eq!(spared("detection.source == \"sentinel\""), (false, None));
    assert_eq!(
        spared("detection.source == \"lab\""),
        (true, Some(Mode::Enforce))
    );
    assert_eq!(
        spared("entity.tenant == \"x\""),
        (true, Some(Mode::Observe))
    );
}

#[test]
fn the_strongest_match_wins_and_an_unknown_one_is_weak() {
    let catalog = catalog(&[
        named("a", "observe", "detection.severity == \"high\""),
        named("b", "enforce", "entity.tenant == \"x\""),
        named("c", "enforce", "detection.severity == \"high\""),
        named("d", "enforce", "detection.severity == \"high\""),
        named("e", "enforce", "detection.severity == \"low\""),
    ]);

    let considered = catalog.considered(&detection("signInSpike"), &agent(), noon());

    let strongest = catalog.strongest(&considered).unwrap();
    assert_eq!(strongest.playbook.as_str(), "c");
    assert!(catalog.strongest(&considered[4..]).is_none());
}

#[test]
fn a_set_is_taken_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("x.yaml"), PLAIN).unwrap();
    fs::write(path("x.test.yaml"), "not: a playbook").unwrap();
    assert_eq!(
        Catalog::load_dir(folder.path()).ok().unwrap().all().count(),
        1
    );

    // Threat P08: half a set is no set.
    fs::write(path("y.yaml"), &PLAIN[..40]).unwrap();
    let faults = Catalog::load_dir(folder.path()).err().unwrap();

    assert!(faults[0].file.ends_with("y.yaml"), "{}", drawn(&faults));
}

#[test]
fn p08_a_file_cut_anywhere_is_refused_or_whole() {
    for cut in 0..PLAIN.len() - 1 {
        if let Ok(loaded) = read("x.yaml", &PLAIN[..cut]) {
            panic!("taken at {cut}: {:?}", loaded.playbook);
        }
    }
}

#[test]
fn an_empty_or_missing_folder_is_no_set() {
    let folder = tempfile::tempdir().unwrap();

    let empty = Catalog::load_dir(folder.path()).err().unwrap();
    let missing = Catalog::load_dir(&folder.path().join("none"))
        .err()
        .unwrap();

    assert_eq!(empty[0].what, "there is no playbook here");
    assert!(missing[0].what.starts_with("cannot read it"));
}

#[cfg(unix)]
#[test]
fn p02_a_link_out_of_the_folder_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.yaml"), PLAIN).unwrap();
    let inside = folder.path().join("..mounted");
    fs::create_dir(&inside).unwrap();
    fs::write(inside.join("x.yaml"), PLAIN).unwrap();
    let link = folder.path().join("x.yaml");

    std::os::unix::fs::symlink(inside.join("x.yaml"), &link).unwrap();
    let within = Catalog::load_dir(folder.path());
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(outside.path().join("x.yaml"), &link).unwrap();
    let out = Catalog::load_dir(folder.path()).err().unwrap();
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
    let device = Catalog::load_dir(folder.path()).err().unwrap();

    assert!(within.is_ok());
    assert_eq!(out[0].what, "it is a link that leads out of its folder");
    assert_eq!(device[0].what, "it is a link that leads out of its folder");
}

/// Puts something that is no playbook under this path.
#[cfg(unix)]
type Put = fn(&Path);

#[cfg(unix)]
fn link(to: &str, at: &Path) {
    std::os::unix::fs::symlink(to, at).unwrap();
}

#[cfg(unix)]
#[test]
fn p02_pipes_sockets_devices_and_what_lies_elsewhere_are_never_opened() {
    let out = "it is a link that leads out of its folder";
    let plain = "it is not a plain file";
    let vectors: [(&str, Put); 14] = [
        (plain, |at| {
            let made = std::process::Command::new("mkfifo").arg(at).status();
            assert!(made.unwrap().success());
        }),
        (plain, |at| {
            let pipe = at.with_file_name("pipe");
            let made = std::process::Command::new("mkfifo").arg(&pipe).status();
            assert!(made.unwrap().success());
            link("pipe", at);
        }),
        (plain, |at| {
            drop(std::os::unix::net::UnixListener::bind(at).unwrap());
        }),
        (plain, |at| fs::create_dir(at).unwrap()),
        (plain, |at| link(".", at)),
        (out, |at| link("..", at)),
        (out, |at| link("/", at)),
        (out, |at| link("/dev/zero", at)),
        (out, |at| link("/dev/null", at)),
        (out, |at| link("/proc/self/environ", at)),
        (out, |at| link("/proc/self/mem", at)),
        (out, |at| link("/etc/passwd", at)),
        ("cannot read it", |at| link("../no-such-file", at)),
        ("cannot read it", |at| link("x.yaml", at)),
    ];

    for (n, (why, put)) in vectors.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        // Whoever opened a pipe that nobody writes to would wait here for ever.
        put(&folder.path().join("x.yaml"));

        let faults = Catalog::load_dir(folder.path()).err().unwrap();

        assert!(faults[0].what.starts_with(why), "{n}: {}", faults[0].what);
    }
}

#[test]
fn the_shipped_list_is_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks");
    let mut on_disk: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml") && !name.ends_with(".test.yaml"))
        .map(|name| format!("playbooks/{name}"))
        .collect();
    on_disk.sort();

    let mut embedded: Vec<&str> = Catalog::shipped_files()
        .iter()
        .map(|(file, _)| *file)
        .collect();
    embedded.sort_unstable();

    assert_eq!(embedded, on_disk);
    let worst = lint(&[folder]).iter().map(|fault| fault.level).min();
    assert_eq!(worst, Some(Level::Note));
}

#[test]
fn shipped_playbooks_observe_until_someone_says_otherwise() {
    let modes = |catalog: Catalog| -> Vec<(String, Mode)> {
        let all = catalog.all();
        all.map(|one| (one.playbook.name.to_string(), one.playbook.mode))
            .collect()
    };

    let shipped = modes(Catalog::shipped().ok().unwrap());
    let recommended = modes(Catalog::shipped_as_recommended().ok().unwrap());

    assert!(shipped.iter().all(|(_, mode)| *mode == Mode::Observe));
    let enforced = recommended
        .iter()
        .filter(|(_, mode)| *mode == Mode::Enforce);
    assert_eq!(enforced.count(), 8);
}

#[test]
fn a_shipped_playbook_for_agents_at_high_severity_answers_its_own_detection() {
    let catalog = Catalog::shipped_as_recommended().ok().unwrap();
    for name in [
        "agent-admin-confirmed",
        "agent-credential-use",
        "agent-early-life",
        "agent-failed-access",
        "agent-threat-intelligence",
    ] {
        let name = PlaybookName::new(name).unwrap();
        let playbook = catalog.get(&name).unwrap();
        let detection = detection(playbook.trigger.detection[0].as_str());

        let considered = catalog.considered(&detection, &agent(), noon());

        let strongest = catalog.strongest(&considered).unwrap();
        assert_eq!(strongest.playbook, name);
        assert_eq!(strongest.mode, playbook.recommended);
    }
    let name = PlaybookName::new("agent-user-risk").unwrap();
    assert_eq!(catalog.get(&name).unwrap().entity, EntityKind::AgentUser);
}

#[test]
fn lint_tells_about_every_file_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("x.yaml"),
        with("mode: observe", "mode: obsevre"),
    )
    .unwrap();
    let missing = folder.path().join("missing.yaml");

    let told = lint(&[PathBuf::from(folder.path()), missing]);

    let whats: Vec<&str> = told.iter().map(|fault| fault.what.as_str()).collect();
    assert_eq!(whats[0], "unknown mode `obsevre`");
    assert!(whats[1].starts_with("cannot read it"));
    assert_eq!(told[1].line, 0);
}

#[test]
fn a_catalog_may_be_shared_between_workers() {
    fn shared<T: Send + Sync + 'static>() {}

    shared::<Catalog>();
    shared::<Fault>();
}
