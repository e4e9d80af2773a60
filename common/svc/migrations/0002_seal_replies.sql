-- Replies can hold what is sealed elsewhere (names, numbers): where there is a key ring, the stored reply is sealed with
-- the tenant's data key, bound to its place.
ALTER TABLE reply ADD COLUMN sealed boolean NOT NULL DEFAULT false;
