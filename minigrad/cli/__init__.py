"""The command line, one module for each command; `minigrad/__main__.py` calls them and nothing else imports them."""
