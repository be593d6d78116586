"""Studies: each has a design, written before it is run, and a script that runs it."""
