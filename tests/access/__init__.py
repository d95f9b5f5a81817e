"""Who gets what: every address of the product with everybody who may ask for it (`table`), in one populated `world`."""
