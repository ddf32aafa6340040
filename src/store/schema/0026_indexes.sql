-- Said by comparisons: for a list of words SQLite makes a table of them at every change of a run.
drop index run_due;
create index run_due on run (lane, due_at)
    where state = 'queued' or state = 'running' or state = 'undoing' or state = 'unknown';

-- Only what is ever looked for: who was confirmed as compromised, what is still to be gathered, what
-- is held for a time.
drop index step_entity;
create index step_entity on step (entity_id) where action = 'confirm_compromised';
drop index evidence_due;
create index evidence_due on evidence (due_at) where state <> 'complete';
drop index hold_due;
create index hold_due on hold (until)
    where until is not null and released_at is null and over_at is null;
