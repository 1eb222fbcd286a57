"""Files: delimited text, JSON and workbooks become rows."""
