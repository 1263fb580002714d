"""Items in a tree, and everything that can be said about them without running them."""
