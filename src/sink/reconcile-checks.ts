// What must hold between the tables in any snapshot, as SQL. Each query gives rows (compared, wrong, example): how many
// things a row stands for, how many of them are wrong, and which it is, by id: never a quantity or a text of a record.
//
// Not among them: dead letters against `dead_lettered`. The counter begins at zero with each reset, letters are updated
// when their record comes again, and operators purge them, so no comparison of the two is always true.
export type CheckName =
  | 'inventory'
  | 'ledger-items'
  | 'mapping-items'
  | 'ledger-mappings'
  | 'inventory-items'
  | 'ledger-counters'
  | 'offset-accounts'
  | 'not-a-number'

export type CheckQuery = { readonly name: CheckName; readonly what: string; readonly sql: string }

/** What is right is only counted, what is wrong is grouped: both run in parallel workers, unlike one query for both. */
const ofOtherUser = (table: string) => `
  SELECT 0 AS compared, count(*) AS wrong,
    format('item %s of user %s: %s rows', t.item_id, t.user_id, count(*)) AS example
  FROM ${table} t LEFT JOIN item i ON i.id = t.item_id
  WHERE i.user_id IS DISTINCT FROM t.user_id GROUP BY t.item_id, t.user_id
  UNION ALL SELECT count(*), 0, NULL FROM ${table}`

export const CHECKS: readonly CheckQuery[] = [
  {
    name: 'inventory',
    // 0 of an item without entries: a correction moved them all away.
    what: 'items whose quantity on hand is the sum of their ledger entries',
    sql: `
      SELECT 1 AS compared, (i.quantity IS DISTINCT FROM coalesce(l.quantity, 0))::integer AS wrong,
        format('item %s: %s', item_id, CASE
          WHEN i.quantity IS NULL THEN 'in the ledger, not in inventory'
          WHEN l.quantity IS NULL THEN 'in inventory, not in the ledger'
          ELSE 'another quantity' END) AS example
      FROM (SELECT item_id, sum(quantity) AS quantity FROM ledger_entry GROUP BY item_id) l
      FULL JOIN inventory i USING (item_id)`,
  },
  {
    name: 'ledger-items',
    what: 'ledger entries whose item exists and is of the same user',
    sql: ofOtherUser('ledger_entry'),
  },
  {
    name: 'mapping-items',
    what: 'mappings whose item exists and is of the same user',
    sql: ofOtherUser('item_mapping'),
  },
  {
    // Except of a correction that was cut short: `sluice mapping finish` moves what is still at the old item.
    name: 'ledger-mappings',
    what: 'ledger entries at the item that their vendor key stands for',
    sql: `
      SELECT 0 AS compared, count(*) AS wrong,
        format('mapping %s: %s entries at item %s', l.mapping_id, count(*), l.item_id) AS example
      FROM ledger_entry l LEFT JOIN item_mapping m ON m.id = l.mapping_id
      WHERE l.mapping_id IS NOT NULL AND (m.item_id, m.user_id) IS DISTINCT FROM (l.item_id, l.user_id)
        AND NOT EXISTS (SELECT FROM mapping_change c JOIN mapping_change_key k ON k.change_id = c.id
          WHERE c.moved_at IS NULL AND c.from_item = l.item_id AND c.to_item = m.item_id AND k.mapping_id = m.id)
      GROUP BY l.mapping_id, l.item_id
      UNION ALL SELECT count(*), 0, NULL FROM ledger_entry WHERE mapping_id IS NOT NULL`,
  },
  {
    name: 'inventory-items',
    what: 'quantities on hand whose item exists',
    sql: `
      SELECT 1 AS compared, (i.id IS NULL)::integer AS wrong, format('item %s', t.item_id) AS example
      FROM inventory t LEFT JOIN item i ON i.id = t.item_id`,
  },
  {
    // Exact for ever: the transaction that inserts a row counts it, and a reset puts the count aside.
    name: 'ledger-counters',
    what: 'partitions with as many ledger entries as all groups together counted as inserted',
    sql: `
      SELECT 1 AS compared, (coalesce(l.rows, 0) <> coalesce(c.rows, 0))::integer AS wrong,
        format('%s[%s]: %s entries, %s counted', topic, partition, coalesce(l.rows, 0), coalesce(c.rows, 0)) AS example
      FROM (SELECT topic, partition, count(*) AS rows FROM ledger_entry GROUP BY topic, partition) l
      FULL JOIN (SELECT topic, partition, sum(inserted + inserted_before) AS rows
                 FROM consumer_offset GROUP BY topic, partition) c USING (topic, partition)`,
  },
  {
    name: 'offset-accounts',
    what: 'offset rows whose counters add up to the offsets they passed, none of them negative',
    sql: `
      SELECT 1 AS compared,
        (next_offset - start_offset <> inserted + duplicate + dead_lettered + ignored + absent + skipped
          OR least(inserted, duplicate, dead_lettered, ignored, absent, skipped, inserted_before, start_offset) < 0)::integer AS wrong,
        format('group %s, %s[%s]', group_id, topic, partition) AS example
      FROM consumer_offset`,
  },
  {
    name: 'not-a-number',
    what: 'quantities and prices that are numbers',
    sql: `
      SELECT 0 AS compared, 1 AS wrong, format('event %s of user %s', event_id, user_id) AS example
      FROM ledger_entry WHERE quantity = 'NaN' OR unit_price = 'NaN'
      UNION ALL SELECT 0, 1, format('quantity on hand of item %s', item_id) FROM inventory WHERE quantity = 'NaN'
      UNION ALL SELECT count(*), 0, NULL FROM ledger_entry
      UNION ALL SELECT count(*), 0, NULL FROM inventory`,
  },
]
