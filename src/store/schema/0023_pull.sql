-- How far each risk list was read, by our clock.
create table pull_cursor (
    list    text    not null primary key,
    through integer not null
) strict, without rowid;

-- When each source spoke, and the longest gap between two words of it on each day.
create table source_pulse (
    source   text    not null primary key,
    first_at integer not null,
    last_at  integer not null
) strict, without rowid;

create table source_gap (
    source  text    not null,
    -- Days since the Unix epoch.
    day     integer not null,
    longest integer not null,
    primary key (source, day)
) strict, without rowid;
