"""What runs on the other side, before content does; standard library only, each file a script of its own."""
