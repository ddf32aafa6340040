-- Whoever waits for the end of a delivery, and where they are to be called. The address is a secret
-- and is emptied once nobody waits any more.
create table callback (
    delivery_id blob    not null primary key,
    address     text    not null,
    state       text    not null,
    asked_at    integer not null,
    due_at      integer not null,
    attempts    integer not null default 0
) strict, without rowid;

create index callback_due on callback (due_at) where state = 'waiting';
