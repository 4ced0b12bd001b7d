"""The command line, and nothing else: everything that it starts lives in the other folders."""
