-- Three group roles. Run it as a superuser (or the owner of the database with CREATEROLE), before the first `sluice migrate`
-- and again after every one: psql -v ON_ERROR_STOP=1 "$DATABASE_URL" -f ops/roles.sql
--   sluice_migrator  `sluice migrate`: owns the tables; DDL in the schema public
--   sluice_consumer  `sluice consume`: no DDL, no DELETE (but of what members say of themselves); no change of a ledger row, nor of the
--                    bytes of a dead letter
--   sluice_operator  the commands for people: reads all, sets offsets, handles dead letters and the gate, moves what came by a
--                    vendor key to another item (no other change of a ledger row); adds to the audit
-- Then logins, as many as needed (docs/security.md):
--   CREATE ROLE migrator_1 LOGIN PASSWORD '…' IN ROLE sluice_migrator;  ALTER ROLE migrator_1 SET role = sluice_migrator;
--   CREATE ROLE consumer_1 LOGIN PASSWORD '…' IN ROLE sluice_consumer;
--   CREATE ROLE jane       LOGIN PASSWORD '…' IN ROLE sluice_operator;
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_migrator') THEN CREATE ROLE sluice_migrator NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_consumer') THEN CREATE ROLE sluice_consumer NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_operator') THEN CREATE ROLE sluice_operator NOLOGIN; END IF;
END
$$;

-- Before PostgreSQL 15 everybody could create tables in it.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO sluice_migrator;
GRANT USAGE ON SCHEMA public TO sluice_consumer, sluice_operator;

DO $$
BEGIN
  IF to_regclass('public.consumer_offset') IS NULL THEN
    RAISE NOTICE 'no tables yet: run this again after `sluice migrate`';
    RETURN;
  END IF;
  -- What an earlier version of this file may have given.
  REVOKE ALL ON ALL TABLES IN SCHEMA public FROM sluice_consumer, sluice_operator;
  REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM sluice_consumer, sluice_operator;

  GRANT SELECT ON _prisma_migrations, item, item_mapping, item_word, ledger_entry, inventory, consumer_offset, dead_letter, consumer_gate,
      member, member_sample, mapping_change TO sluice_consumer, sluice_operator;
  GRANT SELECT ON audit_entry, mapping_change_key TO sluice_operator;

  GRANT INSERT ON item, item_mapping, item_word, ledger_entry, inventory, consumer_offset, dead_letter, consumer_gate TO sluice_consumer;
  GRANT USAGE ON SEQUENCE item_id_seq TO sluice_consumer;
  GRANT UPDATE (sku) ON item TO sluice_consumer;
  GRANT UPDATE (item_id, method, score, source_text, rule_version, match_keys) ON item_mapping TO sluice_consumer;
  GRANT UPDATE (items) ON item_word TO sluice_consumer;
  GRANT UPDATE (quantity) ON inventory TO sluice_consumer;
  GRANT UPDATE ON consumer_offset, consumer_gate TO sluice_consumer;
  GRANT INSERT, DELETE ON member, member_sample TO sluice_consumer;
  GRANT UPDATE (seen_at, state) ON member TO sluice_consumer;
  GRANT UPDATE (stage, code, sqlstate, path, message, seen_count, failed_at, status, resolved_at,
      published_at, claimed_until, deferred_until) ON dead_letter TO sluice_consumer;

  GRANT INSERT, UPDATE ON consumer_offset, consumer_gate TO sluice_operator;
  GRANT UPDATE (status, discard_reason, replay_count, replay_hash, replay_sent_at, replay_claimed_until) ON dead_letter
    TO sluice_operator;
  GRANT DELETE ON dead_letter TO sluice_operator;
  GRANT INSERT ON item, item_mapping, inventory, mapping_change, mapping_change_key TO sluice_operator;
  GRANT USAGE ON SEQUENCE item_id_seq TO sluice_operator;
  GRANT UPDATE (sku) ON item TO sluice_operator;
  GRANT UPDATE (item_id, method, score, source_text, rule_version) ON item_mapping TO sluice_operator;
  GRANT UPDATE (item_id, mapping_id) ON ledger_entry TO sluice_operator;
  GRANT UPDATE (quantity) ON inventory TO sluice_operator;
  GRANT UPDATE (moved_at, moved_rows, quantity) ON mapping_change TO sluice_operator;
  GRANT INSERT ON audit_entry TO sluice_operator;
  GRANT USAGE ON SEQUENCE audit_entry_id_seq TO sluice_operator;
END
$$;
