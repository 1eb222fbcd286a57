"""Files: delimited text, JSON and workbooks become rows.

The route of a row:

1. ``reader`` opens the file; ``formats`` says by its first bytes what it is.
2. Text: ``encoding`` finds how it is written, ``lines`` gives its lines, ``damage`` marks bytes
   that the encoding does not know.
3. Delimited text: ``csv_dialect`` finds the delimiter; ``csv_records`` reads records, over
   ``csv_lines``; ``csv_rows`` makes rows of them, and ``csv_fragments`` refuses what a line break
   in a text left of one.
4. JSON: ``json_rows`` tells ``json_lines`` from ``json_array``, which reads over ``json_window``;
   ``json_values`` decodes.
5. Workbooks: ``xlsx_damage`` refuses, ``xlsx_sheets`` chooses, ``xlsx_cells`` reads, ``xlsx_rows``
   makes rows.
6. ``header_search`` finds a table's header by its ``cells``; ``header`` names each value by its
   column. ``column_names`` knows when two names are one, and which names tables of tickets have.

A ``Row`` (``rows``) carries its line, and why it cannot be read. ``producer.tickets`` goes on.
"""
