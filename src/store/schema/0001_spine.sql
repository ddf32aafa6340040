-- Ids are 16 bytes, times are milliseconds since the Unix epoch, digests are 32 bytes.
-- States are the words of `domain`; only its laws of change move them.

create table delivery (
    delivery_id  blob    not null primary key,
    source       text    not null,
    delivery_key text    not null,
    -- Set when another delivery came first with the same key and other bytes.
    conflict_of  blob,
    digest       blob    not null,
    key_id       text    not null,
    headers      text    not null,
    body         blob    not null,
    received_at  integer not null,
    state        text    not null,
    why          text,
    -- The detection it became or joined.
    detection_id blob,
    -- Readings begun; a delivery that kills its reader is set aside.
    attempts     integer not null default 0
) strict;

create unique index delivery_once on delivery (source, delivery_key) where conflict_of is null;
create index delivery_unread on delivery (received_at) where state = 'received';
create index delivery_detection on delivery (detection_id) where detection_id is not null;

create table detection (
    detection_id  blob    not null primary key,
    detection_key text    not null unique,
    received_at   integer not null,
    -- The detection and the decisions on it, as JSON of `domain` types.
    said          text    not null,
    decisions     text    not null
) strict;

create table run (
    run_id          blob    not null primary key,
    detection_id    blob,
    order_id        blob,
    source          text,
    playbook        text    not null,
    playbook_digest text    not null,
    entity_kind     text    not null,
    entity_id       blob    not null,
    mode            text    not null,
    lane            integer not null,
    state           text    not null,
    because         text,
    plan_digest     text    not null,
    -- Reserved claim on the caps, guardrail and hold, as JSON.
    terms           text    not null,
    received_at     integer not null,
    begun_at        integer,
    struck_at       integer,
    contained_at    integer,
    ended_at        integer,
    coverage        text,
    -- A person released it over the caps.
    released        integer not null default 0,
    -- What Entra ID Protection is told when it is undone.
    risk_verdict    text,
    attempts        integer not null default 0,
    lease_holder    text,
    lease_epoch     integer not null default 0,
    lease_until     integer not null default 0,
    due_at          integer not null
) strict;

-- An unknown run is due again until it is proved.
create index run_due on run (lane, due_at)
    where state in ('queued', 'running', 'undoing', 'unknown');
create index run_waiting on run (received_at) where state = 'waiting';
create index run_detection on run (detection_id) where detection_id is not null;
create index run_entity on run (entity_id);

create table step (
    run_id      blob    not null,
    position    integer not null,
    action      text    not null,
    entity_kind text    not null,
    entity_id   blob    not null,
    optional    integer not null,
    state       text    not null,
    outcome     text,
    attempts    integer not null default 0,
    before      text,
    evidence    text,
    begun_at    integer,
    ended_at    integer,
    undo        text,
    primary key (run_id, position)
) strict, without rowid;

create index step_entity on step (entity_id, action);

create table containment (
    entity_kind text    not null,
    entity_id   blob    not null,
    state       text    not null,
    since       integer not null,
    primary key (entity_kind, entity_id)
) strict, without rowid;

create table hold (
    entity_kind text    not null,
    entity_id   blob    not null,
    run_id      blob    not null,
    since       integer not null,
    until       integer,
    released_at integer,
    primary key (entity_kind, entity_id, run_id)
) strict, without rowid;

-- When each entity was last contained without a person: in the tenant, on a source's word, by a
-- playbook. The caps are counted in it.
create table cap_use (
    scope     text    not null,
    entity_id blob    not null,
    at        integer not null,
    primary key (scope, entity_id)
) strict, without rowid;

create index cap_use_at on cap_use (scope, at);

-- The hash chain. `line` is sealed byte for byte.
create table record (
    number integer not null primary key,
    run_id blob,
    line   text    not null,
    seal   blob    not null
) strict;

create index record_run on record (run_id) where run_id is not null;

create table notice (
    notice_id blob    not null primary key,
    at        integer not null,
    key       text    not null,
    urgency   text    not null,
    text      text    not null,
    run_id    blob,
    told_at   integer
) strict;

create unique index notice_untold on notice (key) where told_at is null;
create index notice_key on notice (key);

create table orders (
    order_id        blob    not null primary key,
    at              integer not null,
    operator        text    not null,
    kind            text    not null,
    reason          text    not null,
    run_id          blob,
    idempotency_key text    unique
) strict;

create table token (
    token_id   blob    not null primary key,
    hash       blob    not null,
    name       text    not null,
    scope      text    not null,
    created_at integer not null,
    expires_at integer not null,
    revoked_at integer
) strict;

create table setting (
    name   text    not null primary key,
    value  text    not null,
    set_at integer not null,
    set_by text    not null
) strict, without rowid;

-- Every playbook file that was ever active, so that a run can show the copy it started with.
create table playbook (
    digest     text    not null primary key,
    name       text    not null,
    text       text    not null,
    first_seen integer not null
) strict;
