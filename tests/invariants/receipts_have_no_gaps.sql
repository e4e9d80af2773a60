-- The receipts of a cash book are 1 to the last, and the book's cash is what they say.  Returns no row while that holds.
SELECT b.cash_book_id
  FROM contributions.cash_book b
  LEFT JOIN contributions.payment p ON p.tenant_id = b.tenant_id AND p.cash_book_id = b.cash_book_id
 GROUP BY b.tenant_id, b.cash_book_id, b.receipts, b.handed_fen, b.taken_fen
HAVING count(p.receipt) <> b.receipts OR coalesce(max(p.receipt), 0) <> b.receipts OR b.handed_fen > b.taken_fen;
