-- Fewer pages for each containment: what the caps count of an entity stands together, and what is
-- gathered for a run stands in its key's own tree. On PostgreSQL neither makes a difference.
create table cap_use_by_entity (
    entity_id blob    not null,
    scope     text    not null,
    at        integer not null,
    primary key (entity_id, scope)
) strict, without rowid;

insert into cap_use_by_entity select entity_id, scope, at from cap_use;
drop table cap_use;
alter table cap_use_by_entity rename to cap_use;
create index cap_use_at on cap_use (scope, at);

create table evidence_by_run (
    run_id   blob    not null primary key,
    state    text    not null,
    asked_at integer not null,
    due_at   integer not null,
    rounds   integer not null default 0,
    -- What the parts say about doors, as JSON of `domain` types.
    doors    text    not null default '[]'
) strict, without rowid;

insert into evidence_by_run select run_id, state, asked_at, due_at, rounds, doors from evidence;
drop table evidence;
alter table evidence_by_run rename to evidence;
create index evidence_due on evidence (due_at) where state <> 'complete';
