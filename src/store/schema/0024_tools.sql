-- Whose tool calls a run has blocked; the last one released, they pass again.
create table tool_block (
    entity_id   blob    not null,
    run_id      blob    not null,
    since       integer not null,
    released_at integer,
    primary key (entity_id, run_id)
) strict, without rowid;

create index tool_block_run on tool_block (run_id);

-- What a platform calls an agent: for Copilot Studio probably its bot id.
alter table inventory_instance add column source_agent text;
