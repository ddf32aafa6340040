-- When its time was over and what follows was done, so that it is done once.
alter table hold add column over_at integer;

create index hold_due on hold (until) where released_at is null and over_at is null;
create index hold_run on hold (run_id) where released_at is null;

-- What was seen to differ from how we left what we hold.
create table drift (
    drift_id    blob    not null primary key,
    entity_kind text    not null,
    entity_id   blob    not null,
    what        text    not null,
    -- Which agent or credential is new; empty where it is the entity's own switch.
    about       text    not null,
    answer      text    not null,
    -- Who closes it again, or asks people about the blueprint.
    run_id      blob,
    -- When people were asked about the blueprint, or told why not.
    offered_at  integer,
    seen_at     integer not null,
    over_at     integer,
    over_by     text
) strict;

create unique index drift_open on drift (entity_kind, entity_id, what, about)
    where over_at is null;
create index drift_entity on drift (entity_id, seen_at);

-- What a held entity's blueprint had when the watch on it began: what is not in it is new. The row
-- with an empty `about` says that it was taken.
create table baseline (
    entity_kind text    not null,
    entity_id   blob    not null,
    what        text    not null,
    about       text    not null,
    taken_at    integer not null,
    primary key (entity_kind, entity_id, what, about)
) strict, without rowid;
