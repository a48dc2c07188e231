"""The sections of the page My own actions: from names of actions to a model of one's own."""
