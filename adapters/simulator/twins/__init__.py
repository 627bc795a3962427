"""Practice twins of venues other than ProjectX: what all of them share, whatever the wire around it."""
