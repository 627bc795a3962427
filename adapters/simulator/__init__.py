"""The practice venue: a ProjectX gateway on loopback, with a market of its own."""
