-- What nearly the same text finds an item by (src/line-items/match-keys.ts): hashes of the user and of parts of the text that an
-- item was made with; null for skus, and for texts that joined an item. Stored texts get theirs from `sluice migrate`.
ALTER TABLE item_mapping ADD COLUMN match_keys integer[];
-- Without fastupdate: a look-up must not read a list of what is not sorted in yet.
CREATE INDEX item_mapping_match ON item_mapping USING gin (match_keys) WITH (fastupdate = off);

-- In how many of these texts a word is: a word that is in use is no misspelling of another.
CREATE TABLE item_word (
  user_id text NOT NULL,
  word    text NOT NULL,
  items   integer NOT NULL,
  PRIMARY KEY (user_id, word)
) WITH (fillfactor = 70);
