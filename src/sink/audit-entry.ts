/** What an operator did, for the record; in the transaction that does it. Parameters: actor, action, detail as JSON text. */
export const AUDIT = 'INSERT INTO audit_entry (actor, action, detail) VALUES ($1, $2, $3::jsonb)'
