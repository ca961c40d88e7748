"""HTTP for the API and the pages alike: limits, caching, bounded concurrency."""
