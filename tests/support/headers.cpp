// Nothing: the headers that all tests begin with are compiled for it, and used by them.
