-- Counting a whole register asks is_eligible() of every person.  A function whose body holds a subquery is called row by
-- row (about 10 us each); one that holds none is merged into the statement.  So the subquery moves into a function of its
-- own, which is called for people in categories alone.
CREATE FUNCTION is_kept_out(categories jsonb, excluded text[], on_day date)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN EXISTS (
        SELECT FROM jsonb_to_recordset(categories) AS k (c text, f date, u date)
         WHERE k.c = ANY (excluded) AND coalesce(k.f <= on_day, true) AND coalesce(k.u > on_day, true));

CREATE OR REPLACE FUNCTION is_eligible(grounds integer, entered_on date, left_on date, categories jsonb, mask integer, excluded text[], on_day date)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (grounds & mask) <> 0 AND coalesce(entered_on <= on_day, true) AND coalesce(left_on > on_day, true)
   AND (categories IS NULL OR cardinality(excluded) = 0 OR NOT is_kept_out(categories, excluded, on_day));
