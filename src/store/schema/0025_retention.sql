-- A run that a case keeps, with its detection, its delivery and its records, whatever their age.
create table kept_run (
    run_id      blob    not null,
    case_name   text    not null,
    by_whom     text    not null,
    because     text    not null,
    since       integer not null,
    released_at integer,
    released_by text,
    primary key (run_id, case_name)
) strict, without rowid;

-- The record before this number was cut off. One row.
create table record_cut (
    one    integer not null primary key check (one = 1),
    number integer not null,
    seal   blob    not null,
    at     integer not null
) strict;

create table anchor (
    number    integer not null primary key,
    seal      blob    not null,
    at        integer not null,
    key       text    not null,
    signature text    not null
) strict;

-- Which key closes the body; none where it lies open.
alter table delivery add column body_key text;
