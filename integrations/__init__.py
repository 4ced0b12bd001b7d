"""The outside world: one folder for each service, with its client, its wire types and its sandbox server."""
