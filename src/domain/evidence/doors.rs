//! What evidence says about the doors of a run's coverage. It never claims more than was read.

use serde::de::DeserializeOwned;

use super::held::{AzureRole, RoleHeld, RoleHolder};
use super::{EvidencePart, KeptPart, PartState};
use crate::domain::coverage::{Door, DoorReport, DoorState};
use crate::domain::inventory::Person;
use crate::domain::moment::Moment;

/// Most names in one proof; the part has them all.
const NAMES_MAX: usize = 5;

/// The doors that these parts speak about. `until` is when the last token may end by which a role
/// still works.
pub fn doors(parts: &[KeptPart], until: Option<Moment>) -> Vec<DoorReport> {
    [roles(parts, until), can_reenable(parts)]
        .into_iter()
        .flatten()
        .collect()
}

/// A part as far as it is known: `None` while it was not asked for, `Err` in words why it is not
/// there.
fn part<T: DeserializeOwned>(
    parts: &[KeptPart],
    wanted: EvidencePart,
) -> Option<Result<Vec<T>, String>> {
    let kept = parts.iter().find(|kept| kept.part == wanted)?;
    let why = kept.why.as_deref().unwrap_or("nobody knows why");
    let body = kept
        .body
        .as_deref()
        .filter(|_| kept.state == PartState::Read);
    Some(match body.map(serde_json::from_str) {
        Some(Ok(read)) => Ok(read),
        Some(Err(_)) | None => Err(format!("{wanted} not read: {why}")),
    })
}

fn roles(parts: &[KeptPart], until: Option<Moment>) -> Option<DoorReport> {
    let directory = part::<RoleHeld>(parts, EvidencePart::DirectoryRoles)?;
    let azure = part::<AzureRole>(parts, EvidencePart::AzureRoles)?;
    let held = directory.as_ref().map_or(0, Vec::len) + azure.as_ref().map_or(0, Vec::len);
    let known = directory.is_ok() && azure.is_ok();
    let directory = match directory {
        Ok(roles) => said("directory role", roles.iter().map(|it| it.role.clone())),
        Err(why) => why,
    };
    let shown = |it: &AzureRole| format!("{} over {}", it.definition, it.scope);
    let azure = match azure {
        Ok(roles) => said("Azure role in the subscription", roles.iter().map(shown)),
        Err(why) => why,
    };
    let state = match (held, known) {
        (1.., _) => DoorState::MayWork,
        (0, true) => DoorState::Absent,
        (0, false) => DoorState::NotChecked,
    };
    Some(DoorReport {
        door: Door::Roles,
        id: None,
        state,
        until: until.filter(|_| state == DoorState::MayWork),
        proof: format!("{directory}; {azure}"),
    })
}

/// Nobody found is not nobody: eligible administrators and members of groups are not listed.
fn can_reenable(parts: &[KeptPart]) -> Option<DoorReport> {
    let owners = part::<Person>(parts, EvidencePart::Owners);
    let administrators = part::<RoleHolder>(parts, EvidencePart::Administrators)?;
    let owned = owners.as_ref().and_then(|it| it.as_ref().ok());
    let found = owned.map_or(0, Vec::len) + administrators.as_ref().map_or(0, Vec::len);
    let name = |it: &Person| it.name.clone().unwrap_or_else(|| it.id.to_string());
    let owners = match owners {
        Some(Ok(people)) => said("owner", people.iter().map(name)),
        Some(Err(why)) => why,
        None => "it has no owners of its own".to_owned(),
    };
    let shown = |it: &RoleHolder| format!("{} ({})", it.holder, it.role);
    let administrators = match administrators {
        Ok(holders) => said("administrator", holders.iter().map(shown)),
        Err(why) => why,
    };
    let state = if found > 0 {
        DoorState::Open
    } else {
        DoorState::NotChecked
    };
    Some(DoorReport {
        door: Door::CanReenable,
        id: None,
        state,
        until: None,
        proof: format!(
            "{owners}; {administrators}; eligible administrators and members of groups are not \
             counted"
        ),
    })
}

fn said(noun: &str, all: impl ExactSizeIterator<Item = String>) -> String {
    let count = all.len();
    if count == 0 {
        return format!("no {noun}");
    }
    let names: Vec<String> = all.take(NAMES_MAX).collect();
    let more = match count.saturating_sub(NAMES_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{noun} ({count}): {}{more}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{DoorState, EvidencePart, KeptPart, Moment, PartState, doors};

    fn kept(part: EvidencePart, body: Result<&str, &str>) -> KeptPart {
        KeptPart {
            part,
            state: if body.is_ok() {
                PartState::Read
            } else {
                PartState::NotReadable
            },
            why: body.err().map(str::to_owned),
            body: body.ok().map(str::to_owned),
            at: Moment::from_millis(0),
        }
    }

    fn roles(directory: Result<&str, &str>, azure: Result<&str, &str>) -> (DoorState, String) {
        let parts = [
            kept(EvidencePart::DirectoryRoles, directory),
            kept(EvidencePart::AzureRoles, azure),
        ];
        let mut said = doors(&parts, None);
        let only = said.remove(0);
        (only.state, only.proof)
    }

    #[test]
    fn no_role_is_claimed_only_where_both_places_were_read() {
        let unread = Err("no subscription is configured");

        assert_eq!(roles(Ok("[]"), Ok("[]")).0, DoorState::Absent);
        let (state, proof) = roles(Ok("[]"), unread);
        assert_eq!(state, DoorState::NotChecked);
        assert!(proof.contains("no directory role; azure roles not read: no sub"));
        let held = r#"[{"role":"Global Reader","scope":"/"}]"#;
        let (state, proof) = roles(Ok(held), unread);
        assert_eq!(state, DoorState::MayWork);
        assert!(proof.contains("Global Reader"), "{proof}");
    }

    #[test]
    fn nobody_found_is_never_told_as_nobody_can() {
        let parts = [
            kept(EvidencePart::Owners, Ok("[]")),
            kept(EvidencePart::Administrators, Ok("[]")),
        ];

        let said = doors(&parts, None);

        assert_eq!(said[0].state, DoorState::NotChecked);
        assert!(said[0].proof.contains("not counted"));
    }

    #[test]
    fn a_door_whose_parts_were_not_asked_for_yet_is_not_spoken_about() {
        assert!(doors(&[kept(EvidencePart::Owners, Ok("[]"))], None).is_empty());
    }
}
