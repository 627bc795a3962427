"""Alert rooms on Discord: what whitelisted authors post, change and delete, each told once.

`source` is the way in and begins a `session` for each login; its `client` and `history` give messages to the
`reader`, which asks the `whitelist` who counts and the `read_state` what is new.
"""
