-- All of it at once, for PostgreSQL: what the steps of SQLite come to, and what several services need.
-- Texts compare byte by byte, as they do in SQLite.
--
-- Ids are 16 bytes, times are milliseconds since the Unix epoch, digests are 32 bytes.
-- States are the words of `domain`; only its laws of change move them.

create table delivery (
    delivery_id bytea not null primary key,
    source text collate "C" not null,
    delivery_key text collate "C" not null,
    -- Set when another delivery came first with the same key and other bytes.
    conflict_of bytea,
    digest bytea not null,
    key_id text collate "C" not null,
    headers text collate "C" not null,
    body bytea not null,
    received_at bigint not null,
    state text collate "C" not null,
    why text collate "C",
    -- The detection it became or joined.
    detection_id bytea,
    -- Readings begun; a delivery that kills its reader is set aside.
    attempts bigint not null default 0,
    -- Which key closes the body; none where it lies open.
    body_key text collate "C"
);

create unique index delivery_once on delivery (source, delivery_key) where conflict_of is null;
create index delivery_unread on delivery (received_at) where state = 'received';
create index delivery_detection on delivery (detection_id) where detection_id is not null;

create table detection (
    detection_id bytea not null primary key,
    detection_key text collate "C" not null unique,
    received_at bigint not null,
    -- The detection and the decisions on it, as JSON of `domain` types.
    said text collate "C" not null,
    decisions text collate "C" not null
);

create table run (
    run_id bytea not null primary key,
    detection_id bytea,
    order_id bytea,
    source text collate "C",
    playbook text collate "C" not null,
    playbook_digest text collate "C" not null,
    entity_kind text collate "C" not null,
    entity_id bytea not null,
    mode text collate "C" not null,
    lane bigint not null,
    state text collate "C" not null,
    because text collate "C",
    plan_digest text collate "C" not null,
    -- Reserved claim on the caps, guardrail and hold, as JSON.
    terms text collate "C" not null,
    received_at bigint not null,
    begun_at bigint,
    struck_at bigint,
    contained_at bigint,
    ended_at bigint,
    coverage text collate "C",
    -- A person released it over the caps.
    released bigint not null default 0,
    -- What Entra ID Protection is told when it is undone.
    risk_verdict text collate "C",
    attempts bigint not null default 0,
    lease_holder text collate "C",
    lease_epoch bigint not null default 0,
    lease_until bigint not null default 0,
    due_at bigint not null,
    -- A person's word on what a switch was, where read and write left together and nobody can tell.
    prior_word text collate "C",
    -- A person keeps what it contained provisionally.
    kept bigint not null default 0,
    -- Whom its playbook tells, as a JSON list; null is nobody.
    notify text collate "C"
);

-- An unknown run is due again until it is proved.
create index run_due on run (lane, due_at)
    where state in ('queued', 'running', 'undoing', 'unknown');
create index run_waiting on run (received_at) where state = 'waiting';
create index run_detection on run (detection_id) where detection_id is not null;
create index run_entity on run (entity_id);

create table step (
    run_id bytea not null,
    position bigint not null,
    action text collate "C" not null,
    entity_kind text collate "C" not null,
    entity_id bytea not null,
    optional bigint not null,
    state text collate "C" not null,
    outcome text collate "C",
    attempts bigint not null default 0,
    before text collate "C",
    evidence text collate "C",
    begun_at bigint,
    ended_at bigint,
    undo text collate "C",
    primary key (run_id, position)
);

create index step_entity on step (entity_id, action);

create table containment (
    entity_kind text collate "C" not null,
    entity_id bytea not null,
    state text collate "C" not null,
    since bigint not null,
    primary key (entity_kind, entity_id)
);

create table hold (
    entity_kind text collate "C" not null,
    entity_id bytea not null,
    run_id bytea not null,
    since bigint not null,
    until bigint,
    released_at bigint,
    primary key (entity_kind, entity_id, run_id),
    -- When its time was over and what follows was done, so that it is done once.
    over_at bigint
);

-- When each entity was last contained without a person: in the tenant, on a source's word, by a
-- playbook. The caps are counted in it.
create table cap_use (
    scope text collate "C" not null,
    entity_id bytea not null,
    at bigint not null,
    primary key (scope, entity_id)
);

create index cap_use_at on cap_use (scope, at);

-- The hash chain. `line` is sealed byte for byte.
create table record (
    number bigint not null primary key,
    run_id bytea,
    line text collate "C" not null,
    seal bytea not null
);

