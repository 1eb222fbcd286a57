"""Times as systems write them."""
