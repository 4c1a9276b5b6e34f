"""The pages for people. They know the API and its functions; nobody knows them."""
