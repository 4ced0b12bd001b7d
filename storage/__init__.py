"""PostgreSQL: the writer and its unit of work, readers, migrations, and the embedded server."""
