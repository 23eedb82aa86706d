"""How good the generated examples are, in numbers; one file a metric."""
