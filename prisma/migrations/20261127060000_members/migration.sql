-- What the members of a group say of themselves, so that each of them, and `sluice lag`, can show the whole group. Nothing of the
-- pipeline reads it: without it nothing is lost but the view.
CREATE TABLE member (
  group_id   text NOT NULL,
  -- Of one process, made at its start.
  member_id  uuid NOT NULL,
  topic      text NOT NULL,
  host       text NOT NULL,
  pid        integer NOT NULL,
  client_id  text NOT NULL,
  version    text NOT NULL,
  started_at timestamptz(3) NOT NULL,
  seen_at    timestamptz(3) NOT NULL,
  state      jsonb NOT NULL,
  PRIMARY KEY (group_id, member_id)
);
-- Each row is rewritten every few seconds: in its own page, which is cleaned early.
ALTER TABLE member SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

CREATE TABLE member_sample (
  group_id  text NOT NULL,
  at        timestamptz(3) NOT NULL,
  member_id uuid NOT NULL,
  sample    jsonb NOT NULL,
  PRIMARY KEY (group_id, at, member_id)
);
ALTER TABLE member_sample SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);
