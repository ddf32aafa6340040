-- The least that each role of estop needs, for services that run as `serve --role ingest`, `worker`
-- and `console` (deploy/roles.md). Run it after `estop store prepare`, and again after each version
-- that changes the schema; whatever was granted before is taken back first.
--
--   psql -v ON_ERROR_STOP=1 -d estop -f deploy/postgresql/roles.sql
--
-- as a superuser, or as the owner of the tables where the three roles are there already. They are
-- made without a password: set one, `\password estop_ingest`, or let pg_hba.conf know them.

do $$
declare
    wanted text;
begin
    foreach wanted in array array['estop_ingest', 'estop_worker', 'estop_console'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            begin
                execute format('create role %I login', wanted);
            exception when duplicate_object or unique_violation then
                null;  -- Another run of this was faster.
            end;
        end if;
    end loop;
end $$;

begin;

-- Nobody but the owner changes the schema.
revoke create on schema public from public;
grant usage on schema public to estop_ingest, estop_worker, estop_console;
revoke all on all tables in schema public from estop_ingest, estop_worker, estop_console;

-- ingest: it adds deliveries, their records and words about refusals. It reads no body, and of the
-- record only its end. What a sender may ask about its own delivery is why it sees runs.
grant insert on delivery to estop_ingest;
grant select (delivery_id, source, delivery_key, conflict_of, digest, received_at, state, why, detection_id)
    on delivery to estop_ingest;
grant select, insert, update on callback to estop_ingest;
grant insert on record, notice to estop_ingest;
grant select (number, seal) on record to estop_ingest;
grant select on detection, run, hold to estop_ingest;
grant select on containment, tool_block, inventory, inventory_instance to estop_ingest;
grant select on token, person, setting, keeper, migration to estop_ingest;

-- worker: it carries out and keeps house, so it changes nearly everything. It makes no credential,
-- changes no schema, and rewrites nothing of the record: it adds to it, and cuts it at an anchor.
grant select, insert, update, delete on all tables in schema public to estop_worker;
revoke insert, update, delete on migration, token, person from estop_worker;
revoke update on record, anchor, orders, vote, playbook, activation, activation_word
    from estop_worker;
revoke delete on record_cut, anchor, playbook, activation, activation_word from estop_worker;

-- console: it shows everything, and writes what people say: orders, votes, motions, and the runs they
-- make or move. It takes nothing away but what an approval replaces and a cap that a person lowers.
grant select on all tables in schema public to estop_console;
grant insert on record, orders, run, step, approval, vote, notice, motion, "freeze", freeze_agent, drill,
    expectation, activation, activation_word, demotion, kept_run, setting, delivery, token, person
    to estop_console;
grant update on run, step, hold, approval, notice, telling, motion, "freeze", freeze_agent, drill,
    expectation, demotion, kept_run, setting, delivery, token, person, drift, evidence to estop_console;
grant delete on step, setting to estop_console;

commit;
