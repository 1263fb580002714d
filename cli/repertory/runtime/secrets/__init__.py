"""Secret settings of assets: sealed in one file, or referred to where they are."""
