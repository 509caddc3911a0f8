"""The command line, one module for each command; importing minigrad does not load it."""
