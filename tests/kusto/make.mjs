// Writes the templates that are made from the rules: node make.mjs
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MADE, SENTINEL, written } from "./rules.mjs";

for (const [name, make] of Object.entries(MADE)) writeFileSync(join(SENTINEL, name), written(make()));
