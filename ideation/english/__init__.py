"""English as text: words, stems, phrases, and what a request asks for."""
