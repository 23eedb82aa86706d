"""The commands, one a file: parse the arguments, report errors, call. They load TensorFlow only when a job starts."""
