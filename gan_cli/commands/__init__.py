"""The commands, one a file: parse what was typed, say what is wrong, call. Thin, and quick until a job starts."""
