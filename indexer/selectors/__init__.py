"""Read queries for the API, the pages and the realtime gateway; nothing here writes."""
