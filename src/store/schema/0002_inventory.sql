-- What the tenant held when it was last listed: a cache, which may be emptied at any time.

create table inventory (
    entity_id    blob    not null primary key,
    entity_kind  text    not null,
    app_id       blob,
    -- A blueprint's application object.
    application  blob,
    -- An agent's blueprint by app id, an agent user's agent by object id.
    parent       blob,
    enabled      integer not null,
    by_microsoft integer not null,
    owner_tenant blob,
    name         text,
    -- A JSON object of texts.
    tags         text    not null,
    seen_at      integer not null,
    people_at    integer
) strict, without rowid;

create index inventory_kind on inventory (entity_kind, entity_id);
create index inventory_app on inventory (app_id) where app_id is not null;
create index inventory_application on inventory (application) where application is not null;
create index inventory_parent on inventory (parent) where parent is not null;

-- Who sponsors and owns what.
create table inventory_person (
    of_id     blob not null,
    bond      text not null,
    person_id blob not null,
    name      text,
    primary key (of_id, bond, person_id)
) strict, without rowid;

create index inventory_person_id on inventory_person (person_id);

-- Agents as their platforms register them; several may share one identity.
create table inventory_instance (
    instance_id blob    not null primary key,
    agent       blob,
    application blob,
    name        text,
    platform    text,
    seen_at     integer not null
) strict, without rowid;

create index inventory_instance_agent on inventory_instance (agent) where agent is not null;
create index inventory_instance_application on inventory_instance (application)
    where application is not null;

-- How far each listing came.
create table inventory_part (
    part        text    not null primary key,
    -- When the last whole listing began.
    measured_at integer,
    read        integer not null,
    total       integer not null,
    -- Of the entities it lists, those that were enabled.
    enabled     integer not null,
    why         text
) strict, without rowid;

-- A person's word on what a switch was, where read and write left together and nobody can tell.
alter table run add column prior_word text;
