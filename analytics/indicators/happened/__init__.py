"""Facts: what happened, told from the dataset once for every indicator that counts it.

No clinical rule is retold: what follows from a result is read from the obligations that `decide` opened.
"""
