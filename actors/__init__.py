"""One module for each actor of the tree; the only place where domain, runtime, storage and integrations meet."""
