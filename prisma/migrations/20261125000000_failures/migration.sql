-- The breaker's memory, kept with the position so that it outlives restarts and rebalances: dead letters in a row up to
-- next_offset, and a sliding window of settled records. Records that were replayed count in neither.
ALTER TABLE consumer_offset
  ADD COLUMN dead_letter_run      bigint NOT NULL DEFAULT 0,
  ADD COLUMN window_records       integer NOT NULL DEFAULT 0,
  ADD COLUMN window_dead_lettered integer NOT NULL DEFAULT 0,
  -- What `inserted` was before each reset, in all: with it the counters add up to the rows of the ledger for ever.
  ADD COLUMN inserted_before      bigint NOT NULL DEFAULT 0,
  -- Below it records are read again (offsets were reset): a record that succeeds now resolves its dead letter.
  ADD COLUMN reread_below         bigint NOT NULL DEFAULT 0;

-- closed_at NULL: open. allowance: dead letters that an operator lets pass although the breaker would close the gate.
ALTER TABLE consumer_gate
  ALTER COLUMN closed_at DROP NOT NULL,
  ALTER COLUMN closed_at DROP DEFAULT,
  ALTER COLUMN code DROP NOT NULL,
  ALTER COLUMN reason DROP NOT NULL,
  ADD COLUMN actor         text,
  ADD COLUMN partition     integer,
  ADD COLUMN record_offset bigint,
  ADD COLUMN allowance     bigint NOT NULL DEFAULT 0 CHECK (allowance >= 0);

ALTER TABLE dead_letter
  -- Set only when the value itself could not be stored.
  ADD COLUMN value_sha256         bytea,
  -- sha256 of the value that the last replay sent: a record that claims to be a replay must match it.
  ADD COLUMN replay_hash          bytea,
  -- NULL while status is 'replayed': marked, but not yet acknowledged by the brokers.
  ADD COLUMN replay_sent_at       timestamptz(3),
  ADD COLUMN replay_claimed_until timestamptz(3),
  ADD COLUMN resolved_at          timestamptz(3),
  ADD COLUMN discard_reason       text,
  -- The DLQ topic refused even the least of it: the relay leaves it alone until then.
  ADD COLUMN deferred_until       timestamptz(3);
-- Lists and replays page through in this order.
CREATE INDEX dead_letter_created ON dead_letter (group_id, created_at, id);
-- An invoice's records that could not be read have its id as their key. Not USING hash: of a key that many letters share, it
-- walks all of them for each new one (300,000 letters: 0.2 ms each and growing; this: 0.003 ms).
CREATE INDEX dead_letter_key ON dead_letter (sha256(key)) WHERE invoice_id IS NULL;
-- The relay's queue in the order of the records: what shares a key stays in order on the DLQ topic too.
DROP INDEX dead_letter_unpublished;
CREATE INDEX dead_letter_unpublished ON dead_letter (group_id, created_at, topic, partition, record_offset) WHERE published_at IS NULL;
-- Is a relay at work? It holds few letters, however many wait.
CREATE INDEX dead_letter_claimed ON dead_letter (group_id, claimed_until) WHERE published_at IS NULL AND claimed_until IS NOT NULL;
-- Resets of before this migration put nothing aside: what they zeroed is what the ledger has and no counter knows.
UPDATE consumer_offset o SET inserted_before = l.rows - c.rows
FROM (SELECT topic, partition, count(*) AS rows FROM ledger_entry GROUP BY topic, partition) l
JOIN (SELECT topic, partition, sum(inserted) AS rows, min(group_id) AS group_id FROM consumer_offset GROUP BY topic, partition) c
  USING (topic, partition)
WHERE o.topic = l.topic AND o.partition = l.partition AND o.group_id = c.group_id AND l.rows > c.rows
  AND EXISTS (SELECT FROM audit_entry a WHERE a.action = 'offsets.reset' AND a.detail ->> 'topic' = o.topic);
