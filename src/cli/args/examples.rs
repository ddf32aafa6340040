//! Examples, as help shows them.

pub(super) const ALL: &str = "Examples:
  estop demo                                    see it work; nothing leaves this machine
  estop contain GUID --reason \"leaked token\"    show the plan, ask, stop it, prove it
  estop undo RUN --risk safe                    put back what was
  estop brake trip --reason \"stop everything\"   no more writes to the tenant

Exit codes: 0 done and verified, 1 failed, 2 usage, 3 no such thing, 4 not allowed,
  5 waits for a person, 6 partial, 7 unknown, 8 stopped by a guard, 9 unreachable,
  78 configuration refused by serve, 130 interrupted";

pub(super) const DEMO: &str = "Examples:
  estop demo
  estop demo --serve
  estop demo --scenario false-alarm";

pub(super) const LAB: &str = "Examples:
  estop lab lab --playbooks playbooks/          until Ctrl-C; then, in another terminal:
  . lab/env && estop runs list";

pub(super) const SERVE: &str = "Examples:
  estop serve --config /etc/estop/estop.yaml
  estop serve --config estop.yaml --mode observe
  estop serve --role ingest                              the door for senders alone, without a credential

Roles share a PostgreSQL (deploy/roles.md): ingest stores what senders send and enters no tenant, worker
decides and carries out, console takes orders and only reads the tenant. Without one, all of it.";

pub(super) const CONTAIN: &str = "Examples:
  estop contain 7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0
  estop contain 7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0 --dry-run
  estop contain 7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0 --reason \"incident 4182\" --yes --json
  estop contain 7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0 --offline --reason \"the server is down\"
  estop contain --file storm.txt --reason \"incident 4182\" --confirm \"CONTAIN 42\"";

pub(super) const UNDO: &str = "Examples:
  estop undo run_06b2... --dry-run
  estop undo run_06b2... --risk safe --reason \"false alarm, confirmed with sponsor\"";

pub(super) const RUNS: &str = "Examples:
  estop runs list --state waiting --state unknown
  estop runs show run_06b2... --json
  estop runs watch
  estop runs resume run_06b2... run_06b3... --reason \"it is real\" --token-file ada.credential
  estop runs stop run_06b2... --reason \"the wrong agent\"";

pub(super) const APPROVALS: &str = "Examples:
  estop approvals list --state asked
  estop approvals show apr_06b2...
  estop approvals approve apr_06b2... --token-file ada.credential
  estop approvals deny apr_06b2... --reason \"a planned migration\"
  estop approvals extend apr_06b2... --by 10m";

pub(super) const HOLDS: &str = "Examples:
  estop holds list
  estop holds list --run run_06b2...
  estop holds show 7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0
  estop undo run_06b2... --reason \"handled\"     release a run's holds and put back what was";

pub(super) const CAPS: &str = "Examples:
  estop caps show
  estop caps raise --tenant 50 --source 50 --for 2h --reason \"outbreak\" --token-file ada.credential
  estop motions second mot_06b2... --token-file bo.credential
  estop caps lower --reason \"it is over\"";

pub(super) const FREEZE: &str = "Examples:
  estop freeze plan
  estop freeze propose --reason \"incident 4182\" --confirm \"KILL 214 AGENTS\" --token-file ada.credential
  estop motions second mot_06b2... --token-file bo.credential
  estop freeze list
  estop freeze show frz_06b2...
  estop freeze stop frz_06b2... --reason \"far enough\" --token-file ada.credential
  estop freeze undo frz_06b2... --reason \"it is over\" --token-file ada.credential";

pub(super) const MOTIONS: &str = "Examples:
  estop motions list
  estop motions show mot_06b2...
  estop motions second mot_06b2... --token-file bo.credential
  estop motions deny mot_06b2... --reason \"not now\" --token-file bo.credential";

pub(super) const PERSON: &str = "Examples:
  estop person add ada --role lead --group soc-leads --entra OBJECT_ID --out ada.credential
  estop person list
  estop person revoke per_06b2...";

