//! The incident trigger's body, as far as we read it; what tells the other triggers apart.
//!
//! Key names: the Microsoft Sentinel connector's incident trigger; members of `additionalData` are
//! all texts, some of them JSON again.

use super::super::folded::{List, Loose, folded};

folded! {
    /// What the Logic App forwards.
    Body {
        incident: Incident<'a> = "object",
        alert_id: Loose<'a> = "SystemAlertId",
        alert_type: Loose<'a> = "AlertType",
        entity: Loose<'a> = "Entity",
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
        provider_alert_id: Loose<'a> = "providerAlertId",
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
}