create index record_run on record (run_id) where run_id is not null;

create table notice (
    notice_id bytea not null primary key,
    at bigint not null,
    key text collate "C" not null,
    urgency text collate "C" not null,
    text text collate "C" not null,
    run_id bytea,
    told_at bigint,
    -- A person has it in hand; it is over.
    acked_at bigint,
    acked_by text collate "C",
    resolved_at bigint,
    resolved_by text collate "C"
);

create unique index notice_untold on notice (key) where told_at is null;
create index notice_key on notice (key);

create table orders (
    order_id bytea not null primary key,
    at bigint not null,
    operator text collate "C" not null,
    kind text collate "C" not null,
    reason text collate "C" not null,
    run_id bytea,
    idempotency_key text collate "C"    unique
);

create table token (
    token_id bytea not null primary key,
    hash bytea not null,
    name text collate "C" not null,
    scope text collate "C" not null,
    created_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint
);

create table setting (
    name text collate "C" not null primary key,
    value text collate "C" not null,
    set_at bigint not null,
    set_by text collate "C" not null
);

-- Every playbook file that was ever active, so that a run can show the copy it started with.
create table playbook (
    digest text collate "C" not null primary key,
    name text collate "C" not null,
    text text collate "C" not null,
    first_seen bigint not null
);

-- What the tenant held when it was last listed: a cache, which may be emptied at any time.

create table inventory (
    entity_id bytea not null primary key,
    entity_kind text collate "C" not null,
    app_id bytea,
    -- A blueprint's application object.
    application bytea,
    -- An agent's blueprint by app id, an agent user's agent by object id.
    parent bytea,
    enabled bigint not null,
    by_microsoft bigint not null,
    owner_tenant bytea,
    name text collate "C",
    -- A JSON object of texts.
    tags text collate "C" not null,
    seen_at bigint not null,
    people_at bigint
);

create index inventory_kind on inventory (entity_kind, entity_id);
create index inventory_app on inventory (app_id) where app_id is not null;
create index inventory_application on inventory (application) where application is not null;
create index inventory_parent on inventory (parent) where parent is not null;

-- Who sponsors and owns what.
create table inventory_person (
    of_id bytea not null,
    bond text collate "C" not null,
    person_id bytea not null,
    name text collate "C",
    primary key (of_id, bond, person_id)
);

create index inventory_person_id on inventory_person (person_id);

-- Agents as their platforms register them; several may share one identity.
create table inventory_instance (
    instance_id bytea not null primary key,
    agent bytea,
    application bytea,
    name text collate "C",
    platform text collate "C",
    seen_at bigint not null,
    -- What a platform calls an agent: for Copilot Studio probably its bot id.
    source_agent text collate "C"
);

create index inventory_instance_agent on inventory_instance (agent) where agent is not null;
create index inventory_instance_application on inventory_instance (application)
    where application is not null;

-- How far each listing came.
create table inventory_part (
    part text collate "C" not null primary key,
    -- When the last whole listing began.
    measured_at bigint,
    read bigint not null,
    total bigint not null,
    -- Of the entities it lists, those that were enabled.
    enabled bigint not null,
    why text collate "C"
);

-- What people are asked about runs, what they answered, and the credentials that prove who they are.

create table person (
    person_id bytea not null primary key,
    hash bytea not null,
    name text collate "C" not null,
    -- Their user object in Entra: two credentials of one object are one person.
    entra_id bytea not null,
    role text collate "C" not null,
    -- Names of groups of approvers, as a JSON list.
    groups text collate "C" not null,
    created_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint
);

create table approval (
    approval_id bytea not null primary key,
    run_id bytea not null,
    about text collate "C" not null,
    state text collate "C" not null,
    because text collate "C" not null,
    terms text collate "C" not null,
    requester text collate "C",
    -- What was seen first, once anyone looked.
    world text collate "C",
    asked_at bigint not null,
    expires_at bigint not null,
    extensions bigint not null default 0,
    decided_at bigint,
    result text collate "C"
);

create unique index approval_open on approval (run_id) where state = 'asked';
create index approval_due on approval (expires_at) where state = 'asked';
create index approval_run on approval (run_id);

-- One word of one person; a newer one replaces it.
create table vote (
    approval_id bytea not null,
    entra_id bytea not null,
    name text collate "C" not null,
    at bigint not null,
    plan_digest text collate "C" not null,
    primary key (approval_id, entra_id)
);

