"""What several adapters need: secrets, redaction, the rate budget, back-off, times of the wire.

All that adapters may share: they never import each other. It knows the engine's model and nobody else.
"""
