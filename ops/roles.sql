-- Three group roles, to be run once per database by its owner, after `sluice migrate`:  psql "$DATABASE_URL" -f ops/roles.sql
-- Then:  CREATE ROLE sluice LOGIN PASSWORD '…' IN ROLE sluice_consumer;
--   sluice_migrator  owns nothing by itself: grant it to whoever runs `sluice migrate` (DDL in the schema)
--   sluice_consumer  what `sluice consume` needs: no DDL, no DELETE, no change of a ledger row
--   sluice_operator  the commands for people: reads all, sets offsets, handles dead letters, the gate and mappings
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_migrator') THEN CREATE ROLE sluice_migrator NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_consumer') THEN CREATE ROLE sluice_consumer NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_operator') THEN CREATE ROLE sluice_operator NOLOGIN; END IF;
END
$$;

GRANT USAGE, CREATE ON SCHEMA public TO sluice_migrator;
GRANT USAGE ON SCHEMA public TO sluice_consumer, sluice_operator;

GRANT SELECT ON ALL TABLES IN SCHEMA public TO sluice_consumer, sluice_operator;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO sluice_consumer, sluice_operator;

GRANT INSERT ON item, item_mapping, ledger_entry, inventory, consumer_offset, dead_letter, consumer_gate TO sluice_consumer;
GRANT UPDATE ON item, item_mapping, inventory, consumer_offset, dead_letter, consumer_gate TO sluice_consumer;

GRANT INSERT, UPDATE ON consumer_offset TO sluice_operator;
GRANT UPDATE, DELETE ON dead_letter TO sluice_operator;
GRANT INSERT, UPDATE, DELETE ON consumer_gate TO sluice_operator;
GRANT INSERT, UPDATE ON item, item_mapping, inventory TO sluice_operator;
GRANT UPDATE (item_id) ON ledger_entry TO sluice_operator;
GRANT INSERT ON audit_entry TO sluice_operator;