-- Each drill, for ever: what an auditor asks for first.
create table drill (
    drill_id bytea not null primary key,
    canary bytea not null,
    state text collate "C" not null,
    -- 1 as long as it has not ended: there is one at a time.
    unended bigint,
    asked_at bigint not null,
    asked_by text collate "C" not null,
    run_id bytea,
    -- When each hop was over, as JSON of `domain` types.
    hops text collate "C" not null,
    because text collate "C",
    ended_at bigint
);

create unique index drill_one_at_a_time on drill (unended);
create index drill_asked on drill (asked_at);

-- What is gathered beside a strike: one row a run, made with its first strike.
create table evidence (
    run_id bytea not null primary key,
    state text collate "C" not null,
    asked_at bigint not null,
    due_at bigint not null,
    rounds bigint not null default 0,
    -- What the parts say about doors, as JSON of `domain` types.
    doors text collate "C" not null default '[]'
);

create index evidence_due on evidence (state, due_at);

-- Each part, as it was read once. Its digest stands in the record chain too.
create table evidence_part (
    run_id bytea not null,
    part text collate "C" not null,
    state text collate "C" not null,
    why text collate "C",
    body text collate "C",
    digest text collate "C",
    read_at bigint not null,
    primary key (run_id, part)
);

create index hold_due on hold (until) where released_at is null and over_at is null;
create index hold_run on hold (run_id) where released_at is null;

-- What was seen to differ from how we left what we hold.
create table drift (
    drift_id bytea not null primary key,
    entity_kind text collate "C" not null,
    entity_id bytea not null,
    what text collate "C" not null,
    -- Which agent or credential is new; empty where it is the entity's own switch.
    about text collate "C" not null,
    answer text collate "C" not null,
    -- Who closes it again, or asks people about the blueprint.
    run_id bytea,
    -- When people were asked about the blueprint, or told why not.
    offered_at bigint,
    seen_at bigint not null,
    over_at bigint,
    over_by text collate "C"
);

create unique index drift_open on drift (entity_kind, entity_id, what, about)
    where over_at is null;
create index drift_entity on drift (entity_id, seen_at);

-- What a held entity's blueprint had when the watch on it began: what is not in it is new. The row
-- with an empty `about` says that it was taken.
create table baseline (
    entity_kind text collate "C" not null,
    entity_id bytea not null,
    what text collate "C" not null,
    about text collate "C" not null,
    taken_at bigint not null,
    primary key (entity_kind, entity_id, what, about)
);

-- What takes two people: proposed by one, seconded by another, once.
create table motion (
    motion_id bytea not null primary key,
    -- JSON of `domain` types.
    kind text collate "C" not null,
    state text collate "C" not null,
    reason text collate "C" not null,
    by_name text collate "C" not null,
    by_entra bytea not null,
    at bigint not null,
    expires_at bigint not null,
    result text collate "C",
    decided_at bigint
);

create index motion_due on motion (expires_at) where state = 'proposed';

-- Every agent of the tenant but the protected, contained in one go.
create table "freeze" (
    freeze_id bytea not null primary key,
    state text collate "C" not null,
    -- The order of whoever seconded it, in whose name its runs are made.
    order_id bytea,
    agents bigint not null,
    -- How many agents have had their turn, forward and back.
    made bigint not null default 0,
    back bigint not null default 0,
    begun_at bigint,
    ended_at bigint
);

create index freeze_open on "freeze" (state) where state in ('running', 'thawing');

create table freeze_agent (
    freeze_id bytea not null,
    position bigint not null,
    entity_id bytea not null,
    users bigint not null,
    run_id bytea,
    primary key (freeze_id, position)
);

-- What calls playbooks in our own name: outbreaks and schedules.

-- What counts towards an outbreak of a blueprint, until its window is over or it is one.
create table mark (
    playbook text collate "C" not null,
    blueprint bytea not null,
    -- An agent, or a detection and an agent.
    counted bytea not null,
    at bigint not null,
    primary key (playbook, blueprint, counted)
);

-- The last of the detections that made each outbreak. What comes within the window after it is
-- part of the same outbreak.
create table outbreak (
    playbook text collate "C" not null,
    blueprint bytea not null,
    at bigint not null,
    primary key (playbook, blueprint)
);

-- How far each schedule was carried out.
create table tick (
    playbook text collate "C" not null primary key,
    schedule text collate "C" not null,
    at bigint not null
);

