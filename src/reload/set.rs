//! A set of playbooks as the record names it, beside the one it takes the place of.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::catalog::Catalog;
use crate::domain::playbook::{Mode, PlaybookName};
use crate::domain::restraint::Activation;
use crate::store::ActiveSet;

/// A set and the reason for it.
pub fn active_set(catalog: &Catalog, (cause, activation): (&str, Activation)) -> ActiveSet {
    let playbooks = catalog.all().map(|loaded| {
        let playbook = &loaded.playbook;
        (
            playbook.name.clone(),
            playbook.digest.clone(),
            loaded.text.to_string(),
        )
    });
    ActiveSet {
        digest: catalog.digest(),
        cause: cause.to_owned(),
        playbooks: playbooks.collect(),
        activation,
        ..ActiveSet::default()
    }
}

/// Which user of the machine owns each playbook's file: the only person the files themselves name.
pub fn owners(catalog: &Catalog, folder: &Path) -> BTreeMap<PlaybookName, u32> {
    let names = catalog.all().map(|loaded| &loaded.playbook.name);
    names
        .filter_map(|name| {
            let file = folder.join(format!("{name}.yaml"));
            let owner = std::fs::metadata(file).ok()?.uid();
            Some((name.clone(), owner))
        })
        .collect()
}

/// Notes what differs from the set that was in force.
pub(super) fn compare(set: &mut ActiveSet, (before, after): (&Catalog, &Catalog)) {
    for loaded in after.all() {
        let new = &loaded.playbook;
        match before.get(&new.name) {
            None => set.added.push(new.name.clone()),
            Some(old) if old.digest != new.digest => {
                set.changed.push(new.name.clone());
                if new.mode < old.mode {
                    set.weakened.push(new.name.clone());
                }
            }
            Some(_) => {}
        }
    }
    for loaded in before.all() {
        let old = &loaded.playbook;
        if after.get(&old.name).is_none() {
            set.removed.push(old.name.clone());
            if old.mode > Mode::Observe {
                set.weakened.push(old.name.clone());
            }
        }
    }
}
