"""What news says, and how it looks in each form."""
