"""The statistics of screening, on arrays of counts. Nothing here knows an indicator, a frame or a date.

scipy gives the distributions. Kaplan–Meier, Aalen–Johansen and the log-linear trend are written out
here: the libraries that have them want one row per person and bring pandas, where counts by day are at
hand; their results are the golden values of the tests.
"""
