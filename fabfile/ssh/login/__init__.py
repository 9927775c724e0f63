"""Logging in as ssh does: which keys are tried in which order, passwords, and questions to the user.

`strategy` conducts a login, and `exchange` speaks the protocol. `settings` reads the ssh config, `identities` puts keys
into the order of ssh, `key_files` reads them, and `agents` talks to an ssh-agent. `report` says what was tried.
"""
