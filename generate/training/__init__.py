"""How Seedling was grown: scenes, captions, tokenizer, CLIP, autoencoder, U-Net, evaluation and export."""
