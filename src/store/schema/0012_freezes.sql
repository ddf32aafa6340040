-- What takes two people: proposed by one, seconded by another, once.
create table motion (
    motion_id  blob    not null primary key,
    -- JSON of `domain` types.
    kind       text    not null,
    state      text    not null,
    reason     text    not null,
    by_name    text    not null,
    by_entra   blob    not null,
    at         integer not null,
    expires_at integer not null,
    result     text,
    decided_at integer
) strict;

create index motion_due on motion (expires_at) where state = 'proposed';

-- Every agent of the tenant but the protected, contained in one go.
create table freeze (
    freeze_id blob    not null primary key,
    state     text    not null,
    -- The order of whoever seconded it, in whose name its runs are made.
    order_id  blob,
    agents    integer not null,
    -- How many agents have had their turn, forward and back.
    made      integer not null default 0,
    back      integer not null default 0,
    begun_at  integer,
    ended_at  integer
) strict;

create index freeze_open on freeze (state) where state in ('running', 'thawing');

create table freeze_agent (
    freeze_id blob    not null,
    position  integer not null,
    entity_id blob    not null,
    users     integer not null,
    run_id    blob,
    primary key (freeze_id, position)
) strict, without rowid;
