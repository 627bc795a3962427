"""Yahoo's chart endpoint on loopback, around a market of ours, with what goes wrong there."""
