-- Only what is ever looked for: who was confirmed as compromised, what is still to be gathered, what
-- is held for a time. A service of the version before finds what it looks for by these, too.
drop index step_entity;
create index step_entity on step (entity_id) where action = 'confirm_compromised';
drop index evidence_due;
create index evidence_due on evidence (due_at) where state <> 'complete';
drop index hold_due;
create index hold_due on hold (until)
    where until is not null and released_at is null and over_at is null;
