//! The incident trigger's body, as far as we read it.
//!
//! Key names: the Microsoft Sentinel connector's incident trigger; members of `additionalData` are
//! all texts, some of them JSON again.

use super::super::folded::{List, Loose, folded};

folded! {
    /// What the Logic App forwards.
    Body {
        schema: Loose<'a> = "objectSchemaType",
        incident: Incident<'a> = "object",
    }
    /// The incident resource.
    Incident {
        id: Loose<'a> = "id",
        properties: Properties<'a> = "properties",
    }
    /// What it says.
    Properties {
        severity: Loose<'a> = "severity",
        status: Loose<'a> = "status",
        number: Loose<'a> = "incidentNumber",
        url: Loose<'a> = "incidentUrl",
        analytic_rules: List<Loose<'a>> = "relatedAnalyticRuleIds",
        alerts: List<Alert<'a>> = "alerts",
    }
    /// One alert of the incident.
    Alert {
        name: Loose<'a> = "name",
        properties: AlertProperties<'a> = "properties",
    }
    /// What the alert says.
    AlertProperties {
        system_alert_id: Loose<'a> = "systemAlertId",
        severity: Loose<'a> = "severity",
        started: Loose<'a> = "startTimeUtc",
        generated: Loose<'a> = "timeGenerated",
        processed: Loose<'a> = "processingEndTime",
        additional: Additional<'a> = "additionalData",
    }
    /// The alert's extra members.
    Additional {
        custom_details: Loose<'a> = "Custom Details",
        analytic_rules: Loose<'a> = "Analytic Rule Ids",
    }
    /// The custom details of the contract (design §2): lists of texts, one for each row the alert
    /// grouped.
    Details {
        agent: List<Loose<'a>> = "AgentId",
        agent_object: List<Loose<'a>> = "AgentObjectId",
        service_principal: List<Loose<'a>> = "ServicePrincipalId",
        identity_type: List<Loose<'a>> = "IdentityType",
        blueprint: List<Loose<'a>> = "BlueprintId",
        tenant: List<Loose<'a>> = "EntraTenantId",
        detection_type: List<Loose<'a>> = "DetectionType",
        detection_id: List<Loose<'a>> = "DetectionId",
    }
}
