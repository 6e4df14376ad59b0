"""A nation in whole columns: made-up data of national size, for measuring and for a second look at results.

People live in proportion to Norway's real municipalities, ages and sexes; what happens to them follows
the order and the shares of real programmes, roughly. No figure made from it says anything about a country.
"""
