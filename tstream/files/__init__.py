"""Files of what the engine does, for jq, watch and tail: status, today's trades, logs, performance
(docs/files.md).
"""
