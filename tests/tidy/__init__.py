"""Rules of the house that no linter knows, each with a test of itself on a bad sample."""
