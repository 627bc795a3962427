"""Books (account and broker) and what reaches across them: alerts, connections, contract months, commands."""
