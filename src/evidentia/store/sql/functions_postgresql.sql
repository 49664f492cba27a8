-- What the rules and views of a pack's own database need, and PostgreSQL lacks. Neither raises: a
-- CHECK that raises refuses with an error that names no rule.

CREATE OR REPLACE FUNCTION json_valid(document text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  PERFORM document::json;
  RETURN document IS NOT NULL;
EXCEPTION WHEN data_exception THEN
  RETURN false;
END $$;

-- In milliseconds, as SQLite counts.
CREATE OR REPLACE FUNCTION julianday(moment text) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET timezone = 'UTC' AS $$
BEGIN
  RETURN round(extract(epoch FROM moment::timestamptz) * 1000) / 86400000.0 + 2440587.5;
EXCEPTION WHEN data_exception THEN
  RETURN NULL;
END $$;
