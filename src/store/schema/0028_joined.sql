-- A detection has the name of the delivery it came by first: only those that joined it are looked for by
-- its name. On PostgreSQL it makes no difference.
drop index delivery_detection;
create index delivery_joined on delivery (detection_id) where detection_id <> delivery_id;
