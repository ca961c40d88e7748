"""Read queries for the REST API, the pages, the admin and the WebSocket gateway; nothing here writes.

Two ways to read, and no third: Django's ORM for rows of one table (a `Listing` where they are read page by page), and
`rows.fetch` for SQL text (joins, aggregates, the one query that is asked most). Only `rows` and `snapshot` hold a
cursor.
"""
