"""What followed repositories offer: synced, catalogued, found."""
