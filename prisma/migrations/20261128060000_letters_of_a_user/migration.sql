-- Letters of a user, whatever their invoice: of 100,000 letters the whole table was read for them, as the index had only those
-- whose invoice is known. First made, then dropped: so letters can be read meanwhile; whoever writes one waits.
CREATE INDEX dead_letter_user ON dead_letter (user_id, invoice_id);
DROP INDEX dead_letter_invoice;
