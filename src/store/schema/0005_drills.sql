-- Each drill, for ever: what an auditor asks for first.
create table drill (
    drill_id blob    not null primary key,
    canary   blob    not null,
    state    text    not null,
    -- 1 as long as it has not ended: there is one at a time.
    unended  integer,
    asked_at integer not null,
    asked_by text    not null,
    run_id   blob,
    -- When each hop was over, as JSON of `domain` types.
    hops     text    not null,
    because  text,
    ended_at integer
) strict;

create unique index drill_one_at_a_time on drill (unended);
create index drill_asked on drill (asked_at);
