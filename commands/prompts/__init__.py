"""Commands that write: concepts are drawn, and made into prompts."""