-- Who made an agent, as the agent registry says, and for whom an agent may act.
create table tie (
    of_id bytea not null,
    way text collate "C" not null,
    person_id bytea not null,
    seen_at bigint not null,
    primary key (of_id, way, person_id)
);

create index tie_person on tie (person_id);

-- What holds playbooks back beside their own words: who activated which bytes, who cried wolf, which
-- changes were announced.

-- One person's word that exactly these bytes may act; the last one needed activates them.
create table activation_word (
    digest text collate "C" not null,
    change text collate "C" not null,
    entra_id bytea not null,
    name text collate "C" not null,
    at bigint not null,
    primary key (digest, change, entra_id)
);

create table activation (
    digest text collate "C" not null primary key,
    playbook text collate "C" not null,
    change text collate "C" not null,
    -- The people or the signer, as a JSON list.
    by_whom text collate "C" not null,
    at bigint not null
);

create index activation_at on activation (at);

create table demotion (
    playbook text collate "C" not null,
    since bigint not null,
    because text collate "C" not null,
    lifted_at bigint,
    lifted_by text collate "C",
    primary key (playbook, since)
);

create table expectation (
    expectation_id bytea not null primary key,
    blueprint_id bytea not null,
    -- Detection types, as a JSON list.
    detections text collate "C" not null,
    because text collate "C" not null,
    by_whom text collate "C" not null,
    at bigint not null,
    until bigint not null
);

create index expectation_until on expectation (until);

-- The last containments of a playbook.
create index run_struck on run (playbook, struck_at) where struck_at is not null;

-- What goes from the outbox to whom: one row for each notice and place, for each run and who
-- answers for its agent, for each detection and its incident.

create table telling (
    telling_id bytea not null primary key,
    whom text collate "C" not null,
    word text collate "C" not null,
    -- The order of words about one thing.
    rank bigint not null,
    about bytea not null,
    state text collate "C" not null,
    -- Rises when there is something newer to say.
    version bigint not null default 1,
    attempts bigint not null default 0,
    due_at bigint not null,
    deadline bigint not null,
    said text collate "C",
    ended_at bigint
);

create unique index telling_once on telling (about, whom, word);
create index telling_due on telling (due_at) where state = 'due';

create index notice_open on notice (at) where urgency = 'page' and resolved_at is null;

-- How far the record chain was handed to each place that wants it.

create table shipped (
    place text collate "C" not null primary key,
    number bigint not null,
    at bigint not null
);

-- Whoever waits for the end of a delivery, and where they are to be called. The address is a secret
-- and is emptied once nobody waits any more.
create table callback (
    delivery_id bytea not null primary key,
    address text collate "C" not null,
    state text collate "C" not null,
    asked_at bigint not null,
    due_at bigint not null,
    attempts bigint not null default 0
);

create index callback_due on callback (due_at) where state = 'waiting';

-- How far each risk list was read, by our clock.
create table pull_cursor (
    list text collate "C" not null primary key,
    through bigint not null
);

-- When each source spoke, and the longest gap between two words of it on each day.
create table source_pulse (
    source text collate "C" not null primary key,
    first_at bigint not null,
    last_at bigint not null
);

create table source_gap (
    source text collate "C" not null,
    -- Days since the Unix epoch.
    day bigint not null,
    longest bigint not null,
    primary key (source, day)
);

-- Whose tool calls a run has blocked; the last one released, they pass again.
create table tool_block (
    entity_id bytea not null,
    run_id bytea not null,
    since bigint not null,
    released_at bigint,
    primary key (entity_id, run_id)
);

create index tool_block_run on tool_block (run_id);

-- A run that a case keeps, with its detection, its delivery and its records, whatever their age.
create table kept_run (
    run_id bytea not null,
    case_name text collate "C" not null,
    by_whom text collate "C" not null,
    because text collate "C" not null,
    since bigint not null,
    released_at bigint,
    released_by text collate "C",
    primary key (run_id, case_name)
);

-- The record before this number was cut off. One row.
create table record_cut (
    one bigint not null primary key check (one = 1),
    number bigint not null,
    seal bytea not null,
    at bigint not null
);

create table anchor (
    number bigint not null primary key,
    seal bytea not null,
    at bigint not null,
    key text collate "C" not null,
    signature text collate "C" not null
);

-- Which of several services does what one alone must do, and until when.
create table keeper (
    what text collate "C" not null primary key,
    holder text collate "C" not null,
    until bigint not null
);
