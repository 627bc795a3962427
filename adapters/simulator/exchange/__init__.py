"""The practice venue behind its wire: accounts, orders, contracts, hours, its memory."""
