"""Values and events that every room of the house may know."""
