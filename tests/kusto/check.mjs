// Checks deploy/sentinel: every query is KQL that its tables can answer, what a rule maps is what its
// query emits, what it emits is the contract that estop reads, and the templates are made from the
// rules. Ends with 1 and says what is wrong where something is.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MADE, SENTINEL, rules, written } from "./rules.mjs";
import { TABLES } from "./tables.mjs";

const require = createRequire(import.meta.url);
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");
const { Language } = globalThis.Kusto;

// What estop reads (design: custom details), and the limits of Sentinel's custom details.
const CONTRACT = ["AgentId", "IdentityType", "BlueprintId", "EntraTenantId", "DetectionType", "DetectionId"];
const WANTED = ["AgentId", "IdentityType", "DetectionType", "DetectionId"];
const DETAILS_MAX = 20;
const DIMENSIONS_MAX = 6;
const faults = [];

const columns = (text) => text.replace(/\s+/g, " ");
const tables = Object.entries(TABLES).map(([name, text]) =>
  Language.Symbols.TableSymbol.From(`(${columns(text)})`).WithName(name),
);
const database = new Language.Symbols.DatabaseSymbol.ctor("workspace", tables);
const globals = Language.GlobalState.Default.WithDatabase(database);

const list = (items) => Array.from({ length: items.Count }, (_, n) => items.getItem(n));

function emitted(name, text) {
  const code = Language.KustoCode.ParseAndAnalyze(text, globals);
  for (const said of list(code.GetDiagnostics()).filter((said) => said.Severity === "Error")) {
    const piece = text.slice(said.Start, said.Start + 60).split("\n")[0];
    faults.push(`${name}: ${said.Message} At: ${piece}`);
  }
  return code.ResultType?.Columns ? list(code.ResultType.Columns).map((column) => column.Name) : [];
}

// The check itself must be able to fail.
const control = emitted("control", "AuditLogs | where NoSuchColumn == 1");
if (faults.length !== 1 || control.length === 0) throw new Error("the language service does not check");
faults.length = 0;

const ids = new Set();
for (const rule of rules()) {
  const name = rule.file;
  const has = new Set(emitted(name, rule.query));
  const want = (column, why) => {
    if (!has.has(column)) faults.push(`${name}: ${why} maps ${column}, which the query does not emit`);
  };
  Object.values(rule.customDetails).forEach((column) => want(column, "customDetails"));
  rule.entityMappings.flatMap((it) => it.fieldMappings).forEach((it) => want(it.columnName, "entityMappings"));
  if (rule.alertDetailsOverride) want(rule.alertDetailsOverride.alertSeverityColumnName, "alertDetailsOverride");
  want("TimeGenerated", "Sentinel");

  const details = Object.keys(rule.customDetails);
  if (details.length > DETAILS_MAX) faults.push(`${name}: more than ${DETAILS_MAX} custom details`);
  if (rule.tags.includes("people-only")) {
    const named = details.filter((detail) => detail !== "DetectionType" && CONTRACT.includes(detail));
    if (named.length > 0) faults.push(`${name}: is for people only and names ${named} to estop`);
  } else {
    for (const detail of details) if (!CONTRACT.includes(detail)) faults.push(`${name}: estop does not read ${detail}`);
    for (const detail of WANTED) if (!details.includes(detail)) faults.push(`${name}: ${detail} is missing`);
  }
  if (rule.tags.includes("azure-monitor") && details.length > DIMENSIONS_MAX) {
    faults.push(`${name}: a log alert splits by at most ${DIMENSIONS_MAX} dimensions`);
  }
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(rule.id) || ids.has(rule.id)) {
    faults.push(`${name}: ${rule.id} is no id of its own`);
  }
  ids.add(rule.id);
}

for (const [name, make] of Object.entries(MADE)) {
  if (readFileSync(join(SENTINEL, name), "utf8") !== written(make())) {
    faults.push(`${name} is not what the rules say. Run: node tests/kusto/make.mjs`);
  }
}

if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}
console.log(`${ids.size} rules: every query is understood, and what it emits is what estop reads`);
