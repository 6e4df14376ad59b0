"""The pages that programme staff look at, their pictures, and what can be taken away from them."""
