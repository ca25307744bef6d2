"""Faithfulness: whether what the concept asked for is still said in both prompts."""
