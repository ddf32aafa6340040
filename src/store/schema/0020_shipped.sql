-- How far the record chain was handed to each place that wants it.

create table shipped (
    place  text    not null primary key,
    number integer not null,
    at     integer not null
) strict, without rowid;
