"""What the practice venues speak: one room for each venue's wire."""
