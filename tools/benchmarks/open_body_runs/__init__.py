"""The runs of the open benchmark: what they are, how they are run, what they say together."""
