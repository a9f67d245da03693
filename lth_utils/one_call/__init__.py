"""In one call: a study of your data with controls and a page, and the structure of your model."""
