"""The store: rows in immutable Parquet parts, versions and coverage in a small SQLite catalogue."""
