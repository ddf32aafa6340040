// The rules of deploy/sentinel/rules, and the ARM templates that are made from them.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import yaml from "js-yaml";

export const SENTINEL = join(dirname(fileURLToPath(import.meta.url)), "../../deploy/sentinel");
const OPERATORS = { gt: "GreaterThan", lt: "LessThan", eq: "Equal", ne: "NotEqual" };

export function rules() {
  const folder = join(SENTINEL, "rules");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((file) => ({ file, ...yaml.load(readFileSync(join(folder, file), "utf8")) }));
}

// A text that begins with a bracket would be an expression of ARM.
const literal = (text) => (text.startsWith("[") ? `[${text}` : text);

// What stands in braces is filled in by ARM; a quote in the rest is doubled as ARM wants it.
function query(rule) {
  if (!rule.query.includes("{EstopPrincipalId}")) return literal(rule.query);
  const text = rule.query.replaceAll("'", "''");
  return `[replace('${text}', '{EstopPrincipalId}', parameters('estopPrincipalId'))]`;
}

function analytic(rule) {
  const scheduled = rule.kind === "Scheduled";
  return {
    type: "Microsoft.OperationalInsights/workspaces/providers/alertRules",
    apiVersion: "2025-09-01",
    name: `[concat(parameters('workspace'), '/Microsoft.SecurityInsights/${rule.id}')]`,
    kind: rule.kind,
    properties: {
      displayName: literal(rule.name),
      description: rule.description.trim(),
      severity: rule.severity,
      enabled: "[parameters('enabled')]",
      query: query(rule),
      ...(scheduled && {
        queryFrequency: rule.queryFrequency,
        queryPeriod: rule.queryPeriod,
        triggerOperator: OPERATORS[rule.triggerOperator],
        triggerThreshold: rule.triggerThreshold,
      }),
      suppressionEnabled: rule.suppressionEnabled,
      suppressionDuration: rule.suppressionDuration,
      tactics: rule.tactics,
      techniques: rule.relevantTechniques,
      entityMappings: rule.entityMappings,
      customDetails: rule.customDetails,
      ...(rule.alertDetailsOverride && { alertDetailsOverride: rule.alertDetailsOverride }),
      eventGroupingSettings: rule.eventGroupingSettings,
      incidentConfiguration: rule.incidentConfiguration,
    },
  };
}

const parameter = (type, description, more = {}) => ({ type, ...more, metadata: { description } });

export function analyticsTemplate() {
  return {
    $schema: "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    contentVersion: "1.0.0.0",
    parameters: {
      workspace: parameter("string", "Log Analytics workspace with Microsoft Sentinel"),
      estopPrincipalId: parameter("string", "Object id of estop's own service principal"),
      enabled: parameter("bool", "Are the rules switched on at once?", { defaultValue: true }),
    },
    resources: rules().map(analytic),
  };
}

// A log alert splits by at most six dimensions: the contract, one alert for each agent.
function logAlert(rule) {
  const dimensions = Object.entries(rule.customDetails).map(([name]) => ({
    name,
    operator: "Include",
    values: ["*"],
  }));
  const severity = { High: 1, Medium: 2, Low: 3, Informational: 4 }[rule.severity];
  return {
    type: "Microsoft.Insights/scheduledQueryRules",
    apiVersion: "2022-06-15",
    name: `estop-${rule.file.replace(".yaml", "")}`,
    location: "[parameters('location')]",
    kind: "LogAlert",
    dependsOn: ["[resourceId('Microsoft.Insights/actionGroups', variables('group'))]"],
    properties: {
      displayName: literal(rule.name),
      description: rule.description.trim(),
      severity,
      enabled: "[parameters('enabled')]",
      evaluationFrequency: "PT5M",
      windowSize: "PT5M",
      scopes: ["[parameters('workspaceResourceId')]"],
      criteria: {
        allOf: [
          {
            query: literal(rule.query),
            timeAggregation: "Count",
            dimensions,
            operator: "GreaterThan",
            threshold: 0,
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 },
          },
        ],
      },
      // An alert that ends by itself would only send "resolved".
      autoMitigate: false,
      // The tables may not be there yet when the rule is made.
      skipQueryValidation: true,
      actions: {
        actionGroups: ["[resourceId('Microsoft.Insights/actionGroups', variables('group'))]"],
      },
    },
  };
}

export function monitorTemplate() {
  const twins = rules().filter((rule) => rule.tags.includes("azure-monitor"));
  return {
    $schema: "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    contentVersion: "1.0.0.0",
    parameters: {
      workspaceResourceId: parameter("string", "Resource id of the Log Analytics workspace"),
      location: parameter("string", "Where the alert rules lie", {
        defaultValue: "[resourceGroup().location]",
      }),
      estopUrl: parameter("string", "Where estop takes deliveries, without a slash at the end"),
      source: parameter("string", "The name of the source in estop.yaml", {
        defaultValue: "azure-monitor",
      }),
      audience: parameter("string", "Application ID URI of estop's app registration"),
      appObjectId: parameter("string", "Object id of that app registration"),
      enabled: parameter("bool", "Are the rules switched on at once?", { defaultValue: true }),
    },
    variables: { group: "estop" },
    resources: [
      {
        type: "Microsoft.Insights/actionGroups",
        apiVersion: "2023-01-01",
        name: "[variables('group')]",
        location: "Global",
        properties: {
          groupShortName: "estop",
          enabled: true,
          webhookReceivers: [
            {
              name: "estop",
              serviceUri: "[concat(parameters('estopUrl'), '/v1/ingest/', parameters('source'), '?wait=none')]",
              useCommonAlertSchema: true,
              useAadAuth: true,
              objectId: "[parameters('appObjectId')]",
              identifierUri: "[parameters('audience')]",
              tenantId: "[subscription().tenantId]",
            },
          ],
        },
      },
      ...twins.map(logAlert),
    ],
  };
}

// The automation rules call estop for every rule but those for people only.
export function automationTemplate() {
  const kept = JSON.parse(readFileSync(join(SENTINEL, "automation.json"), "utf8"));
  kept.variables.ids = rules()
    .filter((rule) => !rule.tags.includes("people-only"))
    .map((rule) => rule.id);
  return kept;
}

export const MADE = {
  "automation.json": automationTemplate,
  "analytics-rules.json": analyticsTemplate,
  "azure-monitor.json": monitorTemplate,
};
export const written = (template) => `${JSON.stringify(template, null, 2)}\n`;
