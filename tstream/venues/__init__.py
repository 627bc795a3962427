"""Kinds of venues: what each one is, and how its adapter and its practice twin are made."""
