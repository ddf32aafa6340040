-- What people are asked about runs, what they answered, and the credentials that prove who they are.

create table person (
    person_id  blob    not null primary key,
    hash       blob    not null,
    name       text    not null,
    -- Their user object in Entra: two credentials of one object are one person.
    entra_id   blob    not null,
    role       text    not null,
    -- Names of groups of approvers, as a JSON list.
    groups     text    not null,
    created_at integer not null,
    expires_at integer not null,
    revoked_at integer
) strict;

create table approval (
    approval_id  blob    not null primary key,
    run_id       blob    not null,
    about        text    not null,
    state        text    not null,
    because      text    not null,
    terms        text    not null,
    requester    text,
    -- What was seen first, once anyone looked.
    world        text,
    asked_at     integer not null,
    expires_at   integer not null,
    extensions   integer not null default 0,
    decided_at   integer,
    result       text
) strict;

create unique index approval_open on approval (run_id) where state = 'asked';
create index approval_due on approval (expires_at) where state = 'asked';
create index approval_run on approval (run_id);

-- One word of one person; a newer one replaces it.
create table vote (
    approval_id blob    not null,
    entra_id    blob    not null,
    name        text    not null,
    at          integer not null,
    plan_digest text    not null,
    primary key (approval_id, entra_id)
) strict, without rowid;

-- A person keeps what it contained provisionally.
alter table run add column kept integer not null default 0;
