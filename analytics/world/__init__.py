"""A made-up nation that answers as people, post, laboratories and clinics would, over the public interfaces."""
