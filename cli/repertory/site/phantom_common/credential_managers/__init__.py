"""There are none: settings of an asset are filled in before its app starts."""
