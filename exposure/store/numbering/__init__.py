"""Making an index: names and pots get dense numbers, rows become fixed-width columns."""
