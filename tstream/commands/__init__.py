"""The commands of the command line, one file each; none is imported before it is called."""
