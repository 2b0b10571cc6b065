"""How values of Python types are stored as JSON: codecs, found by annotations."""
