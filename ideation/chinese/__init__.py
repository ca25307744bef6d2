"""From Chinese to English without a language model."""