pub(super) const NOTICES: &str = "Examples:
  estop notices list --open
  estop notices show ntc_06b2...
  estop notices ack ntc_06b2...
  estop notices resolve ntc_06b2...";

pub(super) const PAGE: &str = "Examples:
  estop page test";

pub(super) const DETECTIONS: &str = "Examples:
  estop detections list --state quarantined
  estop detections show det_06b2...
  estop detections replay dlv_06b2...";

pub(super) const DOCTOR: &str = "Examples:
  estop doctor
  estop doctor --config /etc/estop/estop.yaml --json

Exit codes: 0 nothing is known not to work, 1 something will not, 9 Graph cannot be reached";

pub(super) const AGENTS: &str = "Examples:
  estop agents list --blueprint 0b9c66aa-20f4-4c1e-8a51-77b0e4dd1c07
  estop agents show 7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0 --json
  estop agents orphans";

pub(super) const DRILL: &str = "Examples:
  estop drill
  estop drill --last --json";

pub(super) const MODE: &str = "Examples:
  estop mode show
  estop mode set enforce --reason \"a quiet week\"";

pub(super) const BRAKE: &str = "Examples:
  estop brake status
  estop brake trip --reason \"too many agents stop\"
  estop brake reset --reason \"the rule is mended\"";

pub(super) const EXPECT: &str = "Examples:
  estop expect --blueprint 0b9c66aa-20f4-4c1e-8a51-77b0e4dd1c07 --for 2h --because CHG0042
  estop expect --list
  estop expect --end exp_06b2... --because \"the change is done\"";

pub(super) const HOLD: &str = "Examples:
  estop hold run_06b2... --case LEGAL-14 --reason \"subpoena of 12 March\"
  estop hold --list
  estop hold run_06b2... --case LEGAL-14 --release --reason \"the case is closed\"";

pub(super) const PAUSE: &str = "Examples:
  estop pause --reason \"too many agents stop\"
  estop pause --reason \"the API is away\" --file --config /etc/estop/estop.yaml
  kill -USR1 PID                                the same, by a signal to estop serve
  rm estop.db.pause && estop brake reset --reason \"mended\"";

pub(super) const STATUS: &str = "Examples:
  estop status
  estop status --json";

pub(super) const STORE: &str = "Examples:
  estop store migrate --from sqlite:estop.db --to postgres://estop@db.contoso.example/estop \\
    --password-file estop.password
  estop store migrate --from sqlite:estop.db --config estop.yaml   where it names the database
  estop store migrate --from sqlite:estop.db --to postgres://estop@127.0.0.1/estop --json
  estop store prepare --to postgres://estop@db.contoso.example/estop --password-file owner.password

To migrate, stop the service first. The file is left as it is, and everything arrives in one transaction: an
interruption leaves the database empty. Before it is committed, the rows of every table are counted
and the record is proved. A mark beside the file then keeps every estop from opening it.

Prepare is for services whose own roles may not change the schema (deploy/roles.md): it brings the
schema up to this version, and changes nothing else.

Exit codes: 0 moved or prepared, or was before; 1 the copy could not be proved; 2 a file or a server that cannot
be used; 7 cut while it committed: run it again, it finds out; 8 a service at work, or a database that
is not empty; 9 the server cannot be reached";

pub(super) const TOKEN: &str = "Examples:
  estop token create --name soc --scope respond --expires 30d --out soc.token
  estop token list --store sqlite:estop.db
  estop token revoke tok_06b2...";

pub(super) const LISTEN: &str = "Examples:
  estop listen
  estop listen --source sentinel --json
  estop listen --on 127.0.0.1:8789                          without a service, a secret for this once
  estop listen --key dev.key --forward-to http://127.0.0.1:3000/hook
  estop listen --key dev.key --print-secret

Shows what reaches the running service, also what is refused and why. While it runs, the usual
mistakes of a sender that signs are looked for and named. On a port of its own it needs no service,
keeps nothing and sets nothing in motion: a genuine delivery hears 200, any other 401.
Each line says how old the delivery says it is and how long the answer took; what the service made
of it follows, with the playbook that matched. As JSON that is a line of its own with `decisions`.";

