-- What calls playbooks in our own name: outbreaks and schedules.

-- What counts towards an outbreak of a blueprint, until its window is over or it is one.
create table mark (
    playbook  text    not null,
    blueprint blob    not null,
    -- An agent, or a detection and an agent.
    counted   blob    not null,
    at        integer not null,
    primary key (playbook, blueprint, counted)
) strict, without rowid;

-- The last of the detections that made each outbreak. What comes within the window after it is
-- part of the same outbreak.
create table outbreak (
    playbook  text    not null,
    blueprint blob    not null,
    at        integer not null,
    primary key (playbook, blueprint)
) strict, without rowid;

-- How far each schedule was carried out.
create table tick (
    playbook text    not null primary key,
    schedule text    not null,
    at       integer not null
) strict, without rowid;

-- Who made an agent, as the agent registry says, and for whom an agent may act.
create table tie (
    of_id     blob    not null,
    way       text    not null,
    person_id blob    not null,
    seen_at   integer not null,
    primary key (of_id, way, person_id)
) strict, without rowid;

create index tie_person on tie (person_id);
