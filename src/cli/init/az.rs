//! The script for a POSIX shell with the Azure CLI.

use super::{lines, whose};
use crate::domain::needed::Needed;

const HEAD: &str = r#"#!/bin/sh
# Grants estop's own identity the application permissions of PROFILE.
#
#   sh grant.sh OBJECT_ID       the object id of estop's managed identity (its service principal)
#
# Sign in first (az login) as a Privileged Role Administrator. It may be run again: what is held
# already is left alone. Microsoft publishes no ids for most of these permissions, so they are
# looked up in the tenant. For another cloud set GRAPH_URL, such as https://graph.microsoft.us.
set -eu

principal="${1:?say the object id of the managed identity of estop}"
base="${GRAPH_URL:-https://graph.microsoft.com}/v1.0"
graph=$(az rest --method get --output tsv --query id \
  --url "$base/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')?\$select=id")
held=$(az rest --method get --output tsv --query "value[].appRoleId" \
  --url "$base/servicePrincipals/$principal/appRoleAssignments")
missing=0

grant() {
  role=$(az rest --method get --output tsv \
    --query "appRoles[?value=='$1' && contains(allowedMemberTypes, 'Application')].id | [0]" \
    --url "$base/servicePrincipals/$graph?\$select=appRoles")
  if [ -z "$role" ]; then
    echo "missing  $1: this tenant does not know it" >&2
    missing=1
    return 0
  fi
  case "$held" in
    *"$role"*)
      echo "held     $1"
      return 0
      ;;
  esac
  az rest --method post --output none \
    --url "$base/servicePrincipals/$principal/appRoleAssignments" \
    --headers "Content-Type=application/json" \
    --body "{\"principalId\":\"$principal\",\"resourceId\":\"$graph\",\"appRoleId\":\"$role\"}"
  echo "granted  $1"
}

"#;

const TAIL: &str = "\nexit \"$missing\"\n";

pub(super) fn script(needed: &Needed, optional: bool) -> String {
    let head = HEAD.replace("PROFILE", &whose(needed));
    let grants = lines(needed, optional, |name| format!("grant {name}"));
    format!("{head}{grants}{TAIL}")
}
