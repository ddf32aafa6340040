//! The script for PowerShell with the Microsoft Graph module.

use super::{lines, whose};
use crate::domain::needed::Needed;

const HEAD: &str = r#"#Requires -Modules Microsoft.Graph.Authentication, Microsoft.Graph.Applications
# Grants estop's own identity the application permissions of PROFILE.
#
#   ./grant.ps1 -Principal OBJECT_ID       the object id of estop's managed identity
#
# Run it as a Privileged Role Administrator. It may be run again: what is held already is left
# alone. Microsoft publishes no ids for most of these permissions, so they are looked up in the
# tenant. For another cloud name it, such as -Environment USGov.
param(
    [Parameter(Mandatory)][guid] $Principal,
    [string] $Environment = 'Global'
)
$ErrorActionPreference = 'Stop'

Connect-MgGraph -NoWelcome -Environment $Environment `
    -Scopes 'Application.Read.All', 'AppRoleAssignment.ReadWrite.All'
$graph = Get-MgServicePrincipal -Filter "appId eq '00000003-0000-0000-c000-000000000000'"
$held = @(Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $Principal -All).AppRoleId
$missing = 0

function Grant([string] $Name) {
    $role = $graph.AppRoles | Where-Object {
        $_.Value -eq $Name -and $_.AllowedMemberTypes -contains 'Application'
    }
    if (-not $role) {
        Write-Warning "missing  ${Name}: this tenant does not know it"
        $script:missing = 1
        return
    }
    if ($held -contains $role.Id) {
        Write-Output "held     $Name"
        return
    }
    New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $Principal `
        -PrincipalId $Principal -ResourceId $graph.Id -AppRoleId $role.Id | Out-Null
    Write-Output "granted  $Name"
}

"#;

const TAIL: &str = "\nexit $missing\n";

pub(super) fn script(needed: &Needed, optional: bool) -> String {
    let head = HEAD.replace("PROFILE", &whose(needed));
    let grants = lines(needed, optional, |name| format!("Grant '{name}'"));
    format!("{head}{grants}{TAIL}")
}
