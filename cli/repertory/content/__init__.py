"""From a URL to an installed item: repositories, catalogue, checks, installation, lock."""
