"""The practice venue behind its wire: accounts, orders, the passing of practice time, the state file."""
