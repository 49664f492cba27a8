"""Named queries and reports. Reads only; renders to text and JSON values, prints nothing."""
