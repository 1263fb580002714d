"""The only way out of a confined process: what was declared, named and dialled by us."""
