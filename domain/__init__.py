"""Values and rules of the business: no I/O, no Trio, no clock of its own."""
