"""Content formats: each one finds items in a tree and describes them as manifests, without importing anything."""
