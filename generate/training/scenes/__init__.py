"""The scenes that Seedling learns from: what they show, how they are drawn, and what is said of them."""
