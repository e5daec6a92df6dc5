-- Offsets that an operator passed by with `sluice offsets skip`: what was there is nobody's record any more, and is counted.
ALTER TABLE consumer_offset
  ADD COLUMN skipped bigint NOT NULL DEFAULT 0,
  DROP CONSTRAINT consumer_offset_accounts,
  ADD CONSTRAINT consumer_offset_accounts
    CHECK (next_offset - start_offset = inserted + duplicate + dead_lettered + ignored + absent + skipped);
