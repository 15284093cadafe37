"""The command line: each command chooses configs or calls one function, and reports in one common form."""