pub(super) const TRIGGER: &str = "Examples:
  estop trigger --list
  estop trigger threatIntelligenceAccount --agent OBJECT_ID --key lab.key --wait
  estop trigger sentinel_incident --agent OBJECT_ID --tenant TENANT_ID --key sentinel.key
  estop trigger datadog_alert --scheme basic:datadog --key datadog.key --agent OBJECT_ID
  estop trigger signInSpike --set severity=low --print";

pub(super) const SIGN: &str = "Examples:
  estop sign --key lab.key detection.json
  curl -d @detection.json $(estop sign --key lab.key --curl detection.json) URL
  estop sign --scheme github --key hub.key detection.json
  estop sign --scheme 'hmac: {key: text, header: X-Sig, encoding: hex, signed: \"{body}\"}' \\
    --key edr.key detection.json                          as under `verify:` of the source";

pub(super) const SEND: &str = "Examples:
  estop send --key lab.key --source lab detection.json --wait 60s
  estop send --key lab.key --source lab --repeat 3 detection.json
  estop send --key lab.key --source lab --tamper body detection.json    expects a refusal
  estop send --scheme header:X-Api-Key --key edr.key detection.json     a source that signs nothing
  estop send --scheme token --key access.token --source sentinel incident.json";

pub(super) const VERIFY: &str = "Examples:
  estop verify --key lab.key --headers headers.txt --body detection.json
  estop verify --key lab.key --headers headers.txt --body detection.json --at 2026-09-20T14:02:07Z";

pub(super) const EVIDENCE: &str = "Examples:
  estop evidence show run_06b2...
  estop evidence export run_06b2... --out run.evidence.json
  estop evidence verify run.evidence.json --key 44CHARACTERS=    needs no server";

pub(super) const AUDIT: &str = "Examples:
  estop audit list
  estop audit export --out records.ndjson
  estop audit verify records.ndjson                       needs no server
  estop audit verify records.ndjson --head 1042:9c1e...   also finds a missing end
  estop audit verify --store sqlite:estop.db";

pub(super) const CONFIG: &str = "Examples:
  estop config show
  estop config check --config estop.yaml";

pub(super) const PLAYBOOK: &str = "Examples:
  estop playbook new my-recon --detection entraDirectoryReconnaissance
  estop playbook lint playbooks/ --deny warnings
  estop playbook lint --format sarif > lint.sarif         for a pull request
  estop playbook test                                     on a simulated tenant
  estop playbook explain det_06b2...                      every why and why-not
  estop playbook simulate --since 30d                     reads the tenant, writes nothing
  estop playbook diff playbooks/ changed/ --since 7d      what would be decided otherwise
  estop playbook fmt --check
  estop playbook schema playbook > playbook.schema.json   for an editor
  estop playbook permissions --profile eradicate          what a tenant must grant
  estop playbook permissions --role console               what a part that only shows must be granted
  estop playbook run agent-under-investigation --entity GUID --param case=INC-4711 \\
    --param weeks=2 --reason \"asked for by the investigators\"
  estop playbook list                                     in force, and what holds them back
  estop playbook activate playbooks/ --change CHG0042     one of two leads' words
  estop playbook statement my-recon.yaml --change CHG0042  what a signer signs
  estop playbook lift my-recon --reason \"mended\"         after it demoted itself";

pub(super) const INIT: &str = "Examples:
  estop init entra > grant.sh && sh grant.sh OBJECT_ID
  estop init entra playbooks/ --profile eradicate --shell powershell > grant.ps1
  estop init entra --role console > grant.sh               for the application of a console
  estop init sentinel --out sentinel/ --workspace law-soc --url https://estop.contoso.example --audience api://estop";

pub(super) const REFERENCE: &str = "Examples:
  estop reference playbooks > playbooks/reference.md
  estop reference commands > deploy/commands.md";
