"""Data sets: files, folders, standard input, JSON Lines and Parquet, read as a stream of records."""
