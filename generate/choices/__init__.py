"""Named choices: styles, presets, performance levels and sizes, from small files."""
