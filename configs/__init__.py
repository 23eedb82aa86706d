"""The YAML groups that the commands compose."""
