-- What goes from the outbox to whom: one row for each notice and place, for each run and who
-- answers for its agent, for each detection and its incident.

create table telling (
    telling_id blob    not null primary key,
    whom       text    not null,
    word       text    not null,
    -- The order of words about one thing.
    rank       integer not null,
    about      blob    not null,
    state      text    not null,
    -- Rises when there is something newer to say.
    version    integer not null default 1,
    attempts   integer not null default 0,
    due_at     integer not null,
    deadline   integer not null,
    said       text,
    ended_at   integer
) strict;

create unique index telling_once on telling (about, whom, word);
create index telling_due on telling (due_at) where state = 'due';

-- A person has it in hand; it is over.
alter table notice add column acked_at integer;
alter table notice add column acked_by text;
alter table notice add column resolved_at integer;
alter table notice add column resolved_by text;

-- What was told before there were pages is over.
update notice set resolved_at = told_at, resolved_by = 'estop' where told_at is not null;

create index notice_open on notice (at) where urgency = 'page' and resolved_at is null;

-- Whom its playbook tells, as a JSON list; null is nobody.
alter table run add column notify text;
