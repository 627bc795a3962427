"""What a model is trained on, how it is judged, and when another one takes its place (docs/models.md)."""
