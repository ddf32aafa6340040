-- What holds playbooks back beside their own words: who activated which bytes, who cried wolf, which
-- changes were announced.

-- One person's word that exactly these bytes may act; the last one needed activates them.
create table activation_word (
    digest   text    not null,
    change   text    not null,
    entra_id blob    not null,
    name     text    not null,
    at       integer not null,
    primary key (digest, change, entra_id)
) strict, without rowid;

create table activation (
    digest   text    not null primary key,
    playbook text    not null,
    change   text    not null,
    -- The people or the signer, as a JSON list.
    by_whom  text    not null,
    at       integer not null
) strict;

create index activation_at on activation (at);

create table demotion (
    playbook  text    not null,
    since     integer not null,
    because   text    not null,
    lifted_at integer,
    lifted_by text,
    primary key (playbook, since)
) strict, without rowid;

create table expectation (
    expectation_id blob    not null primary key,
    blueprint_id   blob    not null,
    -- Detection types, as a JSON list.
    detections     text    not null,
    because        text    not null,
    by_whom        text    not null,
    at             integer not null,
    until          integer not null
) strict;

create index expectation_until on expectation (until);

-- The last containments of a playbook.
create index run_struck on run (playbook, struck_at) where struck_at is not null;
