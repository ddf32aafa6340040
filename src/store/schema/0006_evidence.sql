-- What is gathered beside a strike: one row a run, made with its first strike.
create table evidence (
    run_id   blob    not null primary key,
    state    text    not null,
    asked_at integer not null,
    due_at   integer not null,
    rounds   integer not null default 0,
    -- What the parts say about doors, as JSON of `domain` types.
    doors    text    not null default '[]'
) strict;

create index evidence_due on evidence (state, due_at);

-- Each part, as it was read once. Its digest stands in the record chain too.
create table evidence_part (
    run_id  blob    not null,
    part    text    not null,
    state   text    not null,
    why     text,
    body    text,
    digest  text,
    read_at integer not null,
    primary key (run_id, part)
) strict;
