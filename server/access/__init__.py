"""Who may do what: accounts, sessions, keys of programs, counties, and the record of what was changed."""
