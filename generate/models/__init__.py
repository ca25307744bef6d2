"""Models: found by name, checked, opened; LoRAs and textual inversions."""
