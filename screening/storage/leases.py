"""Having a row in hand for a while: a column `lease_until`, measured by the database's clock alone.

Whoever dies lets go of what they had when its lease is over.
"""

FREE = "(lease_until is null or lease_until < now())"
# longer than any carrier may take to answer
FOR_A_WHILE = "now() + interval '5 minutes'"
