"""From letters to tokens and from tokens to bases."""
